"""Whatever its OpenAPI allows or forbids, sent to the inference service: it never fails."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode
from sqlalchemy import Engine

from backend_api.catalog import Catalog
from bench import versions
from bench.stack import Stack
from ops.settings import PROJECT
from ops.stack.home import Home
from tests.artefacts import tiny_intent
from tests.inference_process import ADMIN, Inference
from tests.makers import INTENT, Registry

QUICK = 10
CASES = 5_000


@contextmanager
def service(home: Path, url: str, redis_port: int, **env: str) -> Iterator[Inference]:
    """One worker, with Redis beside it."""
    running = Inference(
        home, url, REDIS_PORT=str(redis_port), INFERENCE_WORKERS="1",
        INFERENCE_FEATURE_TIMEOUT_MS="2000", **env,
    )  # fmt: skip
    try:
        yield running.start()
    finally:
        running.close()


def fuzz(running: Inference, examples: int) -> Counter[int]:
    """Answers by status of ``examples`` good and as many bad requests to each operation."""
    seen: Counter[int] = Counter()
    schema = schemathesis.openapi.from_url(f"{running.url}/openapi.json")
    with requests.Session() as session:
        session.headers.update(ADMIN)
        for found in schema.get_all_operations():
            operation = found.ok()
            for mode in GenerationMode:
                seen += _answers(operation, mode, session, examples)
    return seen


def _answers(
    operation: Any, mode: GenerationMode, session: requests.Session, examples: int
) -> Counter[int]:
    seen: Counter[int] = Counter()

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        answer = case.call(session=session, timeout=20)
        seen[answer.status_code] += 1
        assert answer.status_code < 500, f"{case.as_curl_command()}: {answer.text}"

    # Nothing is wrong with the one request of an operation that takes no argument.
    with suppress(Unsatisfiable):
        ask()
    return seen


def test_no_request_makes_the_service_fail(
    engine: Engine, database_url: str, catalog: Catalog, tmp_path: Path, redis_port: int
) -> None:
    registry = Registry(engine, catalog)
    registry.promoted("v1.0.0", **tiny_intent(tmp_path / "one", "loan_affordability"))
    only = tmp_path / "models.yaml"
    known = yaml.safe_load((PROJECT / "models.yaml").read_text(encoding="utf-8"))["models"]
    only.write_text(yaml.safe_dump({"models": {INTENT: known[INTENT]}}), encoding="utf-8")
    # As SQLAlchemy writes it, which is how people have it at hand.
    named = database_url.replace("postgresql://", "postgresql+psycopg2://", 1)
    with service(tmp_path, named, redis_port, MODELS_FILE=str(only)) as running:
        seen = fuzz(running, QUICK)
        assert seen[200] > 0
        assert seen[400] > 0
        assert running.serves("v1.0.0")


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_none_of_thousands_makes_any_of_the_four_models_fail(
    engine: Engine, database_url: str, catalog: Catalog, tmp_path: Path, redis_port: int,
    mlflow_uri: str,
) -> None:  # fmt: skip
    stack = Stack(Home.at(tmp_path), database_url, mlflow_uri, engine, catalog)
    for model in catalog.models:
        made = versions.trained(stack, model, seed=3)
        Registry(engine, catalog, model).promoted("v1.0.0", **versions.columns(made))
    with service(tmp_path, database_url, redis_port, MLFLOW_TRACKING_URI=mlflow_uri) as running:
        operations = len(list(schemathesis.openapi.from_url(f"{running.url}/openapi.json")))
        # Some operations take no argument, and have nothing to vary.
        seen = fuzz(running, -(-CASES // operations))
        assert seen.total() >= CASES
        assert running.predict().json()["version"] == "v1.0.0"
