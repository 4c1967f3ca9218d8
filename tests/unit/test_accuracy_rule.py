"""Three states from an exact interval, the labels still needed, and when accuracy has fallen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from backend_api.rules.accuracy import (
    MOST_LABELS,
    Baseline,
    Tally,
    bounds,
    fallen,
    judge,
    needed,
    percent,
    state,
)
from backend_api.states import AccuracyState

tallies = st.integers(0, 3_000).flatmap(
    lambda n: st.integers(0, n).map(lambda right: Tally(n, right))
)
objectives = st.floats(0.5, 0.999)


@pytest.mark.parametrize(("wrong", "labels"), [(0, 299), (1, 473), (2, 628), (5, 1049), (10, 1693)])
def test_so_many_labels_show_99_per_cent_and_one_fewer_does_not(wrong: int, labels: int) -> None:
    assert state(Tally(labels, labels - wrong), 0.99) == AccuracyState.MET
    assert state(Tally(labels - 1, labels - 1 - wrong), 0.99) == AccuracyState.NOT_ENOUGH


@pytest.mark.parametrize(("wrong", "so_far", "more"), [(0, 0, 299), (0, 200, 99), (1, 100, 373)])
def test_the_labels_still_needed_are_those_of_the_table(wrong: int, so_far: int, more: int) -> None:
    assert needed(Tally(so_far, so_far - wrong), 0.99) == more


@given(tallies)
def test_each_bound_is_where_what_was_seen_becomes_rare(tally: Tally) -> None:
    low, high = bounds(tally)
    share = tally.share
    assert 0 <= low <= high <= 1
    if share is not None:
        assert low <= share <= high
    n, right = tally.labelled, tally.right
    if right:
        assert binom.sf(right - 1, n, low) == pytest.approx(0.05, abs=1e-6)
    if right < n:
        assert binom.cdf(right, n, high) == pytest.approx(0.05, abs=1e-6)


@given(tallies, objectives)
def test_what_is_needed_decides_and_one_fewer_does_not(tally: Tally, objective: float) -> None:
    more = needed(tally, objective)
    found = state(tally, objective)
    if found != AccuracyState.NOT_ENOUGH:
        assert more is None
        return
    if more is None or (tally.share is not None and tally.share < objective):
        return
    assert 1 <= more <= MOST_LABELS
    n, right = tally.labelled, tally.right
    assert state(Tally(n + more, right + more), objective) == AccuracyState.MET
    if more > 1:
        assert state(Tally(n + more - 1, right + more - 1), objective) != AccuracyState.MET


def test_below_the_objective_the_advice_is_what_shows_that_it_is_missed() -> None:
    few = judge(Tally(20, 19), 0.99)
    assert few.state == AccuracyState.NOT_ENOUGH
    assert few.needed is not None
    assert "show that it is missed" in few.sentence
    seen = Tally(20 + few.needed, 19 + round(0.95 * few.needed))
    assert state(seen, 0.99) == AccuracyState.MISSED


def test_without_labels_the_sentence_says_how_many_decide() -> None:
    found = judge(Tally(0, 0), 0.99)
    assert (found.state, found.low, found.high) == (AccuracyState.NOT_ENOUGH, 0.0, 1.0)
    assert found.sentence == "No label yet: 299 decide, if none of them is wrong."


def test_a_share_is_never_rounded_up_to_what_it_is_not() -> None:
    assert percent(0.999999) == "99.99 %"
    assert percent(0.57) == "57.00 %"
    assert percent(1.0) == "100.00 %"


def test_accuracy_has_fallen_only_where_the_interval_says_so() -> None:
    was = Baseline(0.99, "accuracy of v1.0.0 when it was trained")
    assert not fallen(Tally(20, 18), was), "90 %, but of twenty"
    assert fallen(Tally(400, 360), was)
    assert not fallen(Tally(4_000, 3_780), was), "94.5 %: the upper bound is above 94 %"
    assert not fallen(Tally(0, 0), was)
