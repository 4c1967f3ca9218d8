"""How many days are judged together: as few as say something.

A day with fewer rows than a state takes says nothing by itself, and a model with little traffic
would stay grey for ever. So the window is widened backwards until a state is found. A day without
any request is not widened: what came before it was judged before, and nothing new is no good news.
"""

from dataclasses import dataclass

from backend_api.rules.divergence import Counts
from backend_api.rules.drift import ROWS_HIGH, ROWS_MEDIUM, Judgement, judge
from backend_api.states import DriftState
from shared.profile import Profile

# Whole weeks from the third on, so that each weekday is in as often as the others.
WIDTHS = (1, 3, 7, 14, 28)
WIDEST = WIDTHS[-1]


@dataclass(frozen=True)
class Look:
    """The newest ``days`` days together: their rows, their counts, and how far they lie away."""

    days: int
    rows: int
    counts: Counts
    judgement: Judgement


def narrowest(profile: Profile, rows: Counts, counts: Counts) -> Look:
    """The shortest window up to the newest day that has a state, else the longest there is.

    ``rows`` has shape (days,) and ``counts`` (days, bins of the profile), oldest first.
    """
    widths = [w for w in WIDTHS if w <= len(rows)] if rows[-1] else [1]
    for width in widths:
        number = int(rows[-width:].sum())
        # Fewer have no state, whatever they are; but for the last, nobody asks how far they lie.
        if number < ROWS_HIGH and width != widths[-1]:
            continue
        window: Counts = counts[-width:].sum(axis=0)
        look = Look(width, number, window, judge(profile, profile.counts, window))
        # Past that it is the reference that is too small, and more days would not mend it.
        if look.judgement.state != DriftState.INSUFFICIENT or number >= ROWS_MEDIUM:
            break
    return look
