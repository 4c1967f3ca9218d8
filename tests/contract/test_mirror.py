"""The mirror against a real MLflow server, and against the fake that other tests use for it."""

import warnings
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from mlflow import MlflowClient
from sqlalchemy import Engine, text

from backend_api import db, deployment, ledger
from backend_api.catalog import Catalog
from backend_api.errors import NotFound, Unavailable
from backend_api.mirror import RECHECK, mirror, wanted
from backend_api.mlflow_registry import MlflowRegistry
from backend_api.rules.mirror import Picture, SetAlias, SetStage, SetStatus, Step, difference
from backend_api.schemas import LedgerEntry, Mirror
from backend_api.states import Health
from tests.fakes import MemoryRegistry
from tests.link import Link
from tests.makers import INTENT, Registry


class RealRegistry(MlflowRegistry):
    """MLflow behind a wire that can be cut; a person at its own pages does the rest."""

    def __init__(self, mlflow_uri: str, model: str) -> None:
        self.link = Link(urlsplit(mlflow_uri).port or 80)
        super().__init__(f"http://127.0.0.1:{self.link.port}")
        self._hand, self._model = MlflowClient(mlflow_uri, mlflow_uri), model
        self._hand.create_registered_model(model)
        experiment = self._hand.create_experiment(uuid4().hex)
        self._run = self._hand.create_run(experiment).info.run_id
        self._hand.log_dict(self._run, {}, "model/handler.json")

    def add(self) -> int:
        source = f"runs:/{self._run}/model"
        return int(self._hand.create_model_version(self._model, source, self._run).version)

    def move(self, alias: str, version: int) -> None:
        self._hand.set_registered_model_alias(self._model, alias, str(version))

    def put(self, version: int, stage: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._hand.transition_model_version_stage(self._model, str(version), stage)

    def delete(self, version: int) -> None:
        self._hand.delete_model_version(self._model, str(version))

    def cut(self) -> None:
        self.link.cut()

    def mend(self) -> None:
        self.link.mend()


Side = RealRegistry | MemoryRegistry


@pytest.fixture
def model() -> str:
    """A model that MLflow has not heard of."""
    return f"m_{uuid4().hex}"


@pytest.fixture(params=["mlflow", "memory"])
def side(request: pytest.FixtureRequest, model: str) -> Iterator[Side]:
    """What is written to."""
    if request.param == "memory":
        yield MemoryRegistry()
        return
    real = RealRegistry(request.getfixturevalue("mlflow_uri"), model)
    yield real
    real.link.close()


@pytest.fixture
def registry(engine: Engine, catalog: Catalog, model: str, side: Side) -> Registry:
    """v1.0.0 archived, v1.1.0 in production, v1.2.0 validated, each with its number there."""
    made = Registry(engine, Catalog(models={model: catalog.get(INTENT)}), model)
    made.promoted("v1.0.0", mlflow_version=side.add())
    made.promoted("v1.1.0", mlflow_version=side.add())
    made.validated("v1.2.0", mlflow_version=side.add())
    return made


class Clock:
    """The watch's time, which a test moves on."""

    def __init__(self) -> None:
        self.now: datetime = db.now()

    def after(self, time: timedelta) -> datetime:
        """That much later, and never before what the database has just written."""
        self.now = max(self.now, db.now()) + time
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Starts at the present."""
    return Clock()


def state(registry: Registry) -> Mirror:
    with db.transaction(registry.engine, None) as session:
        return deployment.mirror(session, registry.model)


def is_equal(registry: Registry, side: Side) -> bool:
    with db.transaction(registry.engine, None) as session:
        want = wanted(session, registry.model)
    return difference(want, side.picture(registry.model)) is None


def foreign_changes(registry: Registry) -> list[LedgerEntry]:
    with db.transaction(registry.engine, None) as session:
        return ledger.page(session, action="mirror.foreign_change").entries


def order_repair(registry: Registry) -> None:
    """What the button does."""
    with db.transaction(registry.engine, "omar") as session:
        session.execute(text("INSERT INTO outbox (model_name) VALUES (:m)"), {"m": registry.model})


def test_each_step_is_seen_and_may_be_repeated(side: Side, model: str) -> None:
    one, two = side.add(), side.add()
    steps: list[Step] = [
        SetAlias("production", one), SetAlias("canary", two), SetStage(one, "Production"),
        SetStatus(one, "production"), SetAlias("canary", None),
    ]  # fmt: skip
    for step in [*steps, *steps]:
        side.carry_out(model, step)
    assert side.picture(model) == Picture(
        {"production": one}, {one: "Production", two: "None"}, {one: "production", two: ""}
    )


def test_a_lost_version_and_an_outage_are_told_apart(side: Side, model: str) -> None:
    side.add()
    with pytest.raises(NotFound):
        side.carry_out(model, SetAlias("production", 99))
    with pytest.raises(NotFound):
        side.carry_out(model, SetStage(99, "Staging"))
    side.cut()
    with pytest.raises(Unavailable):
        side.picture(model)
    with pytest.raises(Unavailable):
        side.carry_out(model, SetAlias("production", 1))
    side.mend()
    assert side.picture(model).aliases == {}


def test_alias_stage_and_tag_follow_each_decision(
    registry: Registry, side: Side, clock: Clock
) -> None:
    mirror(registry.engine, side, registry.model, clock.now)
    seen = side.picture(registry.model)
    assert seen.aliases == {"production": 2}
    assert seen.stages == {1: "Archived", 2: "Production", 3: "Staging"}
    assert seen.statuses == {1: "archived", 2: "production", 3: "validated"}
    assert state(registry).pending == 0
    registry.roll_back()
    mirror(registry.engine, side, registry.model, clock.after(timedelta(seconds=1)))
    seen = side.picture(registry.model)
    assert seen.aliases == {"production": 1}
    assert (seen.stages[1], seen.stages[2]) == ("Production", "Archived")
    assert seen.statuses[2] == "rolled_back"
    assert state(registry).state == Health.OK
    assert foreign_changes(registry) == [], "what we wrote ourselves is nobody else's"


def test_an_outage_holds_nothing_up_and_is_caught_up_afterwards(
    registry: Registry, side: Side, clock: Clock
) -> None:
    mirror(registry.engine, side, registry.model, clock.now)
    side.cut()
    registry.approve(registry.request("v1.2.0"))
    assert registry.production() == "v1.2.0"
    registry.roll_back()
    assert registry.production() == "v1.1.0"
    for _ in range(3):
        mirror(registry.engine, side, registry.model, clock.after(timedelta(minutes=1)))
    seen = state(registry)
    assert seen.state == Health.DOWN
    assert "does not answer" in (seen.error or "")
    assert seen.pending > 0
    with db.transaction(registry.engine, None) as session:
        waits = session.execute(
            text("SELECT max(attempts), max(next_attempt_at) FROM outbox WHERE done_at IS NULL")
        ).one()
    assert waits[0] == 3
    assert waits[1] <= clock.now + timedelta(minutes=1)
    side.mend()
    mirror(registry.engine, side, registry.model, clock.after(timedelta(minutes=1)))
    assert is_equal(registry, side)
    after = state(registry)
    assert (after.state, after.pending, after.error) == (Health.OK, 0, None)
    assert foreign_changes(registry) == []


def test_a_failed_attempt_waits_before_the_next(
    registry: Registry, side: Side, clock: Clock
) -> None:
    side.cut()
    mirror(registry.engine, side, registry.model, clock.now)
    side.mend()
    mirror(registry.engine, side, registry.model, clock.now)
    assert state(registry).pending > 0, "it is not due yet"
    mirror(registry.engine, side, registry.model, clock.after(timedelta(seconds=1)))
    assert state(registry).pending == 0


def test_a_foreign_change_is_named_once_and_repaired_by_order(
    registry: Registry, side: Side, clock: Clock
) -> None:
    mirror(registry.engine, side, registry.model, clock.now)
    side.move("production", 3)
    side.put(3, "Production")
    for _ in range(2):
        mirror(registry.engine, side, registry.model, clock.after(RECHECK * 2))
    seen = state(registry)
    assert seen.state == Health.DEGRADED
    assert seen.difference == "alias 'production' points to 3, should be 2."
    (entry,) = foreign_changes(registry)
    assert "alias 'production' was moved from 2 to 3" in (entry.reason or "")
    assert "version 3 went from Staging to Production" in (entry.reason or "")
    assert registry.production() == "v1.1.0", "it moves no traffic"
    order_repair(registry)
    mirror(registry.engine, side, registry.model, clock.after(timedelta(seconds=1)))
    assert is_equal(registry, side)
    assert state(registry).state == Health.OK


def test_a_decision_does_not_hide_what_it_overwrites(
    registry: Registry, side: Side, clock: Clock
) -> None:
    mirror(registry.engine, side, registry.model, clock.now)
    side.move("production", 1)
    registry.approve(registry.request("v1.2.0"))
    mirror(registry.engine, side, registry.model, clock.after(timedelta(seconds=1)))
    assert is_equal(registry, side)
    (entry,) = foreign_changes(registry)
    assert entry.evidence["overwritten"] is True
    assert "alias 'production' was moved from 2 to 1" in (entry.reason or "")


def test_a_deleted_version_is_named_and_holds_up_no_other(
    registry: Registry, side: Side, clock: Clock
) -> None:
    mirror(registry.engine, side, registry.model, clock.now)
    side.delete(1)
    mirror(registry.engine, side, registry.model, clock.after(RECHECK * 2))
    assert "version 1 is missing in MLflow" in (state(registry).difference or "")
    assert "version 1 was deleted" in (foreign_changes(registry)[0].reason or "")
    registry.approve(registry.request("v1.2.0"))
    mirror(registry.engine, side, registry.model, clock.after(timedelta(seconds=1)))
    assert side.picture(registry.model).aliases == {"production": 3}
    assert "version 1 is missing in MLflow" in (state(registry).difference or "")


def test_one_process_at_a_time_writes_a_model(registry: Registry, side: Side, clock: Clock) -> None:
    with db.sole(registry.engine, f"nivesh.mirror.{registry.model}") as alone:
        assert alone
        mirror(registry.engine, side, registry.model, clock.now)
        assert not is_equal(registry, side)
    mirror(registry.engine, side, registry.model, clock.now)
    assert is_equal(registry, side)


def test_a_stranger_with_a_stage_is_sent_back_and_one_without_is_left_alone(
    registry: Registry, side: Side, clock: Clock
) -> None:
    stranger, quiet = side.add(), side.add()
    side.put(stranger, "Production")
    mirror(registry.engine, side, registry.model, clock.now)
    seen = side.picture(registry.model)
    assert (seen.stages[stranger], seen.stages[quiet]) == ("None", "None")
