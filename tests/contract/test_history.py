"""What was decided at a moment: computed later, it is what was read then."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from backend_api import db, deployment, history, watch
from backend_api.catalog import Catalog
from backend_api.errors import BadRequest, ConsoleError
from backend_api.operations import rollback, traffic
from backend_api.rules import history as rule
from backend_api.schemas import Moment, ShiftTraffic
from backend_api.states import Strategy
from tests import migrations
from tests.conftest import Postgres
from tests.contract.test_runbook_sql import psql
from tests.makers import INTENT, Registry, perform_as
from tests.workers import Workers

Reading = tuple[object, ...]


def clock(engine: Engine) -> datetime:
    """The database's clock."""
    with engine.connect() as connection:
        found: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return found


def at(engine: Engine, moment: datetime) -> Moment:
    with db.transaction(engine, None) as session:
        return history.moment(session, INTENT, moment, clock(engine))


def read(engine: Engine) -> Reading:
    """What every worker should serve at this moment, and the hold."""
    with db.transaction(engine, None) as session:
        want = deployment.desired(session, INTENT)
        hold = deployment.hold(session, INTENT)
    held = hold.at if hold else None
    if want is None:
        return None, None, 0, False, None, 0, None, held
    return (want.production, want.canary, want.canary_share if want.canary else 0, want.fallback,
            want.shadow, want.shadow_share, want.degraded, held)  # fmt: skip


def computed(engine: Engine, moment: datetime) -> Reading:
    """The same, computed later."""
    found = at(engine, moment)
    share = found.canary.share if found.canary else 0
    with db.transaction(engine, None) as session:
        known = history.changes(session, INTENT)
    place = rule.index_at(known, moment)
    held = known[place].held_at if place is not None else None
    assert (found.hold is None) == (held is None)
    return (found.production.version if found.production else None,
            found.canary.version if found.canary else None, share, found.fallback is not None,
            found.shadow, found.shadow_share, found.degraded,
            held)  # fmt: skip


class Story:
    """A model to which anything may happen; what is refused changes nothing."""

    def __init__(self, engine: Engine, catalog: Catalog) -> None:
        self.registry = Registry(engine, catalog)
        self.engine, self.count = engine, 0

    def _new(self) -> str:
        self.count += 1
        return f"v1.{self.count}.0"

    def promote(self) -> None:
        self.registry.promoted(self._new())

    def canary(self) -> None:
        name = self._new()
        self.registry.validated(name)
        self.registry.approve(self.registry.request(name, strategy=Strategy.CANARY, share=10))

    def stage(self) -> None:
        name = self._new()
        self.registry.register(name)
        self.registry.stage(name)

    def share(self, share: int) -> None:
        with db.transaction(self.engine, None) as session:
            want = deployment.desired(session, INTENT)
        if want is None or want.canary is None:
            return
        body = ShiftTraffic(
            request_id="01980c5e-7a54-7cc1-9f0e-3b8f5c0f2a11", reason="made for a test",
            expected_canary=want.canary, expected_share=want.canary_share, share=share,
        )  # fmt: skip
        perform_as(
            self.engine, "ravi",
            lambda s, o: traffic.shift(s, o, self.registry.entry, INTENT, body, 10),
        )  # fmt: skip

    def typed(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))

    def lift(self) -> None:
        perform_as(self.engine, "ravi", lambda s, o: rollback.lift_hold(s, o, INTENT))

    def mirror(self) -> None:
        self.stage()
        self.registry.mirror(f"v1.{self.count}.0", 20)


END = "UPDATE model_deployments SET status = 'rolled_back' WHERE environment = '{}'"
ACTS: dict[str, Callable[[Story], object]] = {
    "promote": Story.promote,
    "canary": Story.canary,
    "more": lambda s: s.share(50),
    "less": lambda s: s.share(5),
    "all": lambda s: s.share(100),
    "none": lambda s: s.share(0),
    "roll back": lambda s: s.registry.roll_back(),
    "lift": Story.lift,
    "rules": lambda s: s.registry.fall_back(),
    "versions": lambda s: s.registry.fall_back(on=False),
    "mirror": Story.mirror,
    "stage": Story.stage,
    "typed end": lambda s: s.typed(END.format("production")),
    "typed way back": lambda s: s.typed(
        END.format("production"), END.format("canary"),
        "UPDATE model_deployments SET status = 'active', traffic_percentage = 100 WHERE id ="
        " (SELECT max(id) FROM model_deployments WHERE environment = 'production'"
        "  AND status = 'archived')",
    ),
    "typed share": lambda s: s.typed(
        "UPDATE model_deployments SET traffic_percentage = 33 WHERE environment = 'canary'"
        " AND status = 'active'"
    ),
    "typed hold": lambda s: s.typed(
        "UPDATE models SET held_at = clock_timestamp(), held_by = 'me', held_reason = 'why not'"
    ),
}  # fmt: skip


@settings(
    max_examples=6,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(acts=st.lists(st.sampled_from(sorted(ACTS)), min_size=8, max_size=16))
def test_computed_later_it_is_what_was_read_then(
    acts: list[str], engine: Engine, catalog: Catalog
) -> None:
    story = Story(engine, catalog)
    with engine.connect() as connection:
        story.count = connection.execute(text("SELECT count(*) FROM model_registry")).scalar_one()
    story.registry._made = story.count
    seen: list[tuple[datetime, Reading]] = []
    for act in ["promote", *acts]:
        # A refused act of any kind leaves everything as it was, and that is what is read then.
        with suppress(ConsoleError):
            ACTS[act](story)
        reading = read(engine)
        seen.append((clock(engine), reading))
    assert [computed(engine, moment) for moment, _ in seen] == [reading for _, reading in seen]


@pytest.fixture
def registry(engine: Engine, catalog: Catalog) -> Registry:
    """v1.0.0 was in production and verified, v1.1.0 is."""
    made = Registry(engine, catalog)
    made.promoted("v1.0.0")
    made.promoted("v1.1.0")
    return made


def observe(engine: Engine) -> None:
    """One look of the watch at the workers."""
    with db.transaction(engine, "watch") as session:
        watch.observe(session, INTENT, db.now(), 10)


def test_a_moment_names_word_reason_approval_and_evidence(
    engine: Engine, registry: Registry
) -> None:
    before = clock(engine)
    registry.validated("v1.2.0")
    registry.approve(registry.request("v1.2.0", strategy=Strategy.CANARY, share=10))
    with_canary = clock(engine)
    registry.roll_back()
    after = clock(engine)

    first, second, third = (at(engine, moment) for moment in (before, with_canary, after))
    assert first.sentence == "v1.1.0 was in production and answered every request."
    assert first.production is not None
    assert (first.canary, first.hold) == (None, None)
    assert first.production.entry is not None
    assert (first.production.by, first.production.entry.action) == ("ravi", "model.promote")
    assert first.production.entry.reason == "made for a test"
    approval = first.production.approval
    assert approval is not None
    signed = approval.promotion
    assert (signed.requested_by, signed.decided_by, approval.intact) == ("asha", "ravi", True)
    assert signed.evidence["gates"]["criteria"]["state"] == "pass"

    assert second.canary is not None
    assert second.sentence == (
        "v1.1.0 was in production with 90 % of the requests, the canary v1.2.0 had 10 %."
    )
    assert second.canary.entry is not None
    assert (second.canary.share, second.canary.entry.action) == (10, "canary.start")
    assert second.canary.approval is not None
    assert second.canary.approval.promotion.version == "v1.2.0"
    assert second.canary.until is not None

    assert third.hold is not None
    assert third.hold.entry is not None
    assert (third.hold.by, third.hold.entry.action) == ("omar", "model.roll_back")
    assert third.production is not None
    assert (third.canary, third.production.version) == (None, "v1.0.0")
    assert first.production.until == third.production.since, "a canary beside it ends nothing"
    assert third.production.until is None
    assert third.production.approval is not None
    assert third.production.approval.promotion.version == "v1.0.0"


def test_workers_that_followed_later_are_told_of_as_later(
    engine: Engine, registry: Registry
) -> None:
    decided = clock(engine)
    never = at(engine, decided).agreement
    workers = Workers(engine)
    workers.live("a", "b")
    workers.acknowledge("a", "b")
    observe(engine)
    early, late = at(engine, decided).agreement, at(engine, clock(engine)).agreement
    assert never is not None
    assert early is not None
    assert late is not None
    assert (never.by_then, never.at) == (False, None)
    assert (early.by_then, early.at, early.workers) == (False, late.at, ["a", "b"])
    assert early.sentence.startswith("Not every worker served it yet: the last one did, ")
    assert late.by_then
    assert late.sentence.startswith("All 2 workers served it by then, ")


def test_what_was_typed_is_on_the_typists_word_and_has_no_approval(
    engine: Engine, registry: Registry, database_url: str
) -> None:
    registry.validated("v1.2.0")
    psql(
        database_url,
        "INSERT INTO model_deployments (model_id, environment, endpoint_url, traffic_percentage,"
        " status) SELECT id, 'canary', '/predict/intent', 25, 'active' FROM model_registry"
        " WHERE version = 'v1.2.0'",
    )
    canary = at(engine, clock(engine)).canary
    assert canary is not None
    assert canary.entry is not None
    assert (canary.version, canary.share, canary.approval) == ("v1.2.0", 25, None)
    assert canary.by.startswith("sql:")
    assert canary.entry.action == "sql.insert model_deployments"


def test_an_altered_approval_or_record_is_told(engine: Engine, registry: Registry) -> None:
    with engine.begin() as connection:
        connection.execute(text("GRANT UPDATE ON routing_history TO CURRENT_USER"))
        connection.execute(text("ALTER TABLE routing_history DISABLE TRIGGER USER"))
        connection.execute(
            text("UPDATE routing_history SET production = 'v9.9.9' WHERE production = 'v1.1.0'")
        )
        connection.execute(
            text("UPDATE promotions SET evidence = evidence || '{\"breaking\": true}'")
        )
    found = at(engine, clock(engine)).production
    assert found is not None
    assert found.doubt is not None
    assert found.doubt.endswith("says production v1.1.0, and the record says v9.9.9.")
    assert found.approval is None
    with db.transaction(engine, None) as session:
        earlier = next(c.at for c in history.changes(session, INTENT) if c.production == "v1.0.0")
    then = at(engine, earlier).production
    assert then is not None
    assert then.approval is not None
    assert (then.doubt, then.approval.intact) == (None, False)


def test_a_record_is_only_added_to(engine: Engine, registry: Registry) -> None:
    for statement in ("UPDATE routing_history SET changed_by = 'x'", "DELETE FROM routing_history"):
        with pytest.raises(DBAPIError, match=r"append-only|permission denied"), engine.begin() as c:
            c.execute(text(statement))


def test_nothing_is_known_of_the_future_nor_of_what_was_not_yet(
    engine: Engine, registry: Registry
) -> None:
    now = clock(engine)
    with pytest.raises(BadRequest, match="lies in the future"):
        at(engine, now + timedelta(hours=1))
    long_ago = at(engine, now - timedelta(days=300))
    assert long_ago.sentence == "Nothing had been decided for this model yet."
    assert (long_ago.production, long_ago.epoch) == (None, None)


def test_before_the_record_began_nothing_is_invented(postgres: Postgres) -> None:
    with migrations.before(postgres, "0012") as engine:
        with engine.begin() as connection:
            connection.execute(
                text("INSERT INTO model_registry (model_name, version) VALUES (:m, 'v1.0.0')"),
                {"m": INTENT},
            )
            connection.execute(
                text(
                    "INSERT INTO model_deployments (model_id, environment, endpoint_url,"
                    " traffic_percentage, status) SELECT id, 'production', '/', 100, 'active'"
                    " FROM model_registry"
                )
            )
        before = clock(engine)
        db.migrate(engine)
        earlier, now = at(engine, before), at(engine, clock(engine))
        assert not earlier.recorded
        assert earlier.sentence.startswith("Not recorded: the record of what served begins ")
        assert now.production is not None
        assert (now.production.version, now.production.baseline) == ("v1.0.0", True)
        assert now.production.entry is None
        assert now.production.by.startswith("sql:")
