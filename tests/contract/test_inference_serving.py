"""Routing, split and rollback, by real processes on a real PostgreSQL."""

import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from backend_api import db, deployment
from backend_api.catalog import Catalog
from backend_api.schemas import Observed
from backend_api.states import Strategy
from bench.rollback import Load
from shared.split import takes_canary
from tests.artefacts import tiny_intent
from tests.inference_process import Inference
from tests.link import Link
from tests.makers import INTENT, Registry, wait_until


@pytest.fixture
def registry(engine: Engine, catalog: Catalog, tmp_path: Path) -> Registry:
    """v1.0.0 verified in production before, v1.1.0 in production now."""
    made = Registry(engine, catalog)
    made.promoted("v1.0.0", **tiny_intent(tmp_path / "one", "loan_affordability"))
    made.promoted("v1.1.0", **tiny_intent(tmp_path / "two", "retirement_planning"))
    return made


def observed(engine: Engine) -> list[Observed]:
    """What each worker acknowledged."""
    with db.transaction(engine, "tests") as session:
        want = deployment.desired(session, INTENT)
        return deployment.observed(session, INTENT, want, db.now(), 10)


def agreed(engine: Engine, workers: int = 2) -> bool:
    """Whether that many live workers serve the desired state."""
    seen = observed(engine)
    return len(seen) == workers and deployment.agreed(seen)


def typed(engine: Engine, *statements: str, **values: Any) -> None:
    """SQL as somebody would type it, in one transaction."""
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement), values)


def test_the_production_version_answers_and_both_workers_say_so(
    registry: Registry, inference: Inference, engine: Engine
) -> None:
    wait_until(lambda: agreed(engine), 30, "both workers acknowledge")
    body = inference.predict(user_id="u1").json()
    assert body["intent"] == "retirement_planning"
    assert (body["model"], body["version"], body["arm"]) == (INTENT, "v1.1.0", "production")
    assert body["latency_ms"] > 0
    for worker in observed(engine):
        assert {v: (one.state, one.error) for v, one in worker.loaded.items()} == {
            "v1.1.0": ("ready", None), "v1.0.0": ("ready", None),
        }  # fmt: skip


def test_a_canary_takes_its_share_by_key_on_every_worker(
    registry: Registry, inference: Inference, engine: Engine, tmp_path: Path
) -> None:
    registry.validated("v1.2.0", **tiny_intent(tmp_path / "three", "out_of_scope"))
    registry.approve(registry.request("v1.2.0", strategy=Strategy.CANARY, share=30))
    wait_until(lambda: agreed(engine), 30, "both workers serve the canary")
    with engine.connect() as connection:
        salt = connection.scalar(text("SELECT salt FROM model_routing"))
    assert salt
    for turn in range(2):
        for number in range(100):
            user = f"user-{number}"
            arm = inference.predict(user_id=user).json()["arm"]
            wanted = "canary" if takes_canary(user, salt, 30) else "production"
            assert arm == wanted, (user, turn)
    assert {inference.predict().json()["arm"] for _ in range(20)} == {"production"}
    typed(
        engine,
        "UPDATE model_deployments SET traffic_percentage = 0 WHERE environment = 'canary'",
    )
    wait_until(lambda: agreed(engine), 30, "both workers serve the hand-typed share")
    arms = {inference.predict(user_id=f"user-{n}").json()["arm"] for n in range(50)}
    assert arms == {"production"}


def test_a_staged_version_answers_only_whoever_asks_for_it(
    registry: Registry, inference: Inference, engine: Engine, tmp_path: Path
) -> None:
    registry.register("v1.2.0", **tiny_intent(tmp_path / "three", "out_of_scope"))
    registry.stage("v1.2.0")
    wait_until(
        lambda: all(
            "v1.2.0" in w.loaded and w.loaded["v1.2.0"].state == "ready" for w in observed(engine)
        ),
        30,
        "both workers loaded the staged version",
    )
    asked = inference.predict(version="v1.2.0").json()
    assert (asked["intent"], asked["arm"]) == ("out_of_scope", "staging")
    assert inference.predict().json()["version"] == "v1.1.0"
    wait_until(lambda: logged(engine).get("staging"), 20, "the staged answer is in the log")
    with db.transaction(engine, "tests") as session:
        traffic = deployment.traffic(session, INTENT, db.now())
    assert traffic.requests == sum(traffic.by_arm.values()) == logged(engine)["production"]


def logged(engine: Engine) -> Counter[str]:
    """Predictions in the table by arm."""
    with engine.connect() as connection:
        return Counter(connection.scalars(text("SELECT arm FROM model_predictions")))


def test_rollback_under_load_fails_nothing_and_mixes_no_epochs(
    registry: Registry, inference: Inference, engine: Engine
) -> None:
    wait_until(lambda: agreed(engine), 30, "both workers serve")
    bodies = [{"query": f"query {n}", "user_id": f"u{n}"} for n in range(20)]
    load = Load(f"{inference.url}/predict/intent", bodies)
    load.start()
    wait_until(lambda: logged(engine)["production"] > 100, 20, "requests flow")
    registry.roll_back()
    wait_until(lambda: agreed(engine), 10, "both workers acknowledge the rollback")
    acknowledged = time.monotonic()
    time.sleep(0.3)
    answers = load.stop()
    assert Counter(a.status for a in answers) == {200: len(answers)}
    said = [json.loads(a.body) for a in answers]
    by_epoch = {(b["epoch"], b["version"], b["intent"]) for b in said}
    (old, new) = sorted(by_epoch)
    assert old[1:] == ("v1.1.0", "retirement_planning")
    assert new[1:] == ("v1.0.0", "loan_affordability")
    late = [a for a in answers if a.sent > acknowledged]
    assert late
    assert {json.loads(a.body)["version"] for a in late} == {"v1.0.0"}


def altered(registry: Registry, folder: Path, version: str) -> None:
    """A version whose network was changed after it was registered."""
    registry.register(version, **tiny_intent(folder, "out_of_scope"))
    with (folder / "model.onnx").open("ab") as network:
        network.write(b"\0")


REPLACE = (
    "UPDATE model_deployments SET status = 'archived', traffic_percentage = 0"
    " WHERE environment = 'production'",
    "INSERT INTO model_deployments (model_id, environment, endpoint_url, traffic_percentage,"
    " status) VALUES ((SELECT id FROM model_registry WHERE version = :version), 'production',"
    " 'http://model-server:8000/predict/intent', 100, 'active')",
)


def test_an_altered_artefact_stays_out_and_is_named(
    registry: Registry, serve: Callable[..., Inference], engine: Engine, tmp_path: Path
) -> None:
    inference = serve()
    wait_until(lambda: agreed(engine), 30, "both workers serve")
    altered(registry, tmp_path / "bad", "v1.2.0")
    typed(engine, *REPLACE, version="v1.2.0")
    wait_until(
        lambda: [w for w in observed(engine) if w.error] and all(w.error for w in observed(engine)),
        30,
        "both workers say that they cannot serve it",
    )
    for worker in observed(engine):
        assert "v1.2.0" in str(worker.error)
        assert "altered after registration" in str(worker.error)
        assert worker.production == "v1.1.0"
        assert not worker.agrees
        assert worker.loaded["v1.2.0"].state == "failed"
        assert worker.loaded["v1.2.0"].digest is None
    assert {inference.predict().json()["version"] for _ in range(20)} == {"v1.1.0"}
    assert inference.http.get("/health").json()["status"] == "degraded"
    # The last good one also serves after a restart, which finds the bad one wanted.
    inference.stop()
    inference.start()
    assert {inference.predict().json()["version"] for _ in range(20)} == {"v1.1.0"}
    # A rollback is not held up by it.
    typed(engine, *REPLACE, version="v1.0.0")
    wait_until(lambda: agreed(engine), 10, "both workers serve the good version")
    assert inference.predict().json()["version"] == "v1.0.0"


def test_a_change_that_nobody_was_told_of_is_found_by_looking(
    registry: Registry, serve: Callable[..., Inference], engine: Engine, database_url: str
) -> None:
    port = int(database_url.rsplit(":", 1)[1].split("/")[0])
    link = Link(port)
    inference = serve(DATABASE_URL=database_url.replace(f":{port}/", f":{link.port}/"))
    wait_until(lambda: agreed(engine), 30, "both workers serve")
    link.cut()
    registry.roll_back()
    assert inference.predict().json()["version"] == "v1.1.0"
    wait_until(
        lambda: inference.http.get("/models").json()["following"] is False, 10, "the cut is seen"
    )
    link.mend()
    wait_until(lambda: agreed(engine), 20, "both workers followed")
    assert inference.predict().json()["version"] == "v1.0.0"
    inference.close()
    link.close()
