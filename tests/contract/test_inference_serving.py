"""Predictions, routing and rollback, by real processes on a real PostgreSQL."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from backend_api import db, deployment
from backend_api.catalog import Catalog
from tests.artefacts import tiny_intent
from tests.inference_process import Inference
from tests.makers import INTENT, Registry, wait_until


@pytest.fixture
def registry(engine: Engine, catalog: Catalog, tmp_path: Path) -> Registry:
    """v1.0.0 verified in production before, v1.1.0 in production now."""
    made = Registry(engine, catalog)
    made.promoted("v1.0.0", **tiny_intent(tmp_path / "one", "loan_affordability"))
    made.promoted("v1.1.0", **tiny_intent(tmp_path / "two", "retirement_planning"))
    return made


def agreed(engine: Engine) -> bool:
    """Whether two live workers serve the desired state."""
    with db.transaction(engine, "tests") as session:
        want = deployment.desired(session, INTENT)
        workers = deployment.observed(session, INTENT, want, db.now(), 10)
    return len(workers) == 2 and deployment.agreed(workers)


def test_the_production_version_answers_and_both_workers_say_so(
    registry: Registry, inference: Inference, engine: Engine
) -> None:
    wait_until(lambda: agreed(engine), 30, "both workers acknowledge")
    answer = inference.predict(user_id="u1")
    assert answer.status_code == 200
    body = answer.json()
    assert body["intent"] == "retirement_planning"
    assert (body["model"], body["version"], body["arm"]) == (INTENT, "v1.1.0", "production")
    assert body["latency_ms"] > 0
