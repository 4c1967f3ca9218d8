"""Answers that are given again, and memory that is told, by real workers."""

from collections.abc import Callable
from pathlib import Path

import yaml
from sqlalchemy import Engine, text

from backend_api import db, deployment
from backend_api.catalog import Catalog
from ops.settings import PROJECT
from tests.artefacts import tiny_intent
from tests.inference_process import Inference
from tests.makers import INTENT, Registry, wait_until


def test_a_kept_answer_is_a_prediction_of_its_own_and_memory_is_told(
    serve: Callable[..., Inference], engine: Engine, catalog: Catalog, tmp_path: Path
) -> None:
    registry = Registry(engine, catalog)
    registry.promoted("v1.0.0", **tiny_intent(tmp_path / "one", "loan_affordability"))
    registry.promoted("v1.1.0", **tiny_intent(tmp_path / "two", "retirement_planning"))
    models = yaml.safe_load((PROJECT / "models.yaml").read_text())
    models["models"][INTENT]["response_cache"] = 2
    file = tmp_path / "models.yaml"
    file.write_text(yaml.safe_dump(models))
    inference = serve(INFERENCE_WORKERS="1", MODELS_FILE=str(file))
    first, again, other = (inference.predict(q).json() for q in ("a loan", "a loan", "a car"))
    assert [body.get("cached") for body in (first, again, other)] == [None, True, None]
    own = ("prediction_id", "latency_ms", "cached")
    assert {k: v for k, v in again.items() if k not in own} == {
        k: v for k, v in first.items() if k not in own
    }
    ids = {body["prediction_id"] for body in (first, again, other)}
    assert len(ids) == 3

    def logged() -> set[str]:
        with engine.connect() as connection:
            return {
                str(one)
                for one in connection.scalars(
                    text("SELECT prediction_id FROM model_predictions WHERE output IS NOT NULL")
                )
            }

    wait_until(lambda: logged() == ids, 20, "all three are in the log")
    said = inference.http.get("/metrics").text
    assert f'arm="production",model="{INTENT}",version="v1.1.0"}} 3.0' in said
    assert f'ml_response_cache_total{{model="{INTENT}",outcome="hit"}} 1.0' in said
    assert 'ml_worker_memory_bytes{pid="0"}' in said
    # Another version's answer is never an old one's.
    registry.roll_back()
    wait_until(lambda: inference.serves("v1.0.0"), 10, "the rollback has arrived")
    assert inference.predict("a loan").json()["intent"] == "loan_affordability"
    seen = inference.http.get("/models").json()
    assert seen["memory_bytes"] > 10_000_000
    assert seen["models"][0]["loaded"]["v1.0.0"]["memory_bytes"] >= 0

    def told() -> int:
        with db.transaction(engine, "tests") as session:
            (worker,) = deployment.deployment(session, catalog, INTENT, db.now(), 10).observed
        return worker.memory_bytes or 0

    wait_until(lambda: told() > 10_000_000, 10, "the worker says how much it holds")
