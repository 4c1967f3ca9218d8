"""A rollout's table of moves, and the steps that its plan gives, up and down."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_api.rules import rollout as rule
from backend_api.rules import rollout_plan
from backend_api.rules.judge import Judgement
from backend_api.states import ROLLOUT_MOVES, UNDER_WAY, RolloutState, Verdict

AT = datetime(2026, 3, 3, 14, 5, tzinfo=UTC)
STATES = st.sampled_from(sorted(UNDER_WAY))
SHARES = st.integers(0, 100)
PLANS = st.builds(
    rollout_plan.Plan,
    steps=st.sets(st.integers(1, 100), min_size=1).map(sorted).map(tuple),
    each=st.integers(1, 10_000).map(lambda m: timedelta(minutes=m)),
    least=st.integers(1, 10_000),
    patience=st.integers(1, 10_000).map(lambda m: timedelta(minutes=m)),
    on_bad=st.sampled_from(["roll_back", "hold"]),
)


def judged(verdict: Verdict) -> Judgement:
    return Judgement(verdict, "As it is.", [], 0.0, None, None, 0)


def test_what_is_under_way_may_always_be_aborted_and_what_has_ended_never_moves() -> None:
    assert {RolloutState.RUNNING, RolloutState.PAUSED} == UNDER_WAY
    for state in RolloutState:
        if state in UNDER_WAY:
            assert RolloutState.ABORTED in ROLLOUT_MOVES[state]
        else:
            assert ROLLOUT_MOVES[state] == frozenset()


@given(PLANS, SHARES)
def test_steps_lead_strictly_up_and_strictly_down(plan: rollout_plan.Plan, share: int) -> None:
    assert rollout_plan.next_share(plan, share) > share or share == rollout_plan.FULL
    assert rollout_plan.lower_share(plan, share) < share or share == 0


@given(PLANS, st.integers(1, 100))
def test_the_way_down_ends_and_the_way_up_too(plan: rollout_plan.Plan, share: int) -> None:
    low, high = share, share
    for _ in range(101):
        low, high = rollout_plan.lower_share(plan, low), rollout_plan.next_share(plan, high)
    assert (low, high) == (0, rollout_plan.FULL)


@pytest.mark.parametrize(("share", "to"), [(100, 50), (50, 10), (10, 0), (70, 50), (3, 0)])
def test_a_walk_down_goes_by_half_a_tenth_and_nothing(share: int, to: int) -> None:
    plan = rollout_plan.Plan(
        tuple(sorted(rollout_plan.WALK)), timedelta(minutes=5), 1, timedelta(1), "hold"
    )
    assert rollout_plan.lower_share(plan, share) == to


@given(PLANS, STATES, SHARES, st.sampled_from(Verdict), st.integers(0, 20_000))
def test_nothing_but_a_good_verdict_on_a_running_rollout_raises_it(
    plan: rollout_plan.Plan, state: RolloutState, share: int, verdict: Verdict, idle: int
) -> None:
    move = rule.next_move(plan, state, share, judged(verdict), timedelta(minutes=idle))
    if move.share > share:
        assert (state, verdict) == (RolloutState.RUNNING, Verdict.PROMOTE)
    if verdict == Verdict.ROLL_BACK and plan.on_bad == "roll_back":
        assert move.share == 0, "also while it is paused"


@given(PLANS, st.integers(0, 20_000))
def test_a_step_is_due_after_the_time_that_is_left_to_compare(
    plan: rollout_plan.Plan, compared: int
) -> None:
    due = rollout_plan.earliest(plan, compared, AT)
    assert due >= AT
    assert due == max(AT, AT + plan.each - timedelta(minutes=compared))
