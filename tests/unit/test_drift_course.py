"""When a state is entered and left, and what it says it needs."""

import itertools

import pytest

from backend_api.rules.drift_course import changed, needs, settle
from backend_api.states import DriftState

S = DriftState
SHORT = {"n": S.NONE, "i": S.INSUFFICIENT, "m": S.MEDIUM, "h": S.HIGH}


def course(windows: str) -> str:
    """The state after each window, as letters."""
    letters = {state: letter for letter, state in SHORT.items()}
    state, told, seen = S.INSUFFICIENT, "", list[DriftState]()
    for window in windows:
        seen.append(SHORT[window])
        state = settle(state, seen)
        told += letters[state]
    return told


@pytest.mark.parametrize(
    ("windows", "states"),
    [
        ("nnn", "nnn"),
        ("nmnnn", "nnnnn"),  # one bad day is no alarm
        ("mm", "nm"), ("nmnm", "nnnm"), ("nmnnm", "nnnnn"),
        ("mmnn", "nmmm"), ("mmnnn", "nmmmn"), ("mmnnmnnn", "nmmmmmmn"),
        ("hh", "nh"), ("mh", "nm"), ("mhh", "nmh"),
        ("hhmmm", "nhhhm"), ("hhnnn", "nhhhn"), ("hhnmn", "nhhhm"),
        ("iii", "iii"), ("nin", "nin"), ("mmi", "nmm"), ("mimi", "nimm"),
        ("mminnin", "nmmmmmn"),  # quiet days neither clean an alarm nor end it
    ],
)  # fmt: skip
def test_two_of_three_enter_and_three_clean_leave(windows: str, states: str) -> None:
    assert course(windows) == states


def test_only_a_change_of_level_is_news() -> None:
    assert not changed(S.NONE, S.INSUFFICIENT)
    assert not changed(S.HIGH, S.HIGH)
    assert changed(S.INSUFFICIENT, S.MEDIUM)
    assert changed(S.HIGH, S.MEDIUM)


@pytest.mark.parametrize(
    ("state", "windows", "rows", "sentence"),
    [
        (S.INSUFFICIENT, "i", 188, "To be judged it needs 312 more rows in a day."),
        (S.INSUFFICIENT, "", 499, "To be judged it needs 1 more row in a day."),
        (S.MEDIUM, "mm", 900, "To leave it needs 3 more clean days. 2 days over 0.3 make it high."),
        (S.MEDIUM, "mmnn", 900,
         "To leave it needs one more clean day. 2 days over 0.3 make it high."),
        (S.MEDIUM, "mh", 900,
         "To leave it needs 3 more clean days. One more day over 0.3 makes it high."),
        (S.HIGH, "hhn", 900, "To leave it needs 2 more clean days."),
        (S.HIGH, "hhi", 20,
         "To leave it needs 3 more clean days, and for that 480 more rows in a day."),
        (S.NONE, "nn", 900,
         "It stays so unless days drift. 2 days at 0.1 or more make it medium."),
        (S.NONE, "nm", 900,
         "It stays so unless days drift. One more day at 0.1 or more makes it medium."),
    ],
)  # fmt: skip
def test_a_state_says_what_it_needs(
    state: DriftState, windows: str, rows: int, sentence: str
) -> None:
    assert needs(state, [SHORT[w] for w in windows], rows) == sentence


def test_what_is_said_to_be_needed_is_what_it_takes() -> None:
    for windows in itertools.product("nimh", repeat=4):
        letters = "".join(windows)
        state = SHORT[course(letters)[-1]]
        if state not in (S.MEDIUM, S.HIGH):
            continue
        told = needs(state, [SHORT[w] for w in letters], 900)
        days = 1 if "one more clean day" in told else int(told.split()[4])
        assert SHORT[course(letters + "n" * days)[-1]] != state
        assert SHORT[course(letters + "n" * (days - 1))[-1]] == state
