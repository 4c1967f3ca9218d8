"""Twenty clients at once on one model: what must hold, holds at every commit.

A trigger that only this test installs looks at each compiled routing inside the transaction that
commits it, so that not only the end of a race is looked at but every state on the way.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError, OperationalError

from backend_api import db, ledger, watch
from backend_api.catalog import Catalog
from backend_api.errors import ConsoleError
from backend_api.operations import rollback, traffic
from backend_api.schemas import ShiftTraffic
from backend_api.states import Strategy, VersionStatus
from tests.conftest import Postgres
from tests.makers import Registry, perform_as
from tests.workers import Workers

CLIENTS, DEEDS_EACH = 20, 3
VERSIONS = [f"v1.{minor}.0" for minor in range(6)]

# What must never be true of a state that is committed. ``active`` are the active deployments,
# ``routed`` and ``target`` the versions that the routing NEW names.
NEVER = {
    "two productions": "(SELECT count(*) FROM active WHERE environment = 'production') > 1",
    "two canaries": "(SELECT count(*) FROM active WHERE environment = 'canary') > 1",
    "a share out of range": "NEW.canary_share NOT BETWEEN 0 AND 100",
    "a rejected version deployed": "EXISTS (SELECT FROM active WHERE version_status = 'rejected')"
    " OR EXISTS (SELECT FROM routed WHERE status = 'rejected')",
    "routing is not the production row": "NEW.degraded IS NULL AND NEW.production_id IS DISTINCT"
    " FROM (SELECT model_id FROM active WHERE environment = 'production')",
    "degraded beside a production row": "NEW.degraded IS NOT NULL AND EXISTS"
    " (SELECT FROM active WHERE environment = 'production')",
    "nothing serves any more": "NEW.production_id IS NULL AND OLD.production_id IS NOT NULL",
    "routing is not the canary row": "EXISTS (SELECT FROM (SELECT max(model_id) AS id,"
    "  coalesce(max(traffic_percentage), 0) AS share FROM active WHERE environment = 'canary'"
    "  AND model_id IS DISTINCT FROM NEW.production_id) c"
    " WHERE (c.id, c.share) IS DISTINCT FROM (NEW.canary_id, NEW.canary_share))",
    "a status parted from its rows": "EXISTS (SELECT FROM model_registry r LEFT JOIN"
    " (SELECT model_id, max(environment) AS serves FROM active WHERE environment <> 'staging'"
    "  GROUP BY 1) a ON a.model_id = r.id WHERE r.model_name = NEW.model_name AND (r.status <>"
    "  a.serves OR (a.serves IS NULL AND r.status IN ('canary', 'production'))))",
    "a target that failed": "EXISTS (SELECT FROM target WHERE aborted_at IS NOT NULL"
    " OR verified_at IS NULL OR status IN ('rejected', 'canary', 'production'))",
}
WITNESS = f"""
CREATE TABLE witness (
    id bigint GENERATED ALWAYS AS IDENTITY, xid xid8, epoch bigint, broken text[]);
-- Which transaction wrote an entry; no part of what is hashed.
ALTER TABLE ledger ADD COLUMN xid xid8 DEFAULT pg_current_xact_id();
CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO witness (xid, epoch, broken)
    WITH active AS (SELECT d.*, r.status AS version_status FROM model_deployments d
            JOIN model_registry r ON r.id = d.model_id
            WHERE d.status = 'active' AND d.model_name = NEW.model_name),
        routed AS (SELECT * FROM model_registry WHERE id = NEW.production_id),
        target AS (SELECT * FROM model_registry WHERE id = NEW.target_id)
    SELECT pg_current_xact_id(), NEW.epoch, array_remove(ARRAY[
        {", ".join(f"CASE WHEN {found} THEN '{name}' END" for name, found in NEVER.items())}
    ], NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER witness AFTER INSERT OR UPDATE OF epoch ON model_routing
    FOR EACH ROW EXECUTE FUNCTION witness();
"""
BROKEN = text("SELECT epoch, broken FROM witness WHERE broken <> '{}'")
EPOCHS_THAT_DO_NOT_RISE = text("""
    SELECT epoch FROM (SELECT epoch, lag(epoch) OVER (ORDER BY id) AS before FROM witness) e
    WHERE epoch <= before
""")
UNRECORDED = text("""
    SELECT epoch FROM witness WHERE epoch > 0 AND xid NOT IN (SELECT xid FROM ledger)
""")
SELF_APPROVED = text(
    "SELECT count(*) FROM promotions WHERE status = 'applied' AND decided_by = requested_by"
    " AND NOT (break_glass AND review_due_at IS NOT NULL)"
)
TYPED = {
    "share": "UPDATE model_deployments SET traffic_percentage = {share}"
    " WHERE model_id = (SELECT id FROM model_registry WHERE version = '{version}')"
    " AND environment = 'canary'",
    "off": "UPDATE model_deployments SET status = 'rolled_back'"
    " WHERE model_id = (SELECT id FROM model_registry WHERE version = '{version}')",
    "on": "UPDATE model_deployments SET status = 'active', traffic_percentage = 100"
    " WHERE model_id = (SELECT id FROM model_registry WHERE version = '{version}')",
    "insert": "INSERT INTO model_deployments"
    " (model_id, environment, endpoint_url, traffic_percentage, status) SELECT id, '{slot}',"
    " '/predict/intent', {share}, 'active' FROM model_registry WHERE version = '{version}'",
    "pending": "UPDATE model_deployments SET status = 'pending' WHERE environment = '{slot}'",
    "delete": "DELETE FROM model_deployments WHERE environment = '{slot}'",
    "status": "UPDATE model_registry SET status = '{status}' WHERE version = '{version}'",
    "reject": "UPDATE model_registry SET status = 'rejected' WHERE version = 'v1.5.0'",
    "hold": "UPDATE models SET held_at = NULL, held_by = NULL, held_reason = NULL",
}


class Client:
    """One of the twenty: does what its number and the round's seed say, over the operations."""

    def __init__(self, registry: Registry, seed: int, number: int) -> None:
        self.registry, self.engine = registry, registry.engine
        self.dice = random.Random(f"{seed}/{number}")
        self.name = f"client{number}"
        self.ended: Counter[str] = Counter()

    def act(self) -> None:
        """One deed; a refusal is a fine answer, anything else is not."""
        deeds: list[Callable[[], object]] = [
            self.renew, self.request, self.request, self.approve, self.approve, self.roll_back,
            self.shift, self.shift, self.lift, self.type_sql, self.look,
        ]  # fmt: skip
        deed = self.dice.choice(deeds)
        try:
            done = deed()
            self.ended[f"{deed.__name__} {'done' if done else 'idle'}"] += 1
        except (ConsoleError, IntegrityError):
            self.ended[f"{deed.__name__} refused"] += 1
        except OperationalError as error:
            # Who types SQL has nobody who tries again for them.
            if deed != self.type_sql or not db.collided(error):
                raise
            self.ended["type_sql collided"] += 1

    def request(self) -> object:
        """Ask for a version that is validated by now, or for any one, by the plan or at once."""
        strategy = self.dice.choice(list(Strategy))
        return self.registry.request(self.ready(), by=self.name, strategy=strategy, share=10)

    def ready(self) -> str:
        """A version that is validated by now, or any one."""
        found = self.read("SELECT version FROM model_registry WHERE status = 'validated'")
        return self.dice.choice(found or VERSIONS)

    def read(self, query: str) -> list[Any]:
        """The first column of what a client sees before it acts."""
        with self.engine.connect() as connection:
            return list(connection.scalars(text(query)))

    def renew(self) -> object:
        """Stage a version that is out of the way once more, and let it pass the suite."""
        with self.engine.connect() as connection:
            found = connection.execute(
                text("SELECT version, status FROM model_registry"
                     " WHERE status IN ('registered', 'archived', 'rolled_back', 'staging')")
            ).all()  # fmt: skip
        if not found:
            return None
        name, status = self.dice.choice(found)
        registry = self.registry
        if status != "staging":
            registry.stage(name, VersionStatus(status))
        return registry.pass_suite(name)

    def approve(self) -> object:
        """Let any open request through; one's own only by breaking the glass."""
        ids = self.read("SELECT id FROM promotions WHERE status = 'pending'")
        if not ids:
            return None
        broken = self.dice.random() < 0.2
        return self.registry.approve(self.dice.choice(ids), by=self.name, break_glass=broken)

    def roll_back(self) -> object:
        """Back to whatever is the target, from what is seen to serve or from anything."""
        seen = self.registry.production() if self.dice.random() < 0.5 else None
        return self.registry.roll_back(by=self.name, seen=seen)

    def lift(self) -> object:
        """Lift a hold, or promotions would soon stop for the rest of the race."""
        return perform_as(
            self.engine, self.name, lambda s, o: rollback.lift_hold(s, o, self.registry.model)
        )

    def shift(self) -> object:
        """Move the canary's share from what is read to anything."""
        with self.engine.connect() as connection:
            row = connection.execute(
                text("SELECT r.version, d.canary_share FROM model_routing d"
                     " JOIN model_registry r ON r.id = d.canary_id")
            ).first()  # fmt: skip
        if row is None:
            return None
        body = ShiftTraffic(
            request_id=uuid4(), reason="race", expected_canary=row[0], expected_share=row[1],
            share=self.dice.choice([0, 10, 50, 100]),
        )  # fmt: skip
        return perform_as(
            self.engine,
            self.name,
            lambda s, o: traffic.shift(
                s, o, self.registry.entry, self.registry.model, body, timeout=10
            ),
        )

    def type_sql(self) -> object:
        """A hand that types SQL, much of it from the runbook, as the database's own user."""
        statement = TYPED[self.dice.choice(list(TYPED))].format(
            version=self.dice.choice(VERSIONS),
            share=self.dice.choice([0, 10, 50, 100]),
            slot=self.dice.choice(["canary", "production"]),
            status=self.dice.choice(["validated", "production", "archived", "registered"]),
        )
        with self.engine.begin() as connection:
            return connection.execute(text(statement)).rowcount

    def look(self) -> object:
        """The watch: the worker serves what is wanted, which may prove a version good."""
        look(self.registry)
        return True


def look(registry: Registry) -> None:
    """Let the only worker acknowledge, and the watch see it."""
    Workers(registry.engine).acknowledge("a")
    for act in (
        lambda s: watch.observe(s, registry.model, db.now(), 60),
        lambda s: watch.verify(s, registry.model, db.now(), 0),
        lambda s: watch.review_requests(s, registry.catalog, registry.model, db.now()),
    ):
        with db.transaction(registry.engine, "watch") as session:
            act(session)


class Race(RuleBasedStateMachine):
    """Rounds of twenty clients; between rounds a version is promoted without disturbance."""

    postgres: Postgres
    catalog: Catalog
    ended: Counter[str]

    @initialize()
    def begin(self) -> None:
        """A fresh database with six validated versions and a live worker."""
        self.name = f"race_{uuid4().hex[:12]}"
        self.postgres.admin(
            "CREATE DATABASE {} TEMPLATE {} OWNER nivesh", self.name, "template_nivesh"
        )
        self.engine = db.create(self.postgres.url(self.name), pool_size=CLIENTS)
        self.registry = Registry(self.engine, self.catalog)
        with self.engine.begin() as connection:
            connection.execute(text(WITNESS))
        Workers(self.engine).live("a")
        for version in VERSIONS:
            self.registry.validated(version)

    @rule(seed=st.integers(0, 2**32))
    def race(self, seed: int) -> None:
        """All twenty start at the same moment and do three things each."""
        start = threading.Barrier(CLIENTS)
        failures: list[BaseException] = []

        def run(client: Client) -> None:
            start.wait()
            try:
                for _ in range(DEEDS_EACH):
                    client.act()
            except BaseException as error:
                failures.append(error)

        clients = [Client(self.registry, seed, number) for number in range(CLIENTS)]
        threads = [threading.Thread(target=run, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        for client in clients:
            self.ended.update(client.ended)

    @rule()
    def see(self) -> None:
        """The watch looks when nobody disturbs it."""
        look(self.registry)

    @rule(strategy=st.sampled_from(Strategy))
    def promote_alone(self, strategy: Strategy) -> None:
        """An undisturbed promotion, whole or as a canary, so that races start from many states."""
        undisturbed = Client(self.registry, 0, CLIENTS)
        for deed in (
            undisturbed.lift,
            undisturbed.renew,
            lambda: self.registry.approve(
                self.registry.request(undisturbed.ready(), strategy=strategy, share=10)
            ),
        ):
            try:
                deed()
            except (ConsoleError, IntegrityError):
                continue

    @rule(seed=st.integers(0, 2**32))
    def race_a_canary(self, seed: int) -> None:
        """The same with a canary to begin with, which all the shifts are after."""
        self.promote_alone(Strategy.CANARY)
        self.race(seed)

    @invariant()
    def holds(self) -> None:
        """Every commit so far was a state that may be, and the ledger tells all of it."""
        if not hasattr(self, "engine"):
            return
        with self.engine.connect() as connection:
            assert connection.execute(BROKEN).all() == []
            assert connection.execute(EPOCHS_THAT_DO_NOT_RISE).all() == []
            assert connection.execute(UNRECORDED).all() == []
            assert connection.scalar(SELF_APPROVED) == 0
        with db.transaction(self.engine, None) as session:
            assert ledger.verify(session).intact

    def teardown(self) -> None:
        """Drop the database."""
        if hasattr(self, "engine"):
            self.engine.dispose()
            self.postgres.admin("DROP DATABASE {} WITH (FORCE)", self.name)


def test_invariants_hold_at_every_commit(postgres: Postgres, catalog: Catalog) -> None:
    ended: Counter[str] = Counter()
    parts = {"postgres": postgres, "catalog": catalog, "ended": ended}
    machine = type("BoundRace", (Race,), parts)
    machine.TestCase.settings = settings(
        max_examples=8, stateful_step_count=8, deadline=None, derandomize=True,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None,
    )  # fmt: skip
    machine.TestCase("runTest").runTest()
    deeds = ("renew", "request", "approve", "roll_back", "shift", "lift", "type_sql", "look")
    idle = [deed for deed in deeds if not ended[f"{deed} done"]]
    assert idle == [], f"the races never did these, so they prove nothing of them: {ended}"
    assert sum(count for end, count in ended.items() if end.endswith("refused")) > 0


@pytest.mark.parametrize("verb", ["approve", "roll_back"])
def test_a_lost_race_is_a_clear_refusal(engine: Engine, catalog: Catalog, verb: str) -> None:
    """Two at once do the same: one does it, the other is told so."""
    registry = Registry(engine, catalog)
    registry.promoted("v1.0.0")
    registry.promoted("v1.1.0")
    registry.validated("v1.2.0")
    promotion_id = registry.request("v1.2.0")
    deeds: dict[str, Callable[[str], object]] = {
        "approve": lambda by: registry.approve(promotion_id, by=by),
        "roll_back": registry.roll_back,
    }
    answers: list[str] = []
    start = threading.Barrier(2)

    def run(by: str) -> None:
        start.wait()
        try:
            deeds[verb](by)
            answers.append("done")
        except ConsoleError as error:
            answers.append(type(error).__name__)

    threads = [threading.Thread(target=run, args=(by,)) for by in ("ravi", "meera")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lost = {"approve": "StaleView", "roll_back": "Conflict"}[verb]
    assert sorted(answers) == sorted(["done", lost])
