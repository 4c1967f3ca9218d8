"""A canary from its first share to its end, on a real log: judged, moved, paused, sent back."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from backend_api import comparison, db
from backend_api.catalog import Catalog
from backend_api.operations import course
from backend_api.states import Strategy
from tests.canaries import Canary
from tests.makers import INTENT


@pytest.fixture
def made(engine: Engine, catalog: Catalog) -> Callable[..., Canary]:
    """A canary; the plan may be changed."""
    return lambda **plan: Canary(engine, catalog, **plan)


def test_a_good_canary_goes_up_by_its_plan_and_becomes_production(
    made: Callable[..., Canary],
) -> None:
    canary = made().begin().answers(29, canary=10, stable=90)
    canary.tend()
    assert canary.desired() == ("v1.0.0", "v1.1.0", 10), "its time is not over"
    assert "1 min more" in canary.verdicts()[-1].sentence
    canary.answers(1, canary=10, stable=90).tend()
    assert canary.desired() == ("v1.0.0", "v1.1.0", 50)
    assert canary.row().measured_from is None, "what came at 10 % is not compared at 50 %"
    canary.served().answers(30, canary=50, stable=50).tend()
    assert canary.desired() == ("v1.1.0", None, 0)
    row = canary.row()
    assert (row.state, row.ended_by) == ("completed", "watch")
    mine = [action for actor, action in canary.actions() if actor == "watch"]
    assert mine[:1] == ["model.promote"]
    assert "canary.share" in mine


def test_a_bad_canary_goes_back_by_itself_with_a_hold_and_all_that_it_was_judged_on(
    made: Callable[..., Canary],
) -> None:
    canary = made().begin().answers(20, canary=10, stable=90, canary_errors=2)
    canary.tend()
    assert canary.desired() == ("v1.0.0", None, 0)
    assert canary.held()
    row, said = canary.row(), canary.verdicts()[-1]
    assert (row.state, row.reason) == ("aborted", said.sentence)
    errors = said.detail["findings"][0]
    assert (errors["canary_bad"], errors["canary_units"]) == (40, 200)
    assert (errors["stable_bad"], errors["stable_units"]) == (0, 1800)
    assert {"log_evidence", "threshold", "since", "until"} <= said.detail.keys()
    assert ("watch", "model.roll_back") in canary.actions()
    canary.tend()
    assert canary.desired() == ("v1.0.0", None, 0), "an aborted one never starts again"


def test_where_the_plan_says_hold_a_bad_canary_waits_for_people(
    made: Callable[..., Canary],
) -> None:
    canary = made(on_bad="hold").begin().answers(20, canary=10, stable=90, canary_errors=2)
    canary.tend()
    assert canary.desired() == ("v1.0.0", "v1.1.0", 10)
    assert (canary.row().state, canary.held()) == ("paused", False)
    canary.answers(1, canary=10, stable=90).tend()
    assert [a for _, a in canary.actions()].count("canary.pause") == 1


def test_a_paused_canary_does_not_go_on_but_still_goes_back(made: Callable[..., Canary]) -> None:
    canary = made().begin()
    canary.steer("pause", by="omar")
    canary.answers(40, canary=10, stable=90).tend()
    assert canary.verdicts()[-1].verdict == "promote"
    assert canary.desired() == ("v1.0.0", "v1.1.0", 10)
    canary.answers(30, canary=10, stable=90, canary_errors=2).tend()
    assert canary.desired() == ("v1.0.0", None, 0)


def test_a_resumed_canary_goes_on_from_where_it_stood(made: Callable[..., Canary]) -> None:
    canary = made().begin()
    canary.steer("pause", by="omar")
    canary.answers(30, canary=10, stable=90).tend()
    canary.steer("resume", by="ravi")
    canary.answers(1, canary=10, stable=90).tend()
    assert canary.desired() == ("v1.0.0", "v1.1.0", 50)


def test_without_answers_it_waits_and_past_its_patience_the_share_goes_back_without_blame(
    made: Callable[..., Canary],
) -> None:
    canary = made().begin().answers(10, canary=10, stable=90)
    canary.tend()
    canary.now += timedelta(minutes=55)
    canary.tend()
    assert canary.desired() == ("v1.0.0", "v1.1.0", 10)
    canary.answers(20, canary=10, stable=90).tend()
    assert canary.desired() == ("v1.0.0", "v1.1.0", 50), "it went on by itself"
    canary.served()
    canary.now += timedelta(minutes=70)
    canary.tend()
    assert canary.desired() == ("v1.0.0", None, 0)
    assert "Nothing could be compared for 1." in canary.row().reason
    assert not canary.held()


def test_comparison_begins_only_when_every_worker_serves_the_share(
    made: Callable[..., Canary],
) -> None:
    canary = made()
    canary.registry.validated("v1.1.0")
    canary.registry.approve(canary.registry.request("v1.1.0", strategy=Strategy.CANARY, share=10))
    canary.workers.acknowledge("a")
    canary.tend()
    canary.answers(40, canary=10, stable=90, canary_errors=5).tend()
    assert canary.row().measured_from is None
    assert canary.verdicts() == []


def test_a_share_that_a_person_sets_starts_a_new_comparison(made: Callable[..., Canary]) -> None:
    canary = made().begin().answers(20, canary=10, stable=90)
    canary.tend()
    canary.shift(5)
    canary.served().answers(20, canary=5, stable=95).tend()
    assert canary.row().share == 5
    assert "10 min more" in canary.verdicts()[-1].sentence


def test_a_canary_typed_as_sql_is_guarded_and_goes_on_only_when_a_lead_says_so(
    made: Callable[..., Canary],
) -> None:
    canary = made()
    canary.registry.validated("v1.1.0")
    with canary.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO model_deployments (model_id, environment, endpoint_url,"
                " traffic_percentage, status) SELECT id, 'canary', 'x', 10, 'active'"
                " FROM model_registry WHERE version = 'v1.1.0'"
            )
        )
    canary.served()
    assert (canary.row().state, canary.row().started_by[:4]) == ("paused", "sql:")
    canary.answers(40, canary=10, stable=90).tend()
    assert canary.desired() == ("v1.0.0", "v1.1.0", 10)
    canary.answers(20, canary=10, stable=90, canary_errors=3).tend()
    assert canary.desired() == ("v1.0.0", None, 0)


def test_an_arm_with_too_many_users_for_its_share_stops_the_plan(
    made: Callable[..., Canary],
) -> None:
    canary = made().begin().answers(30, canary=30, stable=70)
    canary.tend()
    assert canary.desired() == ("v1.0.0", "v1.1.0", 10)
    assert canary.row().state == "paused"
    assert "users got the canary, but its share is 10 %" in canary.row().reason


def test_who_tries_again_and_again_counts_once_a_minute(made: Callable[..., Canary]) -> None:
    canary = made().begin().answers(3, canary=40, stable=90, canary_errors=40, users=1)
    canary.tend()
    with db.transaction(canary.engine, None) as session:
        row = course.under_way(session, INTENT) or canary.row()
        seen = comparison.minutes(session, row)
    assert [m.canary.units for m in seen] == [1, 1, 1]


def test_late_records_come_to_their_minute(made: Callable[..., Canary]) -> None:
    canary = made().begin()
    begun: datetime = canary.now
    canary.answers(2, canary=10, stable=90).tend()
    canary.now = begun
    canary.answers(3, canary=5, stable=0, users=100_000).tend()
    with db.transaction(canary.engine, None) as session:
        row = course.under_way(session, INTENT)
        assert row is not None
        assert [m.canary.units for m in comparison.minutes(session, row)] == [10, 15, 5], (
            "the same users at first"
        )


def test_abort_wins_also_over_a_pause(made: Callable[..., Canary]) -> None:
    canary = made().begin()
    canary.steer("pause", by="omar")
    canary.registry.roll_back()
    canary.tend()
    assert (canary.row().state, canary.row().ended_by) == ("aborted", "omar")
    assert canary.desired() == ("v1.0.0", None, 0)
