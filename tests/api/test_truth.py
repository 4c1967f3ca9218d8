"""The decision beside every place, with a real MLflow; what differs is repaired by order."""

from datetime import timedelta
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import text

from backend_api import db
from backend_api.catalog import Catalog
from backend_api.mirror import RECHECK, mirror
from backend_api.rules import truth
from backend_api.rules.mirror import Picture, Step
from backend_api.schemas import Place, Truth
from backend_api.states import Health, Repair
from tests.conftest import Backend
from tests.contract.test_mirror import RealRegistry
from tests.makers import INTENT, Registry
from tests.workers import Workers


class Renamed:
    """A real MLflow in which the model has a name that no other test uses."""

    def __init__(self, mlflow_uri: str) -> None:
        self.name = f"m_{uuid4().hex}"
        self.side = RealRegistry(mlflow_uri, self.name)

    def picture(self, _model: str) -> Picture:
        """What it says now."""
        return self.side.picture(self.name)

    def carry_out(self, _model: str, step: Step) -> None:
        """Write one difference."""
        self.side.carry_out(self.name, step)


@pytest.fixture
def registry(backend: Backend, catalog: Catalog) -> Registry:
    """v1.1.0 serves on two workers, and v1.0.0 did."""
    made = Registry(backend.engine, catalog)
    made.promoted("v1.0.0")
    made.promoted("v1.1.0")
    return made


@pytest.fixture
def workers(registry: Registry) -> Workers:
    """Two that serve what was decided since a minute ago."""
    made = Workers(registry.engine)
    made.live("a", "b")
    made.acknowledge("a", "b")
    settle(registry)
    return made


def settle(registry: Registry) -> None:
    """As a minute later, as far as acknowledgements go."""
    with db.transaction(registry.engine, "tests") as session:
        session.execute(
            text("UPDATE replica_models SET acknowledged_at = acknowledged_at - interval '1 min'")
        )


def read(backend: Backend) -> Truth:
    answer = backend.client("viewer").get(f"/models/{INTENT}/truth")
    assert answer.status_code == 200, answer.text
    return Truth.model_validate(answer.json())


def place(truth: Truth, name: str) -> Place:
    return next(one for one in truth.places if one.name == name)


def post(backend: Backend, path: str, reason: str = "made for a test") -> httpx2.Response:
    body = {"request_id": str(uuid4()), "reason": reason}
    return backend.client("oncall").post(f"/models/{INTENT}/{path}", json=body)


def test_an_alias_moved_by_hand_is_named_and_the_repair_puts_it_right(
    backend: Backend, catalog: Catalog, mlflow_uri: str
) -> None:
    renamed = Renamed(mlflow_uri)
    side = renamed.side
    registry = Registry(backend.engine, catalog)
    registry.promoted("v1.0.0", mlflow_version=side.add())
    registry.promoted("v1.1.0", mlflow_version=side.add())
    now = db.now()

    def watch(after: timedelta) -> None:
        nonlocal now
        now = max(now, db.now()) + after
        mirror(backend.engine, renamed, INTENT, now)

    try:
        assert place(read(backend), "mlflow").state == Health.UNKNOWN, "it is on its way"
        watch(timedelta(0))
        assert place(read(backend), "mlflow").state == Health.OK
        side.move("production", 1)
        side.put(1, "Production")
        watch(RECHECK * 2)
        found = [d for d in read(backend).differences if d.place == "mlflow"]
        assert [(d.name, d.repair) for d in found] == [
            ("alias production", Repair.MIRROR), ("version 1", Repair.MIRROR),
        ]  # fmt: skip
        assert found[0].sentence == "MLflow: alias 'production' points to 1, should be 2."

        side.cut()
        watch(RECHECK * 2)
        outage = place(read(backend), "mlflow")
        assert outage.state == Health.DOWN
        assert "does not answer" in outage.sentence
        assert outage.read_at is not None
        assert outage.read_at < now, "the last good reading, not the last try"
        assert [d for d in read(backend).differences if d.place == "mlflow"] == []
        side.mend()

        assert post(backend, "mirror/repair").status_code == 202
        watch(timedelta(minutes=2))
        assert place(read(backend), "mlflow").state == Health.OK
        assert renamed.picture(INTENT).aliases == {"production": 2}
        assert registry.production() == "v1.1.0", "it moves no traffic"
    finally:
        side.link.close()


def test_a_worker_that_stays_behind_is_named_and_all_are_asked_to_reload(
    backend: Backend, registry: Registry, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert place(read(backend), "workers").state == Health.OK
    registry.promoted("v1.2.0")
    workers.acknowledge("a")
    assert place(read(backend), "workers").state == Health.UNKNOWN, "it may still be loading"
    monkeypatch.setattr(truth, "TAKING_UP", timedelta(0))
    found = read(backend)
    assert [(d.place, d.name, d.repair) for d in found.differences] == [
        ("workers", "b · 1", Repair.RELOAD)
    ]
    assert "production is v1.1.0, decided v1.2.0" in found.differences[0].sentence
    with registry.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as ear:
        ear.execute(text("LISTEN nivesh_admin"))
        assert post(backend, "workers/reload").status_code == 202
        ear.execute(text("SELECT 1"))
        raw = ear.connection.driver_connection
        assert raw is not None
        raw.poll()
        assert [note.payload for note in raw.notifies] == [
            f'{{"do": "reload", "model": "{INTENT}"}}'
        ]


def test_answers_of_a_version_that_should_give_none_are_named(
    backend: Backend, registry: Registry, workers: Workers
) -> None:
    assert place(read(backend), "answers").state == Health.UNKNOWN, "nothing was asked"
    workers.answered("v1.1.0", 30)
    assert place(read(backend), "answers").state == Health.OK
    workers.answered("v1.0.0", 4)
    (found,) = read(backend).differences
    assert found.sentence == ("v1.0.0 as production answered 4 of 34 requests, as is not decided.")


def test_a_hold_is_raised_once_and_shuts_promotions(backend: Backend, registry: Registry) -> None:
    registry.validated("v1.2.0")
    assert post(backend, "hold", "the split is not what was set").status_code == 200
    again = post(backend, "hold")
    assert again.status_code == 409
    assert "on hold already: the split is not what was set" in again.json()["message"]
    detail = backend.client("viewer").get(f"/models/{INTENT}/versions/v1.2.0").json()
    assert "fail" in {gate["state"] for gate in detail["gates"] if gate["name"] == "hold"}


def test_before_any_decision_there_is_nothing_to_compare(backend: Backend) -> None:
    answer = backend.client("viewer").get(f"/models/{INTENT}/truth")
    assert answer.status_code == 409
    assert "Nothing was ever decided" in answer.json()["message"]
