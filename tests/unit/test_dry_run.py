"""A plan walked through traffic of the past."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_api.rules.dry_run import WANTED, Log, caught, people_hit, shares, spans, walk
from backend_api.rules.rollout_plan import Plan
from backend_api.rules.sequential import detectable, needed
from backend_api.states import DryRunOutcome

START = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def plan(
    minutes: float = 30, least: int = 100, steps: tuple[int, ...] = (10, 50, 100),
    patience: int = 240,
) -> Plan:  # fmt: skip
    return Plan(steps, minutes * MINUTE, least, patience * MINUTE, "roll_back")


def log(*stretches: tuple[int, int], errors: float = 0.0) -> Log:
    """Stretches of (minutes, users in each), split 10, 40 and 50 per cent as a plan of 10, 50."""
    units = np.vstack(
        [np.tile(np.array([n // 10, n * 4 // 10, n // 2]), (long, 1)) for long, n in stretches]
    )
    return Log(START, units, np.round(units * errors).astype(np.int64))


def test_steady_traffic_takes_the_plans_time_and_a_minute_for_each_change() -> None:
    found = walk(log((600, 100)), plan())
    assert found.outcome == DryRunOutcome.COMPLETED
    first, second = found.steps
    assert (first.begin, first.least, first.done) == (0, 10, 30)
    assert (first.canary, first.stable, first.minutes) == (300, 2_700, 30)
    assert (second.begin, second.least, second.done) == (31, 33, 61)
    assert (second.canary, second.stable) == (1_500, 1_500)
    assert found.end == 61


def test_little_traffic_waits_for_the_minimum_of_the_smaller_arm() -> None:
    (first, _) = walk(log((600, 10)), plan()).steps
    assert (first.least, first.done) == (100, 100)


def test_a_night_without_traffic_is_a_stall_and_does_not_count() -> None:
    found = walk(log((20, 100), (180, 0), (100, 100)), plan())
    first = found.steps[0]
    assert first.done == 210
    assert first.minutes == 30
    assert first.stalls == ((20, 200),)
    assert walk(log((20, 100), (59, 0), (100, 100)), plan()).steps[0].stalls == ()


def test_minutes_with_one_arm_only_show_nothing() -> None:
    traffic = log((200, 100))
    traffic.units[:50, 0] = 0
    first = walk(traffic, plan()).steps[0]
    assert (first.least, first.done, first.canary, first.stable) == (60, 80, 300, 2_700)


def test_past_its_patience_the_share_goes_back() -> None:
    found = walk(log((20, 100), (300, 0), (100, 100)), plan())
    assert (found.outcome, found.end) == (DryRunOutcome.GAVE_UP, 20 + 240)
    assert found.steps[-1].done is None
    assert found.steps[-1].stalls == ((20, 260),)


def test_a_log_that_is_too_short_says_how_far_it_came() -> None:
    found = walk(log((40, 100)), plan())
    assert (found.outcome, found.end) == (DryRunOutcome.UNFINISHED, 40)
    assert [s.done for s in found.steps] == [30, None]
    over = walk(log((30, 100)), plan())
    assert (over.outcome, over.end, len(over.steps)) == (DryRunOutcome.UNFINISHED, 30, 1)


def test_a_plan_that_compares_nothing_is_over_at_once() -> None:
    assert shares(plan(steps=(100,))) == ()
    found = walk(Log(START, np.ones((5, 1), dtype=np.int64), np.zeros((5, 1), dtype=np.int64)),
                 plan(steps=(100,)))  # fmt: skip
    assert (found.steps, found.end) == ((), 0)


def test_more_traffic_shows_smaller_regressions() -> None:
    seen = [walk(log((600, n), errors=0.01), plan()).steps[0].detectable for n in (1_000, 9_000)]
    assert seen[0] is not None
    assert seen[1] is not None
    assert seen[1] < seen[0]


@pytest.mark.parametrize(
    ("rate", "worse", "measured"), [(0.001, 0.01, 580), (0.005, 0.01, 3_046), (0.01, 0.02, 1_638)]
)
def test_the_expected_verdict_is_near_the_judges_measured_medians(
    rate: float, worse: float, measured: int
) -> None:
    """The medians of decision 17, at a split of 10 to 90; what is expected comes rather late."""
    found = caught(walk(log((4_000, 100)), plan(minutes=3_000)), rate, worse)
    assert found is not None
    assert 10 * found.minute == pytest.approx(measured, rel=0.35)


def test_a_step_that_is_over_before_the_evidence_begins_anew_at_the_next() -> None:
    found = walk(log((4_000, 100)), plan(minutes=60))
    late = caught(found, 0.01, 0.04)
    assert late is not None
    early = caught(walk(log((4_000, 100)), plan(minutes=3_000)), 0.01, 0.04)
    assert early is not None
    assert early.minute <= 60 or late.step.share == 50
    assert caught(found, 0.01, 0.0101) is None


def test_the_hard_limit_catches_what_is_over_it_beyond_chance() -> None:
    found = walk(log((600, 1_000)), plan(minutes=300))
    both = caught(found, 0.02, 0.025), caught(found, 0.009, 0.5)
    assert both[1] is not None
    assert both[1].minute == 1
    assert both[0] is None or both[0].minute > 10


def test_a_span_ends_where_the_canary_was_caught() -> None:
    found = walk(log((600, 100)), plan())
    assert spans(found, found.end) == [(0, 30, 0), (31, 61, 1)]
    assert spans(found, 40) == [(0, 30, 0), (31, 40, 1)]
    assert spans(found, 12) == [(0, 12, 0)]


def test_who_comes_often_is_hit_once() -> None:
    assert people_hit([(1, 100)], 0.01) == pytest.approx(1)
    assert people_hit([(10_000, 7)], 0.01) == pytest.approx(7)
    assert people_hit([], 0.5) == 0


@given(
    st.floats(0.0001, 0.2), st.floats(1.05, 4.0), st.floats(0.01, 0.9)
)  # fmt: skip
def test_needed_is_detectable_the_other_way_round(rate: float, times: float, share: float) -> None:
    worse = rate * times
    units = needed(rate, worse, share, WANTED)
    assert units is not None
    if units >= 1:
        assert detectable(rate, units, share, WANTED) == pytest.approx(worse, rel=1e-6)


@given(
    st.lists(
        st.tuples(st.integers(1, 90), st.sampled_from([0, 10, 50, 200])), min_size=1, max_size=8
    ),
    st.integers(1, 60), st.integers(1, 500),
)  # fmt: skip
def test_no_step_is_over_before_its_time_and_minimum(
    stretches: list[tuple[int, int]], minutes: int, least: int
) -> None:
    chosen, traffic = plan(minutes, least), log(*stretches)
    found = walk(traffic, chosen)
    assert 0 <= found.end <= len(traffic.units)
    for before, after in zip(found.steps, found.steps[1:], strict=False):
        assert before.done is not None
        assert after.begin == before.done + 1
    for step in found.steps:
        if step.done is not None:
            assert step.least is not None
            assert step.begin < step.least <= step.done
            assert step.minutes >= minutes
            assert min(step.canary, step.stable) >= least
    assert (found.outcome == DryRunOutcome.COMPLETED) == (
        len(found.steps) == 2 and found.steps[-1].done is not None
    )
