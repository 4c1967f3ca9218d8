"""Artefacts come from a real MLflow server, once; while it is away they are tried again."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from backend_api.catalog import Catalog
from backend_api.mlflow_registry import MlflowRegistry, RegisteredVersion
from tests.inference_process import Inference
from tests.link import Link
from tests.makers import INTENT, Registry, good_metrics, wait_until
from tests.runs import tiny_run


@pytest.fixture
def link(mlflow_uri: str) -> Iterator[Link]:
    """A wire to MLflow that can be cut."""
    made = Link(int(mlflow_uri.rsplit(":", 1)[1]))
    yield made
    made.close()


def registered(mlflow_uri: str, folder: Path, catalog: Catalog) -> RegisteredVersion:
    """A run that holds an artefact, as a version of the intent classifier."""
    _, uri = tiny_run(folder, mlflow_uri, good_metrics(catalog, INTENT))
    return MlflowRegistry(mlflow_uri).register(INTENT, uri, str(uuid4()), "made for a test", {})


def test_a_version_is_fetched_when_mlflow_is_there(
    mlflow_uri: str,
    link: Link,
    serve: Callable[..., Inference],
    engine: Engine,
    catalog: Catalog,
    tmp_path: Path,
) -> None:
    found = registered(mlflow_uri, tmp_path / "artefact", catalog)
    registry = Registry(engine, catalog)
    inference = serve(MLFLOW_TRACKING_URI=f"http://127.0.0.1:{link.port}")
    link.cut()
    registry.register(
        "v1.0.0", mlflow_version=found.mlflow_version, run_id=found.run_id,
        artifact_digest=found.artifact_digest, artifact_uri=found.artifact_uri,
    )  # fmt: skip
    registry.stage("v1.0.0")

    def states() -> list[tuple[str, str]]:
        with engine.connect() as connection:
            rows = connection.scalars(text("SELECT loaded -> 'v1.0.0' FROM replica_models"))
            return [(row["state"], row["error"]) for row in rows if row]

    wait_until(lambda: [s for s, _ in states()] == ["failed"] * 2, 60, "the outage is named")
    assert all("cannot be fetched from MLflow" in str(error) for _, error in states())
    assert inference.predict(version="v1.0.0").status_code == 404
    link.mend()
    wait_until(lambda: states() == [("ready", None)] * 2, 90, "both workers have it")
    assert inference.predict(version="v1.0.0").status_code == 200

    def mlflow_connected() -> bool:
        return bool(inference.http.get("/health").json()["mlflow_connected"])

    wait_until(mlflow_connected, 30, "MLflow was looked at")
    (kept,) = (inference.home / "model-server" / "artefacts").glob("*/handler.json")
    assert json.loads(kept.read_text())["model_name"] == INTENT
