"""What is left of an error budget."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_api.rules.budget import Hour, Left, Objectives, Standing, opinion, standing
from backend_api.states import GateState

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MONTH = Objectives(errors=0.999, fast=0.95, window=timedelta(days=30))


def stand(*hours: Hour, counted: timedelta | None = timedelta()) -> Standing:
    return standing(hours, MONTH, None if counted is None else NOW - counted, NOW)


def test_attained_and_left_by_the_formula() -> None:
    errors, fast = stand(Hour(0, 60_000, 20, 900), Hour(40, 40_000, 20, 100)).budgets
    assert (errors.total, errors.bad) == (100_000, 40)
    assert errors.attained == pytest.approx(0.9996)
    assert errors.allowed == pytest.approx(100)
    assert errors.left == pytest.approx(0.6)
    assert fast.left == pytest.approx(0.8)
    assert (errors.state, fast.state) == (Left.SOME, Left.SOME)
    state, sentence, _ = opinion(stand(Hour(0, 60_000, 20, 900), Hour(40, 40_000, 20, 100)))
    assert state == GateState.PASS
    assert "60% (60 more may have failed), 80% (4,000 more may have taken" in sentence


def test_no_traffic_is_no_data_and_holds_nothing_back() -> None:
    found = stand()
    assert [(b.state, b.attained, b.left) for b in found.budgets] == [
        (Left.NO_DATA, None, None)
    ] * 2
    state, sentence, _ = opinion(found)
    assert state == GateState.NOT_APPLICABLE
    assert "No request was counted in 30 days" in sentence


@pytest.mark.parametrize(
    ("hours", "state"),
    [
        ([Hour(0, 100_000, 100_000, 0)], Left.TOO_LITTLE),
        ([Hour(0, 100, 50, 0), Hour(30, 100, 50, 0)], Left.TOO_LITTLE),
        ([Hour(0, 5_000, 5, 0), Hour(23, 5_000, 5, 0)], Left.GONE),
        ([Hour(0, 5_000, 5, 0), Hour(23, 5_000, 4, 0)], Left.SOME),
    ],
)
def test_a_day_and_ten_allowed_failures_are_the_least_to_speak_of_one(
    hours: list[Hour], state: Left
) -> None:
    assert stand(*hours).budgets[0].state == state


def test_a_spent_budget_says_how_much_and_when_some_is_back() -> None:
    # 200 failures of 20 days ago leave the window in 10 days; the last hour fails nothing.
    found = stand(Hour(0, 100, 0, 0), Hour(480, 50_000, 200, 0))
    assert found.budgets[0].state == Left.GONE
    assert found.budgets[0].recovers == NOW + timedelta(hours=240)
    state, sentence, seen = opinion(found)
    assert state == GateState.FAIL
    assert "200 of 50,100 requests failed, 50 may (399%)" in sentence
    assert "some is left again on 12 Mar 2026, 12:00 UTC" in sentence
    assert "rollback, abort and a lower share stay open" in sentence
    assert "break-glass" in sentence
    assert seen["errors"]["left"] < 0


def test_good_traffic_brings_it_back_before_the_bad_hour_leaves() -> None:
    found = stand(Hour(0, 1_000, 0, 0), Hour(480, 50_000, 55, 0)).budgets[0]
    # 51 allowed of 51,000; one more for each hour: more than 55 once there are 55,001.
    assert found.recovers == NOW + timedelta(hours=5)


def test_at_a_bad_pace_it_does_not_come_back() -> None:
    found = stand(Hour(0, 1_000, 10, 0), Hour(480, 50_000, 55, 0))
    assert found.budgets[0].recovers is None
    assert "it does not come back" in opinion(found)[1]


def test_counts_that_nobody_makes_any_more_are_not_taken_for_the_present() -> None:
    state, sentence, _ = opinion(stand(Hour(0, 50_000, 0, 0), counted=timedelta(hours=3)))
    assert state == GateState.UNKNOWN
    assert "counted only up to 3 h ago" in sentence
    assert opinion(stand(counted=None))[0] == GateState.NOT_APPLICABLE


def test_a_whole_window_allows_as_much_as_its_part_so_far_goes_on() -> None:
    found = stand(Hour(0, 10_000, 0, 0), Hour(71, 10_000, 0, 0)).budgets[0]
    assert found.allowed == pytest.approx(20)
    assert found.whole == pytest.approx(200)


@given(
    st.lists(
        st.tuples(st.integers(0, 719), st.integers(1, 10_000), st.integers(0, 10_000)),
        unique_by=lambda hour: hour[0],
    )
)
def test_it_is_gone_exactly_when_nothing_is_left_and_never_whole_without_data(
    raw: list[tuple[int, int, int]],
) -> None:
    found = stand(*(Hour(age, n, min(n, bad), 0) for age, n, bad in raw)).budgets[0]
    assert (found.left is None) == (not raw)
    if found.state in (Left.SOME, Left.GONE) and found.left is not None:
        assert (found.state == Left.GONE) == (found.bad >= found.allowed)
        assert found.left <= 1
    if found.recovers is not None:
        assert NOW < found.recovers <= NOW + timedelta(days=30)
