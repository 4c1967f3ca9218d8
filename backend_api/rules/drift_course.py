"""From windows to a state that does not flicker, and what it needs to change.

A window is one day, or the last few where a day has too few requests (``drift_window``). Windows of
several days are judged anew each day and share most of their days, so two in a row are nearly the
same rows twice. Only windows that share no day are evidence of their own: the newest, the newest
that ends before it begins, and so on. With windows of a day these are simply the last days.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count

from backend_api.rules.drift import HIGH, MEDIUM, ROWS_MEDIUM
from backend_api.states import DRIFT_ALARMS, DriftState, most_drift

S = DriftState
# A worse state takes two of three windows, a better one three without an exception.
WINDOWS, TO_ENTER = 3, 2
_LEVEL = {S.NONE: 0, S.INSUFFICIENT: 0, S.MEDIUM: 1, S.HIGH: 2}
_LINES = {S.MEDIUM: f"at {MEDIUM} or more", S.HIGH: f"over {HIGH}"}


@dataclass(frozen=True)
class Window:
    """What ``days`` days, up to ``last`` and with it, showed by themselves."""

    state: DriftState
    last: date
    days: int = 1


def apart(seen: Sequence[Window]) -> list[DriftState]:
    """States of the newest windows that could be judged and share no day, oldest first.

    ``seen`` is oldest first as well; at most ``WINDOWS`` come back.
    """
    found: list[DriftState] = []
    end = date.max
    for one in reversed(seen):
        if one.state == S.INSUFFICIENT or one.last > end:
            continue
        found.append(one.state)
        end = one.last - timedelta(days=one.days)
        if len(found) == WINDOWS:
            break
    return found[::-1]


def settle(before: DriftState, seen: Sequence[Window]) -> DriftState:
    """The state after the newest of ``seen``, from the one before it; windows oldest first.

    Windows that could not be judged are passed over. Without enough rows an alarm stays as it is,
    and good news is withdrawn: the state is INSUFFICIENT.
    """
    if seen[-1].state == S.INSUFFICIENT:
        return before if before in DRIFT_ALARMS else S.INSUFFICIENT
    judged = apart(seen)
    for worse in DRIFT_ALARMS:
        if _LEVEL[worse] > _LEVEL[before] and _reaching(judged, worse) >= TO_ENTER:
            return worse
    if before not in DRIFT_ALARMS:
        return S.NONE
    left = len(judged) == WINDOWS and not _reaching(judged, before)
    return most_drift(judged) if left else before


def _reaching(judged: Sequence[DriftState], state: DriftState) -> int:
    return sum(_LEVEL[one] >= _LEVEL[state] for one in judged)


def changed(before: DriftState, after: DriftState) -> bool:
    """Whether somebody should hear of it: more or fewer rows alone are no news."""
    return _LEVEL[before] != _LEVEL[after]


def raised(before: DriftState, after: DriftState) -> bool:
    """Whether the change is an alarm: news of a better state, though it be medium, is none."""
    return _LEVEL[after] > _LEVEL[before]


def _long(seen: Sequence[Window]) -> int:
    """How many days the newest window that could be judged has."""
    return next((one.days for one in reversed(seen) if one.state != S.INSUFFICIENT), 1)


def _days(before: DriftState, seen: Sequence[Window], coming: DriftState) -> int:
    """How many days whose windows are of one kind it takes until the state is another one."""
    state, course = before, list(seen)
    last, long = (seen[-1].last if seen else date.min), _long(seen)
    for days in count(1):
        course.append(Window(coming, last + timedelta(days=days), long))
        state = settle(state, course)
        if changed(before, state):
            return days
    raise AssertionError("unreachable: three windows of a kind always settle")


def needs(state: DriftState, seen: Sequence[Window], rows: int, most: int) -> str:
    """What a state needs to change, in a sentence.

    ``seen`` are the windows up to now, oldest first, and ``rows`` those of the newest, of its
    smaller side; ``most`` is how many days are judged together at most.
    """
    lacking = ROWS_MEDIUM - rows
    more = f"{lacking:,} more {_of('row', lacking)} in {most} days"
    if state == S.INSUFFICIENT:
        # A day without any is not widened, so that nothing is known of the days before.
        told = more if rows else f"requests, {ROWS_MEDIUM} rows in {most} days at most"
        return f"To be judged it needs {told}."
    long = _long(seen)
    each = f" Of windows of {long} days that share a day, one counts." if long > 1 else ""
    if state in DRIFT_ALARMS:
        days = _days(state, seen, S.NONE)
        clean = f"{days} more clean days" if days > 1 else "one more clean day"
        short = f", and for that {more}" if seen and seen[-1].state == S.INSUFFICIENT else ""
        worse = f" {_worse(S.HIGH, state, seen)}" if state == S.MEDIUM else ""
        return f"To leave it needs {clean}{short}.{worse}{each}"
    return f"It stays so unless days drift. {_worse(S.MEDIUM, state, seen)}{each}"


def _worse(worse: DriftState, state: DriftState, seen: Sequence[Window]) -> str:
    days = _days(state, seen, worse)
    often = f"{days} days" if days > 1 else "One more day"
    makes = "make" if days > 1 else "makes"
    return f"{often} {_LINES[worse]} {makes} it {worse.value}."


def _of(word: str, number: int) -> str:
    return word if number == 1 else f"{word}s"
