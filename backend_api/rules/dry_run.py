"""A plan walked through traffic of the past: when each step would have been over, what seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, log

import numpy as np
from numpy.typing import NDArray

from backend_api.rules.judge import FALSE_LIMIT, LIMITS, RATES, THRESHOLD
from backend_api.rules.rollout_plan import FULL, Plan
from backend_api.rules.sequential import Counts, detectable, log_share, needed
from backend_api.states import DryRunOutcome

MINUTE = timedelta(minutes=1)
# Nothing to compare for this many minutes is a stall; a quiet minute is none.
STALL = 60
# The evidence that the judge wants of the errors alone.
WANTED = THRESHOLD - log(next(m.weight for m in RATES if m.name == "errors"))
LIMIT = next(limit for name, _, limit in LIMITS if name == "errors")
MOST_UNITS = 10**9


@dataclass(frozen=True)
class Log:
    """Units (a user in a minute) of the minutes from ``start`` on, and the failed ones.

    Both are of the shape (minutes, shares + 1): a column for each of the plan's shares below 100,
    smallest first, with the users whom that share is the first to give the canary; the last one
    for those whom none does.
    """

    start: datetime
    units: Counts
    errors: Counts

    def at(self, minute: int) -> datetime:
        """When a minute begins."""
        return self.start + minute * MINUTE


@dataclass(frozen=True)
class Step:
    """One share's time, in minutes of the log: ``least`` when both arms had the plan's minimum and
    ``done`` when it was over, each the first minute after, ``None`` if that did not come.

    ``units`` are those of the canary in each minute of the step that can be compared, else 0.
    ``stalls`` are spans without anything to compare.
    """

    order: int
    share: int
    begin: int
    end: int
    least: int | None
    done: int | None
    minutes: int
    units: Counts
    stable: int
    errors: int
    stalls: tuple[tuple[int, int], ...]

    @property
    def canary(self) -> int:
        """Units of the canary that were compared."""
        return int(self.units.sum())

    @property
    def rate(self) -> float:
        """Share of failed units; that none failed says that it is low, not that it is nothing."""
        return (self.errors + 0.5) / (self.canary + self.stable + 1)

    @property
    def detectable(self) -> float | None:
        """Smallest error rate of a canary that this step shows as worse."""
        part = self.canary / max(1, self.canary + self.stable)
        return detectable(self.rate, self.canary, part, WANTED)


@dataclass(frozen=True)
class Walk:
    """All steps that were begun, how it ended, and in which minute."""

    steps: tuple[Step, ...]
    outcome: DryRunOutcome
    end: int


@dataclass(frozen=True)
class Caught:
    """The judge's expected verdict against a canary: in which minute, and at which step."""

    minute: int
    step: Step


def shares(plan: Plan) -> tuple[int, ...]:
    """The shares at which both arms are compared."""
    return tuple(sorted({s for s in plan.steps if s < FULL}))


def walk(traffic: Log, plan: Plan) -> Walk:
    """Take the plan from the log's first minute on, as the watch would with good verdicts.

    A step is over once ``plan.each`` of time had answers of both arms and each arm ``plan.least``
    units in it; the next begins a minute later, when all workers serve it. After ``plan.patience``
    without anything to compare the share goes back.
    """
    begin = 0
    steps: list[Step] = []
    for order, share in enumerate(shares(plan)):
        if begin >= len(traffic.units):
            return Walk(tuple(steps), DryRunOutcome.UNFINISHED, len(traffic.units))
        step, gave_up = _step(traffic, plan, order, share, begin)
        steps.append(step)
        if step.done is None:
            outcome = DryRunOutcome.GAVE_UP if gave_up else DryRunOutcome.UNFINISHED
            return Walk(tuple(steps), outcome, step.end)
        begin = step.done + 1
    return Walk(tuple(steps), DryRunOutcome.COMPLETED, max(0, begin - 1))


def _step(
    traffic: Log, plan: Plan, order: int, share: int, begin: int
) -> tuple[Step, bool]:  # fmt: skip
    canary = traffic.units[begin:, : order + 1].sum(axis=1)
    stable = traffic.units[begin:, order + 1 :].sum(axis=1)
    both = (canary > 0) & (stable > 0)
    canary, stable = np.where(both, canary, 0), np.where(both, stable, 0)
    least = _first(np.minimum(canary.cumsum(), stable.cumsum()) >= plan.least)
    timed = _first(both.cumsum() >= ceil(plan.each / MINUTE))
    done = None if least is None or timed is None else max(least, timed)
    patience = ceil(plan.patience / MINUTE)
    idle = _gaps(both[:done] if done is not None else both)
    gave_up = next((start + patience for start, stop in idle if stop - start >= patience), None)
    end = gave_up if gave_up is not None else done if done is not None else len(both)
    part = slice(0, end)
    seen = Step(
        order, share, begin, begin + end,
        begin + least if least is not None and least <= end else None,
        begin + done if done is not None and gave_up is None else None,
        int(both[part].sum()), canary[part], int(stable[part].sum()),
        int(traffic.errors[begin : begin + end][both[part]].sum()),
        tuple((begin + a, begin + min(b, end)) for a, b in idle if b - a >= STALL and a < end),
    )  # fmt: skip
    return seen, gave_up is not None


def _first(holds: NDArray[np.bool_]) -> int | None:
    """Minutes until it holds for the first time."""
    found = int(holds.argmax()) if len(holds) else 0
    return found + 1 if len(holds) and holds[found] else None


def _gaps(both: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Spans (from, to) of minutes without answers of both arms."""
    edges = np.concatenate(([-1], np.flatnonzero(both), [len(both)]))
    wide = np.flatnonzero(np.diff(edges) > 1)
    return [(int(edges[i]) + 1, int(edges[i + 1])) for i in wide]


def caught(found: Walk, rate: float, worse: float) -> Caught | None:
    """When a canary that fails ``worse`` beside a stable's ``rate`` is expected to be sent back.

    By evidence or by the hard limit, whichever is expected first; each step begins anew, as the
    judge does.
    """
    for step in found.steps:
        part = step.canary / max(1, step.canary + step.stable)
        wanted = [needed(rate, worse, part, WANTED), _over_limit(rate, worse)]
        enough = min((w for w in wanted if w is not None), default=None)
        at = None if enough is None else _first(step.units.cumsum() >= enough)
        if at is not None:
            return Caught(step.begin + at, step)
    return None


def _over_limit(rate: float, worse: float) -> int | None:
    """Units after which the expected failures are beyond the hard limit; ``None`` if never.

    A limit that the stable arm is over as well says nothing of the canary.
    """
    if worse <= LIMIT or rate > LIMIT:
        return None
    low, high = 1, MOST_UNITS
    while low < high:
        middle = (low + high) // 2
        over = log_share(round(middle * worse), middle, LIMIT) >= -log(FALSE_LIMIT)
        low, high = (low, middle) if over else (middle + 1, high)
    return low


def spans(found: Walk, until: int) -> list[tuple[int, int, int]]:
    """(from, to, order) of the minutes in which each step's users had the canary, up to one."""
    return [(s.begin, min(s.end, until), s.order) for s in found.steps if s.begin < until]


def people_hit(visits: Sequence[tuple[int, int]], extra: float) -> float:
    """How many people are expected to meet a failure that the stable version would not have given.

    ``visits`` are (units, people with so many), ``extra`` is the chance in each unit.
    """
    return sum(people * (1 - (1 - extra) ** units) for units, people in visits)
