"""Twenty clients at once on one model: what must hold, holds at every commit.

A trigger that only this test installs keeps each compiled routing with what was true of it in
the committing transaction, so that not only the end of a race is looked at but every commit.
"""

import random
import threading
from collections.abc import Callable
from contextlib import suppress
from uuid import uuid4

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from backend_api import db, ledger
from backend_api.catalog import Catalog
from backend_api.errors import ConsoleError
from backend_api.operations import rollback, traffic
from backend_api.schemas import ShiftTraffic
from backend_api.states import Strategy
from tests.conftest import Postgres
from tests.makers import Registry, perform_as

CLIENTS = 20
VERSIONS = [f"v1.{minor}.0" for minor in range(6)]

WITNESS = """
CREATE TABLE witness (
    epoch bigint, productions bigint, canaries bigint, share integer, production_status text,
    degraded text, target_status text, target_aborted boolean, target_verified boolean,
    rejected_serving bigint);
CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO witness SELECT NEW.epoch,
        (SELECT count(*) FROM model_deployments WHERE model_name = NEW.model_name
            AND environment = 'production' AND status = 'active'),
        (SELECT count(*) FROM model_deployments WHERE model_name = NEW.model_name
            AND environment = 'canary' AND status = 'active'),
        NEW.canary_share, p.status, NEW.degraded, t.status, t.aborted_at IS NOT NULL,
        t.verified_at IS NOT NULL,
        (SELECT count(*) FROM model_deployments d JOIN model_registry r ON r.id = d.model_id
            WHERE d.status = 'active' AND r.status = 'rejected')
    FROM (SELECT 1) one LEFT JOIN model_registry p ON p.id = NEW.production_id
        LEFT JOIN model_registry t ON t.id = NEW.target_id;
    RETURN NULL;
END $$;
CREATE TRIGGER witness AFTER INSERT OR UPDATE ON model_routing
    FOR EACH ROW EXECUTE FUNCTION witness();
"""
BROKEN = text("""
SELECT * FROM witness WHERE productions > 1 OR canaries > 1 OR share NOT BETWEEN 0 AND 100
    OR rejected_serving > 0
    OR (degraded IS NULL AND production_status IS NOT NULL AND production_status <> 'production')
    OR (target_status IS NOT NULL
        AND (target_status <> 'archived' OR target_aborted OR NOT target_verified))
""")
SELF_APPROVED = text(
    "SELECT count(*) FROM promotions WHERE status = 'applied' AND decided_by = requested_by"
    " AND NOT break_glass"
)
EPOCHS = text("SELECT count(*), count(DISTINCT epoch) FROM witness WHERE epoch > 0")
TYPED = {
    "share": "UPDATE model_deployments SET traffic_percentage = {share}"
    " WHERE model_id = (SELECT id FROM model_registry WHERE version = '{version}')"
    " AND environment = 'canary'",
    "off": "UPDATE model_deployments SET status = 'rolled_back'"
    " WHERE model_id = (SELECT id FROM model_registry WHERE version = '{version}')",
    "on": "UPDATE model_deployments SET status = 'active', traffic_percentage = 100"
    " WHERE model_id = (SELECT id FROM model_registry WHERE version = '{version}')",
    "insert": "INSERT INTO model_deployments"
    " (model_id, environment, endpoint_url, traffic_percentage, status) SELECT id, 'production',"
    " '/predict/intent', 100, 'active' FROM model_registry WHERE version = '{version}'",
    "reject": "UPDATE model_registry SET status = 'rejected' WHERE version = '{version}'",
}


class Client:
    """One of the twenty: does what its number and the round's seed say, over the operations."""

    def __init__(self, registry: Registry, seed: int, number: int) -> None:
        self.registry, self.engine = registry, registry.engine
        self.dice = random.Random(f"{seed}/{number}")
        self.name = f"client{number}"

    def act(self) -> None:
        """One deed; a refusal is a fine answer, anything else is not."""
        deeds: list[Callable[[], object]] = [
            self.request, self.approve, self.roll_back, self.shift, self.lift, self.type_sql,
        ]  # fmt: skip
        with suppress(ConsoleError, DBAPIError):
            self.dice.choice(deeds)()

    def request(self) -> object:
        """Ask for any version, by the plan or at once."""
        strategy = self.dice.choice(list(Strategy))
        return self.registry.request(
            self.dice.choice(VERSIONS), by=self.name, strategy=strategy, share=10
        )

    def approve(self) -> object:
        """Let any open request through, also one's own: that must be refused."""
        with self.engine.connect() as connection:
            ids = list(
                connection.scalars(text("SELECT id FROM promotions WHERE status = 'pending'"))
            )
        return self.registry.approve(self.dice.choice(ids), by=self.name) if ids else None

    def roll_back(self) -> object:
        """Back to whatever is the target."""
        return self.registry.roll_back(by=self.name)

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
        """A hand that types the runbook's SQL, as the database's own user."""
        statement = TYPED[self.dice.choice(list(TYPED))].format(
            version=self.dice.choice(VERSIONS), share=self.dice.choice([0, 10, 50])
        )
        with self.engine.begin() as connection:
            return connection.execute(text(statement))


class Race(RuleBasedStateMachine):
    """Rounds of twenty clients; between rounds versions come and get verified."""

    postgres: Postgres
    catalog: Catalog

    @initialize()
    def begin(self) -> None:
        """A fresh database with six validated versions."""
        self.name = f"race_{uuid4().hex[:12]}"
        self.postgres.admin(
            "CREATE DATABASE {} TEMPLATE {} OWNER nivesh", self.name, "template_nivesh"
        )
        self.engine = db.create(self.postgres.url(self.name), pool_size=CLIENTS)
        self.registry = Registry(self.engine, self.catalog)
        with self.engine.begin() as connection:
            connection.execute(text(WITNESS))
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
                for _ in range(3):
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

    @rule(version=st.sampled_from(VERSIONS))
    def verify(self, version: str) -> None:
        """The watch saw this one serve."""
        if self.registry.production() == version:
            self.registry.verify(version)

    @rule(version=st.sampled_from(VERSIONS))
    def promote_alone(self, version: str) -> None:
        """An undisturbed promotion, so that races start from many states."""
        with suppress(ConsoleError):
            perform_as(
                self.engine, "lead", lambda s, o: rollback.lift_hold(s, o, self.registry.model)
            )
        with suppress(ConsoleError):
            self.registry.approve(self.registry.request(version))

    @invariant()
    def holds(self) -> None:
        """Every commit so far was a state that may be, and the ledger tells all of it."""
        if not hasattr(self, "engine"):
            return
        with self.engine.connect() as connection:
            assert [dict(row) for row in connection.execute(BROKEN).mappings()] == []
            assert connection.scalar(SELF_APPROVED) == 0
            commits, epochs = connection.execute(EPOCHS).one()
            assert commits == epochs, "no epoch is used twice"
        with db.transaction(self.engine, "reader") as session:
            assert ledger.verify(session).intact

    def teardown(self) -> None:
        """Drop the database."""
        if hasattr(self, "engine"):
            self.engine.dispose()
            self.postgres.admin("DROP DATABASE {} WITH (FORCE)", self.name)


def test_invariants_hold_at_every_commit(postgres: Postgres, catalog: Catalog) -> None:
    machine = type("BoundRace", (Race,), {"postgres": postgres, "catalog": catalog})
    machine.TestCase.settings = settings(
        max_examples=6, stateful_step_count=8, deadline=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), database=None,
    )  # fmt: skip
    machine.TestCase("runTest").runTest()


def test_a_lost_race_is_a_clear_refusal(engine: Engine, catalog: Catalog) -> None:
    """Two leads approve one request at once: one wins, the other is told so."""
    registry = Registry(engine, catalog)
    registry.validated("v1.0.0")
    promotion_id = registry.request("v1.0.0")
    answers: list[str] = []
    start = threading.Barrier(2)

    def approve(by: str) -> None:
        start.wait()
        try:
            registry.approve(promotion_id, by=by)
            answers.append("applied")
        except ConsoleError as error:
            answers.append(type(error).__name__)

    threads = [threading.Thread(target=approve, args=(by,)) for by in ("ravi", "meera")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["StaleView", "applied"]
