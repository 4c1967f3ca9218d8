"""A rollout's own plan, the verbs that move it by hand, and another canary that takes its place."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy.exc
from sqlalchemy import Engine, text

from backend_api.catalog import Catalog
from backend_api.errors import Conflict, NotFound, PromotionBlocked, StaleView
from backend_api.operations import steering
from backend_api.schemas import Plan, SteerRollout
from backend_api.states import Strategy
from tests.canaries import Canary
from tests.makers import INTENT, perform_as

PLAN = Plan(steps=[5, 20], minutes=2, min_requests=10, patience_minutes=30)


@pytest.fixture
def made(engine: Engine, catalog: Catalog) -> Callable[..., Canary]:
    """A canary; the plan in models.yaml may be changed."""
    return lambda **plan: Canary(engine, catalog, **plan)


def edit(canary: Canary, **changes: object) -> None:
    """models.yaml is edited, and backend and worker are started again."""
    entry = canary.entry
    canary.entry = canary.registry.entry = entry.model_copy(
        update={"rollout": entry.rollout.model_copy(update=changes)}
    )


def test_an_edit_of_the_file_does_not_change_a_rollout_under_way(
    made: Callable[..., Canary],
) -> None:
    canary = made().begin()
    edit(canary, hours=0.1, steps=[10, 90])
    canary.answers(29, canary=10, stable=90).tend()
    assert canary.desired() == ("v1.0.0", "v1.1.0", 10), "half an hour, as it began"
    canary.answers(1, canary=10, stable=90).tend()
    assert canary.desired() == ("v1.0.0", "v1.1.0", 50)


def test_who_asks_brings_a_plan_and_who_approves_has_the_last_word(
    made: Callable[..., Canary],
) -> None:
    canary = made()
    canary.registry.validated("v1.1.0")
    asked = canary.registry.request("v1.1.0", strategy=Strategy.CANARY, share=5, plan=PLAN)
    canary.registry.approve(asked)
    assert Plan.model_validate(canary.row().plan) == PLAN
    canary.steer("abort", by="omar")
    canary.registry.validated("v1.2.0")
    asked = canary.registry.request("v1.2.0", strategy=Strategy.CANARY, share=5, plan=PLAN)
    slower = PLAN.model_copy(update={"minutes": 90.0})
    canary.registry.approve(asked, plan=slower)
    row = canary.row()
    assert row.plan["minutes"] == 90
    assert row.promotion_id == asked


def test_a_plan_in_minutes_runs_in_minutes(made: Callable[..., Canary]) -> None:
    canary = made()
    canary.registry.validated("v1.1.0")
    canary.registry.approve(
        canary.registry.request("v1.1.0", strategy=Strategy.CANARY, share=5, plan=PLAN)
    )
    canary.served().answers(2, canary=5, stable=95).tend()
    assert canary.desired() == ("v1.0.0", "v1.1.0", 20)


def test_a_lead_changes_the_plan_and_what_was_compared_counts_on(
    made: Callable[..., Canary],
) -> None:
    canary = made().begin().answers(20, canary=10, stable=90)
    canary.tend()
    was = canary.row()
    assert was.due_at == was.counted_to + timedelta(minutes=10)
    canary.replan(minutes=25, steps=[10, 30])
    row = canary.row()
    assert row.due_at == was.counted_to + timedelta(minutes=5)
    assert (row.revision, canary.steps()[-1]) == (was.revision + 1, ("ravi", "plan", 10))
    canary.answers(5, canary=10, stable=90).tend()
    assert canary.desired() == ("v1.0.0", "v1.1.0", 30)
    assert ("ravi", "canary.plan") in canary.actions()


def test_the_due_time_moves_with_minutes_that_said_nothing(made: Callable[..., Canary]) -> None:
    canary = made().begin()
    first = canary.row()
    assert first.due_at == first.measured_from + timedelta(minutes=30)
    canary.answers(10, canary=10, stable=90)
    canary.now += timedelta(minutes=7)
    canary.tend()
    assert canary.row().due_at == first.due_at + timedelta(minutes=7)


def test_a_worker_that_was_away_judges_what_it_missed_and_skips_nothing(
    made: Callable[..., Canary],
) -> None:
    canary = made().begin().answers(5, canary=10, stable=90)
    canary.tend()
    canary.answers(60, canary=10, stable=90).tend()
    assert "650 users' minutes of v1.1.0" in canary.verdicts()[-1].sentence
    assert canary.desired() == ("v1.0.0", "v1.1.0", 50), "one step, though two would have fitted"
    canary.tend()
    assert canary.desired() == ("v1.0.0", "v1.1.0", 50)
    canary.served().answers(29, canary=50, stable=50).tend()
    assert canary.desired() == ("v1.0.0", "v1.1.0", 50), "the next step's time is not over"
    canary.answers(1, canary=50, stable=50).tend()
    assert canary.desired() == ("v1.1.0", None, 0)


def test_a_worker_that_was_away_sends_back_what_went_bad_meanwhile(
    made: Callable[..., Canary],
) -> None:
    canary = made().begin().answers(5, canary=10, stable=90)
    canary.tend()
    canary.answers(60, canary=10, stable=90, canary_errors=2).tend()
    assert canary.desired() == ("v1.0.0", None, 0)


def test_a_lead_steps_and_promotes_by_hand(made: Callable[..., Canary]) -> None:
    canary = made().begin()
    canary.steer("step")
    assert canary.desired() == ("v1.0.0", "v1.1.0", 50)
    assert canary.row().measured_from is None
    with pytest.raises(StaleView, match="at 50 % by now, not 10 %"):
        canary.steer("promote", share=10)
    canary.steer("promote")
    assert canary.desired() == ("v1.1.0", None, 0)
    assert canary.steps()[-1] == ("ravi", "complete", 50)
    with pytest.raises(NotFound):
        canary.steer("step", share=50)


def test_a_repeated_click_takes_one_step(made: Callable[..., Canary]) -> None:
    canary, click = made(steps=[10, 30, 50]).begin(), uuid4()
    body = SteerRollout(request_id=click, reason="seen enough", expected_share=10)
    answers = [
        perform_as(
            canary.engine, "ravi",
            lambda s, o: steering.step(s, o, canary.entry, INTENT, body, 1e9), request_id=click,
        )
        for _ in range(2)
    ]  # fmt: skip
    assert answers[0] == answers[1]
    assert canary.desired() == ("v1.0.0", "v1.1.0", 30)


def test_no_step_goes_past_a_gate(made: Callable[..., Canary]) -> None:
    canary = made().begin()
    with canary.engine.begin() as connection:
        connection.execute(
            text("UPDATE models SET held_at = now(), held_by = 'omar', held_reason = 'slow'")
        )
    for verb in ("step", "promote"):
        with pytest.raises(PromotionBlocked, match="On hold"):
            canary.steer(verb)
    assert canary.desired() == ("v1.0.0", "v1.1.0", 10)
    canary.steer("abort", by="omar")
    assert canary.desired() == ("v1.0.0", None, 0)


def test_a_page_that_missed_a_decision_is_told_so(made: Callable[..., Canary]) -> None:
    canary = made().begin()
    seen = canary.row().revision
    canary.steer("pause", by="omar")
    canary.steer("resume")
    body = SteerRollout(
        request_id=uuid4(), reason="made for a test", expected_share=10, expected_revision=seen
    )
    with pytest.raises(StaleView, match="was changed since"):
        perform_as(
            canary.engine, "ravi",
            lambda s, o: steering.pause(s, o, canary.entry, INTENT, body),
        )  # fmt: skip


def test_another_canary_takes_its_place_only_when_told_and_the_first_stays_out(
    made: Callable[..., Canary],
) -> None:
    canary = made().begin()
    first = canary.row().id
    canary.registry.validated("v1.2.0")
    with pytest.raises(PromotionBlocked, match=r"v1\.1\.0 is the canary"):
        canary.registry.request("v1.2.0", strategy=Strategy.CANARY)
    asked = canary.registry.request("v1.2.0", strategy=Strategy.CANARY, supersede=True)
    assert canary.desired() == ("v1.0.0", "v1.1.0", 10), "asking ends nothing"
    canary.registry.approve(asked)
    assert canary.desired() == ("v1.0.0", "v1.2.0", 10), "and production is what it was"
    assert canary.registry.status("v1.1.0") == "archived"
    assert canary.row().id != first
    with canary.engine.connect() as connection:
        state = connection.scalar(text("SELECT state FROM rollouts WHERE id = :i"), {"i": first})
    assert state == "superseded"
    canary.served().answers(40, canary=10, stable=90).tend()
    assert canary.desired()[1] in ("v1.2.0", None), "the first never comes back by itself"


def test_what_has_ended_is_held_by_the_database_too(made: Callable[..., Canary]) -> None:
    canary = made().begin()
    canary.steer("abort", by="omar")
    with (
        pytest.raises(sqlalchemy.exc.IntegrityError, match="a rollout that is aborted stays so"),
        canary.engine.begin() as connection,
    ):
        connection.execute(text("UPDATE rollouts SET state = 'running', ended_at = NULL"))


def test_a_plan_is_refused_where_nothing_goes_by_it(made: Callable[..., Canary]) -> None:
    canary = made()
    canary.registry.validated("v1.1.0")
    with pytest.raises(ValueError, match="set strategy to canary"):
        canary.registry.request("v1.1.0", plan=PLAN)
    asked = canary.registry.request("v1.1.0")
    with pytest.raises(Conflict, match="no plan would count"):
        canary.registry.approve(asked, plan=PLAN)
    for steps in ([], [20, 10], [10, 10], [0], [101], "ten", "10,", ""):
        with pytest.raises(ValueError, match="steps"):
            Plan.model_validate({**PLAN.model_dump(), "steps": steps})


def test_clearing_a_canary_takes_its_route_and_salt_in_the_same_transaction(
    made: Callable[..., Canary],
) -> None:
    canary = made().begin()
    canary.steer("abort", by="omar")
    with canary.engine.connect() as connection:
        routed = connection.execute(
            text("SELECT canary_id, canary_share, salt FROM model_routing")
        ).one()
    assert tuple(routed) == (None, 0, "")


def test_who_asked_who_approved_and_who_carried_it_out_are_told_apart(
    made: Callable[..., Canary], tmp_path: Path
) -> None:
    canary = made().begin()
    canary.answers(30, canary=10, stable=90).tend()
    row = canary.row()
    with canary.engine.connect() as connection:
        asked = connection.execute(
            text("SELECT requested_by, decided_by FROM promotions WHERE id = :i"),
            {"i": row.promotion_id},
        ).one()
    assert (*asked, row.started_by) == ("asha", "ravi", "ravi")
    assert canary.steps() == [("ravi", "begin", 10), ("watch", "raise", 50)]
