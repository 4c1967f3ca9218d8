"""The error budget: how many requests may still fail, or be slow, before promotions are shut.

An objective o over a window lets the share 1 - o of the window's requests be bad. Of n requests
with b bad ones, attained = 1 - b/n, allowed = (1 - o) n and left = 1 - b/allowed, which is below 0
once more is spent than there was (Beyer, Murphy, Rensin, Kawahara and Thorne, "The Site Reliability
Workbook", 2018, chapters 2 and 5). The window rolls: what was bad long ago leaves it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from backend_api.states import GateState

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# With fewer allowed than this a handful of failures would be the whole month's.
LEAST_ALLOWED = 10
# A day and a night: what an hour shows is not the pace of a month.
LEAST_SPAN = DAY
# Past this an answer is slow, for a budget and for a canary.
SLOW_MS = 200.0
SLOW = f"took longer than {SLOW_MS:.0f} ms"
# Counts are made each minute; older ones say nothing of now.
BEHIND = HOUR


@dataclass(frozen=True)
class Hour:
    """Requests of the hour that began ``age`` + 1 hours ago, the failed and the slow of them."""

    age: int
    total: int
    errors: int
    slow: int


@dataclass(frozen=True)
class Objectives:
    """Shares (0..1) of requests that must not fail, and that must take at most 0.2 s."""

    errors: float
    fast: float
    window: timedelta


class Left(StrEnum):
    """How a budget stands."""

    NO_DATA = "no data"
    TOO_LITTLE = "too little traffic"
    SOME = "some left"
    GONE = "gone"


@dataclass(frozen=True)
class Budget:
    """One objective's budget; ``attained`` and ``left`` are shares, the rest are requests.

    ``words`` say what a bad one did and has done. ``whole`` is what a whole window allows at the
    mean pace so far. ``recovers`` is when a spent budget is back if the last hour goes on, ``None``
    if it is not spent or would not come back.
    """

    name: str
    words: tuple[str, str]
    state: Left
    objective: float
    total: int
    bad: int
    allowed: float
    whole: float
    recovers: datetime | None = None

    @property
    def attained(self) -> float | None:
        """Share of good requests; without requests there is none."""
        return 1 - self.bad / self.total if self.total else None

    @property
    def left(self) -> float | None:
        """Share of the budget that is left, negative when overspent."""
        return 1 - self.bad / self.allowed if self.allowed else None


@dataclass(frozen=True)
class Standing:
    """A model's budgets over ``days``; ``behind`` is how old counts are that should be newer."""

    days: int = 30
    budgets: tuple[Budget, ...] = ()
    behind: timedelta | None = None


def standing(
    hours: Sequence[Hour], objectives: Objectives, counted_to: datetime | None, now: datetime
) -> Standing:
    """How both budgets stand at ``now``, from the hours of the window that had requests."""
    late = now - counted_to if counted_to is not None else None
    pairs = (("errors", ("failed", "failed"), objectives.errors, "errors"),
             ("fast", (SLOW, SLOW.replace("took", "taken")), objectives.fast, "slow"))  # fmt: skip
    return Standing(
        objectives.window.days,
        tuple(
            _budget(name, words, share, [(h.age, h.total, getattr(h, bad)) for h in hours],
                    objectives.window, now)
            for name, words, share, bad in pairs
        ),
        late if late is not None and late > BEHIND else None,
    )  # fmt: skip


def _allowed(objective: float, total: int) -> float:
    # Rounded, so that 0.1 % of 10,000 is 10 and not a little more.
    return round((1 - objective) * total, 6)


def _budget(
    name: str, words: tuple[str, str], objective: float, hours: list[tuple[int, int, int]],
    window: timedelta, now: datetime,
) -> Budget:  # fmt: skip
    total, bad = sum(h[1] for h in hours), sum(h[2] for h in hours)
    allowed = _allowed(objective, total)
    span = min(window, (max((h[0] for h in hours), default=0) + 1) * HOUR)
    if total == 0:
        state = Left.NO_DATA
    elif span < LEAST_SPAN or allowed < LEAST_ALLOWED:
        state = Left.TOO_LITTLE
    else:
        state = Left.SOME if bad < allowed else Left.GONE
    back = _recovers(objective, hours, window, now) if state == Left.GONE else None
    return Budget(
        name, words, state, objective, total, bad, allowed, allowed * (window / span), back
    )


def _recovers(
    objective: float, hours: list[tuple[int, int, int]], window: timedelta, now: datetime
) -> datetime | None:
    """The first whole hour at which the window, rolled on at the last hour's pace, has some left.

    What leaves the window is known, what comes is taken as the last hour.
    """
    width = int(window / HOUR)
    pace = next((h for h in hours if h[0] == 0), (0, 0, 0))
    total, bad = sum(h[1] for h in hours), sum(h[2] for h in hours)
    leaving = {age: (n, b) for age, n, b in hours}
    for ahead in range(1, width + 1):
        gone = leaving.get(width - ahead, (0, 0))
        total, bad = total - gone[0] + pace[1], bad - gone[1] + pace[2]
        if bad < _allowed(objective, total):
            return now + ahead * HOUR
    return None


def opinion(standing: Standing) -> tuple[GateState, str, dict[str, Any]]:
    """What the budgets say to a promotion: state of the gate, sentence, and the numbers.

    A model without traffic has nothing that could be spent, so it is not held back; counts that
    nobody makes any more are another thing, and hold it back until they are made.
    """
    seen = {
        b.name: {"objective": b.objective, "total": b.total, "bad": b.bad, "left": b.left}
        for b in standing.budgets
    }
    days = f"{standing.days}-day error budget"
    if standing.behind is not None:
        hours = standing.behind / HOUR
        return (
            GateState.UNKNOWN,
            f"Requests are counted only up to {hours:,.0f} h ago, so nobody knows what is left of"
            f" the {days}. The worker counts them; `nivesh status` says whether it runs.",
            seen,
        )
    gone = [b for b in standing.budgets if b.state == Left.GONE]
    if gone:
        return GateState.FAIL, " ".join(_spent(b, days) for b in gone) + f" {OPEN}", seen
    some = [b for b in standing.budgets if b.state == Left.SOME]
    if some:
        told = ", ".join(f"{b.left:.0%} ({b.allowed - b.bad:,.0f} more may have {b.words[1]})"
                         for b in some if b.left is not None)  # fmt: skip
        return GateState.PASS, f"Left of the {days}: {told}.", seen
    if any(b.state == Left.TOO_LITTLE for b in standing.budgets):
        total = max(b.total for b in standing.budgets)
        return (
            GateState.NOT_APPLICABLE,
            f"{total:,} requests were counted: too few, or over too short a time, to speak of a"
            f" {days}.",
            seen,
        )
    return (
        GateState.NOT_APPLICABLE,
        f"No request was counted in {standing.days} days, so there is no error budget to spend.",
        seen,
    )


OPEN = (
    "Until then nothing is promoted or raised; rollback, abort and a lower share stay open, and a"
    " lead may approve a request by break-glass."
)


def _spent(budget: Budget, days: str) -> str:
    back = (
        f"at the pace of the last hour some is left again on {budget.recovers:%d %b %Y, %H:%M} UTC"
        if budget.recovers
        else "at the pace of the last hour it does not come back"
    )
    return (
        f"The {days} is spent: {budget.bad:,} of {budget.total:,} requests {budget.words[0]},"
        f" {budget.allowed:,.0f} may ({budget.bad / budget.allowed:.0%}); {back}."
    )
