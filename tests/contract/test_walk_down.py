"""Leaving production step by step: by the clock, past every gate, and never up again."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from backend_api import db, history
from backend_api.catalog import Catalog
from backend_api.errors import Conflict, PromotionBlocked, StaleView
from backend_api.operations import rollback
from backend_api.states import Strategy
from tests.canaries import Canary
from tests.makers import INTENT, perform_as

FIVE = timedelta(minutes=5)


@pytest.fixture
def bad(engine: Engine, catalog: Catalog) -> Canary:
    """v1.1.0 serves and was verified; v1.0.0 before it is the way back."""
    made = Canary(engine, catalog)
    made.registry.promoted("v1.1.0")
    return made


def way_back(canary: Canary) -> str | None:
    with canary.engine.connect() as connection:
        found: str | None = connection.scalar(
            text("SELECT version FROM model_routing d JOIN model_registry r ON r.id = d.target_id")
        )
    return found


def later(canary: Canary, passed: timedelta) -> tuple[str | None, str | None, int]:
    canary.now += passed
    canary.tend()
    return canary.desired()


def test_half_at_once_then_a_tenth_then_nothing_each_after_its_interval(bad: Canary) -> None:
    said = bad.walk_down(minutes=5).sentence
    assert "v1.1.0 keeps 50 % and is walked down every 5 min; v1.0.0 is production" in said
    assert bad.desired() == ("v1.0.0", "v1.1.0", 50)
    row = bad.row()
    assert (row.kind, row.state, row.due_at) == ("down", "running", bad.now + FIVE)
    assert bad.held()
    assert later(bad, FIVE - timedelta(seconds=1)) == ("v1.0.0", "v1.1.0", 50)
    assert later(bad, timedelta(seconds=1)) == ("v1.0.0", "v1.1.0", 10)
    assert later(bad, FIVE) == ("v1.0.0", None, 0)
    row = bad.row()
    assert (row.state, row.ended_by) == ("completed", "watch")
    assert bad.steps() == [
        ("omar", "begin", 50), ("watch", "lower", 10), ("watch", "complete", 10),
    ]  # fmt: skip
    assert bad.registry.status("v1.1.0") == "rolled_back"
    assert later(bad, 10 * FIVE) == ("v1.0.0", None, 0)


def test_a_watch_that_was_away_for_an_hour_takes_one_step_and_waits_again(bad: Canary) -> None:
    bad.walk_down()
    assert later(bad, timedelta(hours=1)) == ("v1.0.0", "v1.1.0", 10)
    assert later(bad, FIVE - timedelta(seconds=1)) == ("v1.0.0", "v1.1.0", 10)
    assert later(bad, timedelta(seconds=1)) == ("v1.0.0", None, 0)


def test_what_is_being_left_is_no_way_back_on_its_way_nor_afterwards(bad: Canary) -> None:
    bad.walk_down()
    assert way_back(bad) is None
    bad.registry.validated("v1.2.0")
    perform_as(bad.engine, "ravi", lambda s, o: rollback.lift_hold(s, o, INTENT))
    later(bad, FIVE)
    later(bad, FIVE)
    bad.registry.approve(bad.registry.request("v1.2.0"))
    assert way_back(bad) == "v1.0.0"
    with pytest.raises(Conflict, match="rolled back once"):
        perform_as(
            bad.engine, "omar",
            lambda s, o: rollback.roll_back(s, o, INTENT, bad.entry.endpoint, to="v1.1.0"),
        )  # fmt: skip


@pytest.mark.parametrize("how", ["abort", "roll back", "roll back from the page", "typed"])
def test_it_is_finished_at_once_by(bad: Canary, how: str) -> None:
    bad.walk_down()
    if how == "abort":
        bad.steer("abort", by="omar")
    elif how == "typed":
        with bad.engine.begin() as connection:
            connection.execute(
                text(
                    "UPDATE model_deployments SET status = 'archived' WHERE environment = 'canary'"
                )
            )
        bad.tend()
    else:
        bad.registry.roll_back(seen="v1.0.0" if how.endswith("page") else None)
    assert bad.desired() == ("v1.0.0", None, 0), "and not one version further back"
    assert bad.row().state == "aborted"
    assert bad.held()
    assert later(bad, 10 * FIVE) == ("v1.0.0", None, 0)
    assert way_back(bad) is None


def test_neither_its_share_nor_its_plan_is_raised(bad: Canary) -> None:
    bad.walk_down()
    perform_as(bad.engine, "ravi", lambda s, o: rollback.lift_hold(s, o, INTENT))
    for verb in ("step", "promote", "pause"):
        with pytest.raises(Conflict, match="only goes down"):
            bad.steer(verb)
    with pytest.raises(Conflict, match="only goes down"):
        bad.replan(steps=[90])
    for share in (60, 100):
        with pytest.raises(Conflict, match="its share only falls"):
            bad.shift(share, by="ravi")
    assert bad.desired() == ("v1.0.0", "v1.1.0", 50)


def test_a_share_that_is_lowered_by_hand_goes_on_from_there(bad: Canary) -> None:
    bad.walk_down()
    bad.shift(5)
    assert later(bad, FIVE) == ("v1.0.0", None, 0)


def test_a_canary_under_way_ends_by_it(bad: Canary) -> None:
    bad.registry.validated("v1.2.0")
    bad.registry.approve(bad.registry.request("v1.2.0", strategy=Strategy.CANARY))
    bad.walk_down()
    assert bad.desired() == ("v1.0.0", "v1.1.0", 50)
    assert bad.registry.status("v1.2.0") == "rolled_back"
    assert bad.row().kind == "down"


def test_it_is_refused_where_a_rollback_would_be(engine: Engine, catalog: Catalog) -> None:
    canary = Canary(engine, catalog)
    with pytest.raises(Conflict, match="no earlier version"):
        canary.walk_down()
    canary.registry.promoted("v1.1.0")
    with pytest.raises(StaleView):
        canary.walk_down(seen="v1.0.0")
    canary.walk_down(seen="v1.1.0")
    with pytest.raises(Conflict, match="walked down already"):
        canary.walk_down()


def test_a_new_canary_supersedes_it_only_when_told_and_the_old_one_stays_out(bad: Canary) -> None:
    bad.walk_down()
    perform_as(bad.engine, "ravi", lambda s, o: rollback.lift_hold(s, o, INTENT))
    bad.registry.validated("v1.2.0")
    with pytest.raises(PromotionBlocked, match="is the canary"):
        bad.registry.request("v1.2.0", strategy=Strategy.CANARY)
    bad.registry.approve(bad.registry.request("v1.2.0", strategy=Strategy.CANARY, supersede=True))
    assert bad.desired() == ("v1.0.0", "v1.2.0", 10)
    assert bad.registry.status("v1.1.0") == "rolled_back"
    with db.transaction(bad.engine, None) as session:
        states = session.execute(text("SELECT kind, state FROM rollouts ORDER BY started_at")).all()
    assert sorted(map(tuple, states)) == [("down", "superseded"), ("up", "running")]


def test_the_past_says_that_it_was_walked_down_on_whose_word(bad: Canary) -> None:
    bad.walk_down()
    with db.transaction(bad.engine, None) as session:
        then = history.moment(session, INTENT, db.now(), db.now())
    assert then.production is not None
    assert then.canary is not None
    assert then.hold is not None
    for part in (then.production, then.canary, then.hold):
        assert part.entry is not None
        assert (part.by, part.entry.action, part.doubt) == ("omar", "model.walk_down", None)
    assert "v1.0.0 was in production with 50 %" in then.sentence
