"""Versions of other frameworks, from a run in MLflow to an answer with MLflow down."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from backend_api import catalog as catalogs
from backend_api import db
from backend_api.catalog import Catalog
from backend_api.mlflow_registry import MlflowRegistry, RegisteredVersion
from tests import flavours
from tests.conftest import Postgres
from tests.flavours import BOOSTED, FEATURES
from tests.inference_process import Inference
from tests.makers import Registry, wait_until

ROW = dict.fromkeys(FEATURES, 0.5)
ENTRIES = {BOOSTED: flavours.entry(BOOSTED, ROW, {"prediction": 1})}


@dataclass
class World:
    """One database and one inference service for all tests of this file."""

    engine: Engine
    catalog: Catalog
    inference: Inference
    mlflow: MlflowRegistry
    folder: Path

    def registered(self, model: str, model_uri: str) -> RegisteredVersion:
        """A run's model as the backend registers it."""
        return self.mlflow.register(model, model_uri, str(uuid4()), "made for a test", {})

    def promoted(self, model: str, name: str, found: RegisteredVersion) -> Registry:
        """In production, and loaded by both workers."""
        registry = Registry(self.engine, self.catalog, model)
        registry.promoted(
            name, mlflow_version=found.mlflow_version, run_id=found.run_id,
            metrics={**found.metrics, "score": 0.9}, artifact_digest=found.artifact_digest,
            artifact_uri=found.artifact_uri, input_schema=found.input_schema,
            has_onnx=found.has_onnx,
        )  # fmt: skip
        wait_until(lambda: self.serving(model) == [name] * 2, 60, f"both workers serve {name}")
        return registry

    def serving(self, model: str) -> list[str]:
        """What each worker says that it serves."""
        with self.engine.connect() as connection:
            query = text("SELECT production_version FROM replica_models WHERE model_name = :m")
            return list(connection.scalars(query, {"m": model}))


@pytest.fixture(scope="module")
def world(
    postgres: Postgres, mlflow_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """The project's models.yaml with more entries, and workers that follow it."""
    folder = tmp_path_factory.mktemp("world")
    file = flavours.catalogue(folder, ENTRIES)
    with postgres.fresh() as url, pytest.MonkeyPatch.context() as patch:
        # MLflow's client reads it too, as in each of our processes.
        patch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
        engine = db.create(url)
        inference = Inference(folder, url, MODELS_FILE=str(file), MLFLOW_TRACKING_URI=mlflow_uri)
        inference.start()
        yield World(engine, catalogs.load(file), inference, MlflowRegistry(mlflow_uri), folder)
        inference.close()
        engine.dispose()


@pytest.fixture(scope="module")
def boosted(world: World) -> RegisteredVersion:
    """Boosted trees in ONNX, in production as v1.0.0."""
    uri = flavours.log_boosted(world.mlflow.tracking_uri)
    found = world.registered(BOOSTED, uri)
    world.promoted(BOOSTED, "v1.0.0", found)
    return found


def test_a_plain_onnx_model_is_served_by_its_signature(
    world: World, boosted: RegisteredVersion
) -> None:
    answer = world.inference.http.post(f"/predict/{BOOSTED}", json={**ROW, "user_id": "u1"})
    assert answer.status_code == 200
    body = answer.json()
    assert body["prediction"] in (0, 1)
    assert body["confidence"] == max(body["probabilities"])
    assert (body["model"], body["version"], body["arm"]) == (BOOSTED, "v1.0.0", "production")
    assert set(body) == {
        "prediction", "probabilities", "confidence", "model", "version", "arm", "epoch",
        "prediction_id", "latency_ms",
    }  # fmt: skip


def test_registration_takes_the_schema_from_the_signature(boosted: RegisteredVersion) -> None:
    assert boosted.input_schema == {name: {"type": "number", "required": True} for name in FEATURES}
    assert not boosted.has_onnx
