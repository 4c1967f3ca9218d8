"""When a state is entered and left, and what it says it needs."""

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_api.rules.drift_course import WINDOWS, Window, apart, changed, needs, raised, settle
from backend_api.states import DriftState

S = DriftState
SHORT = {"n": S.NONE, "i": S.INSUFFICIENT, "m": S.MEDIUM, "h": S.HIGH}
FIRST = date(2026, 3, 1)


def windows_of(letters: str, days: int = 1) -> list[Window]:
    """One window up to each of the following days, each of so many days."""
    return [
        Window(SHORT[letter], FIRST + timedelta(days=n), days) for n, letter in enumerate(letters)
    ]


def course(windows: str, days: int = 1) -> str:
    """The state after each window, as letters."""
    letters = {state: letter for letter, state in SHORT.items()}
    state, told, seen = S.INSUFFICIENT, "", list[Window]()
    for window in windows_of(windows, days):
        seen.append(window)
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


def test_only_a_worse_level_is_an_alarm() -> None:
    worse = {(S.NONE, S.MEDIUM), (S.NONE, S.HIGH), (S.INSUFFICIENT, S.MEDIUM),
             (S.INSUFFICIENT, S.HIGH), (S.MEDIUM, S.HIGH)}  # fmt: skip
    assert {pair for pair in itertools.product(S, S) if raised(*pair)} == worse


@pytest.mark.parametrize(
    ("state", "windows", "rows", "sentence"),
    [
        (S.INSUFFICIENT, "i", 188, "To be judged it needs 312 more rows in 28 days."),
        (S.INSUFFICIENT, "i", 499, "To be judged it needs 1 more row in 28 days."),
        (S.INSUFFICIENT, "i", 0, "To be judged it needs requests, 500 rows in 28 days at most."),
        (S.MEDIUM, "mm", 900, "To leave it needs 3 more clean days. 2 days over 0.3 make it high."),
        (S.MEDIUM, "mmnn", 900,
         "To leave it needs one more clean day. 2 days over 0.3 make it high."),
        (S.MEDIUM, "mh", 900,
         "To leave it needs 3 more clean days. One more day over 0.3 makes it high."),
        (S.HIGH, "hhn", 900, "To leave it needs 2 more clean days."),
        (S.HIGH, "hhi", 20,
         "To leave it needs 3 more clean days, and for that 480 more rows in 28 days."),
        (S.NONE, "nn", 900,
         "It stays so unless days drift. 2 days at 0.1 or more make it medium."),
        (S.NONE, "nm", 900,
         "It stays so unless days drift. One more day at 0.1 or more makes it medium."),
    ],
)  # fmt: skip
def test_a_state_says_what_it_needs(
    state: DriftState, windows: str, rows: int, sentence: str
) -> None:
    assert needs(state, windows_of(windows), rows, 28) == sentence


def test_long_windows_say_how_they_count() -> None:
    told = needs(S.MEDIUM, windows_of("nnnnnnnmmmmmmmm", 7), 700, 28)
    assert told == (
        "To leave it needs 15 more clean days. 8 days over 0.3 make it high."
        " Of windows of 7 days that share a day, one counts."
    )


def test_what_is_said_to_be_needed_is_what_it_takes() -> None:
    for long, windows in itertools.product((1, 3), itertools.product("nimh", repeat=4)):
        letters = "".join(windows)
        state = SHORT[course(letters, long)[-1]]
        if state not in (S.MEDIUM, S.HIGH):
            continue
        told = needs(state, windows_of(letters, long), 900, 28)
        days = 1 if "one more clean day" in told else int(told.split()[4])
        assert SHORT[course(letters + "n" * days, long)[-1]] != state
        assert SHORT[course(letters + "n" * (days - 1), long)[-1]] == state


# Windows of several days


@pytest.mark.parametrize(
    ("windows", "states"),
    [
        # The same bad rows seen on seven days are one piece of evidence, and no alarm.
        ("nnnnnnnmmmmmmmnnnnnnn", "n" * 21),
        ("nnnnnnnmmmmmmmm", "n" * 14 + "m"),
        ("m" * 8, "nnnnnnnm"),
        # Three clean windows that share no day take fifteen days.
        ("m" * 8 + "n" * 15, "n" * 7 + "m" * 15 + "n"),
        ("m" * 8 + "i" * 15 + "n" * 15, "n" * 7 + "m" * 30 + "n"),
    ],
)  # fmt: skip
def test_windows_that_share_days_count_once(windows: str, states: str) -> None:
    assert course(windows, 7) == states


seen = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from([1, 3, 7, 14, 28]), st.sampled_from(list(S))),
    min_size=1, max_size=60,
)  # fmt: skip


def dated(drawn: list[tuple[int, int, DriftState]]) -> list[Window]:
    """Windows of so many days, each so many days after the one before."""
    made, last = [], FIRST
    for step, days, state in drawn:
        last += timedelta(days=step)
        made.append(Window(state, last, days))
    return made


@given(seen)
def test_no_day_is_evidence_twice(drawn: list[tuple[int, int, DriftState]]) -> None:
    windows = dated(drawn)
    judged = [w for w in windows if w.state != S.INSUFFICIENT]
    found = apart(windows)
    assert len(found) <= WINDOWS
    # Marked one by one: each window as its own state, so that the chosen ones are known.
    chosen: list[Window] = []
    for window in reversed(judged):
        taken = {chosen_day for one in chosen for chosen_day in days_of(one)}
        if not taken & days_of(window) and len(chosen) < WINDOWS:
            chosen.append(window)
    assert found == [one.state for one in reversed(chosen)]


def days_of(window: Window) -> set[date]:
    return {window.last - timedelta(days=back) for back in range(window.days)}


@given(seen)
def test_one_bad_window_is_never_an_alarm(drawn: list[tuple[int, int, DriftState]]) -> None:
    """However often it is looked at: all alarming windows share a day."""
    windows = dated(drawn)
    for place in range(1, len(windows) + 1):
        part = windows[:place]
        bad = [w for w in part if w.state in (S.MEDIUM, S.HIGH)]
        if bad and not set.intersection(*map(days_of, bad)):
            break
        assert settle(S.NONE, part) in (S.NONE, S.INSUFFICIENT)
