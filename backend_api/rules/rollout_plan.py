"""The steps of a canary: where the plan leads from a share, up and down, and when at the earliest.

Apart from the moves, which need the judge and its statistics: whoever rolls back at a terminal
does not wait for those.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

FULL = 100
# A version that is left loses half at once; what is wrong with it hits fewer from then on.
WALK = (50, 10)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Plan:
    """Shares in per cent, how long each is compared, and the units each arm must have given.

    ``patience`` is how long the arms may give nothing to compare before the share goes back.
    """

    steps: tuple[int, ...]
    each: timedelta
    least: int
    patience: timedelta
    on_bad: Literal["roll_back", "hold"]


def next_share(plan: Plan, share: int) -> int:
    """The plan's next share above this one; past its end everything."""
    return min((step for step in plan.steps if step > share), default=FULL)


def lower_share(plan: Plan, share: int) -> int:
    """The plan's next share below this one; past its end nothing."""
    return max((step for step in plan.steps if step < share), default=0)


def earliest(plan: Plan, compared: int, until: datetime) -> datetime:
    """When the next step may come if both arms answer from ``until`` on.

    ``compared`` are the minutes that were compared at the present share by then.
    """
    return until + max(timedelta(0), plan.each - compared * MINUTE)
