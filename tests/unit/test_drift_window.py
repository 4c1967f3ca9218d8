"""Few requests a day: as many days are taken together as say something, and no more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_api.rules.drift import ROWS_HIGH, ROWS_MEDIUM, judge
from backend_api.rules.drift_window import WIDEST, WIDTHS, Look, narrowest
from backend_api.states import DriftState
from shared.profile import Counts
from tests.profiles import number, profile, spread

S = DriftState
MADE = profile(number("words"))
QUIET = MADE.counts
MOVED = np.array([0, 5, 10, 15, 20, 30, 60, 90, 150, 250, 370, 0, 0, 0])


def look(*days: tuple[int, Counts]) -> Look:
    """Days of so many rows, drawn in these proportions, oldest first."""
    rng = np.random.default_rng(3)
    counts = np.stack([rng.multinomial(rows, shares / shares.sum()) for rows, shares in days])
    return narrowest(MADE, np.array([rows for rows, _ in days]), counts)


@pytest.mark.parametrize(
    ("a_day", "days", "state"),
    [(1000, 1, S.NONE), (500, 1, S.NONE), (499, 3, S.NONE), (170, 3, S.NONE), (100, 7, S.NONE),
     (60, 14, S.NONE), (20, 28, S.NONE), (17, 28, S.INSUFFICIENT)],
)  # fmt: skip
def test_a_window_is_as_short_as_its_traffic_lets_it(
    a_day: int, days: int, state: DriftState
) -> None:
    found = look(*[(a_day, QUIET)] * WIDEST)
    assert (found.days, found.rows, found.judgement.state) == (days, days * a_day, state)


def test_what_is_clearly_high_is_not_watered_down() -> None:
    found = look(*[(300, QUIET)] * 27, (300, MOVED))
    assert (found.days, found.judgement.state) == (1, S.HIGH)


def test_a_day_without_requests_is_no_good_news() -> None:
    found = look(*[(300, QUIET)] * 27, (0, QUIET))
    assert (found.days, found.rows, found.judgement.state) == (1, 0, S.INSUFFICIENT)


def test_a_young_version_is_judged_by_what_there_is() -> None:
    assert look((100, QUIET), (100, QUIET)).judgement.state == S.INSUFFICIENT
    assert look(*[(200, QUIET)] * 3).days == 3


def test_more_days_do_not_mend_a_small_reference() -> None:
    small = profile(number("words"), counts={"words": [0, *[30] * 10, 0, 0, 0]})
    days = np.stack([spread(small.counts, 600)] * WIDEST)
    found = narrowest(small, np.full(WIDEST, 600), days)
    assert (found.days, found.judgement.state) == (1, S.INSUFFICIENT)


@given(st.lists(st.integers(0, 700), min_size=1, max_size=40))
def test_no_shorter_window_would_have_said_anything(rows: list[int]) -> None:
    counts = np.stack([spread(QUIET, number) for number in rows])
    found = narrowest(MADE, np.array(rows), counts)
    assert found.rows == sum(rows[-found.days :])
    assert found.judgement == judge(MADE, QUIET, counts[-found.days :].sum(axis=0))
    if not rows[-1]:
        assert found.days == 1
        return
    shorter = [w for w in WIDTHS if w < found.days]
    assert all(sum(rows[-w:]) < ROWS_MEDIUM for w in shorter)
    if found.judgement.state == S.INSUFFICIENT:
        assert found.rows < ROWS_MEDIUM
        assert found.days == max(w for w in WIDTHS if w <= len(rows))
    else:
        assert found.rows >= ROWS_HIGH
