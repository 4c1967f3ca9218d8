"""From windows to a state that does not flicker, and what it needs to change."""

from collections.abc import Sequence
from itertools import count

from backend_api.rules.drift import HIGH, MEDIUM, ROWS_MEDIUM
from backend_api.states import DRIFT_ALARMS, DriftState, most_drift

S = DriftState
# A worse state takes two of three windows, a better one three without an exception.
WINDOWS, TO_ENTER = 3, 2
_LEVEL = {S.NONE: 0, S.INSUFFICIENT: 0, S.MEDIUM: 1, S.HIGH: 2}
_LINES = {S.MEDIUM: f"at {MEDIUM} or more", S.HIGH: f"over {HIGH}"}


def settle(before: DriftState, seen: Sequence[DriftState]) -> DriftState:
    """The state after the newest of ``seen``, from the one before it; windows oldest first.

    Windows that could not be judged are passed over. Without enough rows an alarm stays as it is,
    and good news is withdrawn: the state is INSUFFICIENT.
    """
    if seen[-1] == S.INSUFFICIENT:
        return before if before in DRIFT_ALARMS else S.INSUFFICIENT
    judged = [state for state in seen if state != S.INSUFFICIENT][-WINDOWS:]
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


def _days(before: DriftState, seen: Sequence[DriftState], coming: DriftState) -> int:
    """How many windows of one kind it takes until the state is another one."""
    state, course = before, list(seen)
    for days in count(1):
        course.append(coming)
        state = settle(state, course)
        if changed(before, state):
            return days
    raise AssertionError("unreachable: three windows of a kind always settle")


def needs(state: DriftState, seen: Sequence[DriftState], rows: int) -> str:
    """What a state needs to change, in a sentence.

    ``seen`` are the windows up to now, oldest first, and ``rows`` those of the newest, of its
    smaller side.
    """
    lacking = ROWS_MEDIUM - rows
    more = f"{lacking:,} more {'row' if lacking == 1 else 'rows'} in a day"
    if state in DRIFT_ALARMS:
        days = _days(state, seen, S.NONE)
        clean = f"{days} more clean {_word(days)}" if days > 1 else "one more clean day"
        short = f", and for that {more}" if seen and seen[-1] == S.INSUFFICIENT else ""
        worse = f" {_worse(S.HIGH, state, seen)}" if state == S.MEDIUM else ""
        return f"To leave it needs {clean}{short}.{worse}"
    if state == S.INSUFFICIENT:
        return f"To be judged it needs {more}."
    return f"It stays so unless days drift. {_worse(S.MEDIUM, state, seen)}"


def _worse(worse: DriftState, state: DriftState, seen: Sequence[DriftState]) -> str:
    days = _days(state, seen, worse)
    often = f"{days} {_word(days)}" if days > 1 else "One more day"
    makes = "make" if days > 1 else "makes"
    return f"{often.capitalize()} {_LINES[worse]} {makes} it {worse.value}."


def _word(days: int) -> str:
    return "day" if days == 1 else "days"
