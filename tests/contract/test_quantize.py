"""An int8 candidate of a real run, by a real MLflow: measured beside it, registered, and served."""

import threading
from pathlib import Path
from uuid import uuid4

import pytest

from backend_api.catalog import Catalog
from backend_api.context import Context
from backend_api.schemas import VersionDetail
from backend_api.tasks import tasks
from inference.runtimes.load import load
from tests.conftest import Backend
from tests.makers import Registry
from tests.runs import tiny_run
from training import tracking
from training.credit_risk.train import train
from training.pipeline import TrainResult

CREDIT = "credit_risk"


@pytest.fixture(scope="module")
def trained(mlflow_uri: str) -> TrainResult:
    """A quick run of the credit risk model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
        return train(quick=True)


def order(backend: Backend, model: str, version: str) -> tuple[int, dict[str, str]]:
    """Ask for an int8 version; status, and the arguments that the job gets."""
    body = {"request_id": str(uuid4()), "reason": "smaller"}
    answer = backend.client("machine").post(
        f"/models/{model}/versions/{version}/quantize", json=body
    )
    said = answer.json()
    return answer.status_code, {
        "job_id": str(said.get("job_id")), "model": model, "version": version,
        "actor": "token:test-machine", "reason": "smaller",
    }  # fmt: skip


def versions(backend: Backend, model: str) -> list[str]:
    """All that are registered, newest first."""
    found = backend.client("viewer").get(f"/models/{model}/versions").json()
    return [one["version"] for one in found]


def test_an_int8_candidate_is_measured_registered_once_and_can_be_served(
    trained: TrainResult, backend: Backend, context: Context, catalog: Catalog, tmp_path: Path,
    mlflow_uri: str,
) -> None:  # fmt: skip
    registry = Registry(backend.engine, catalog, CREDIT)
    registry.register(
        "v1.0.0", run_id=trained.run_id, metrics=dict(trained.metrics), mlflow_version=900
    )
    status, arguments = order(backend, CREDIT, "v1.0.0")
    assert status == 202
    run = tasks(context, threading.Event())["quantization"]
    run(arguments, 0)
    viewer = backend.client("viewer")
    job = viewer.get(f"/jobs/{arguments['job_id']}").json()
    assert (job["state"], job["message"].split(" ", 1)[0]) == ("succeeded", "v1.1.0"), job
    # Begun anew after its worker died behind the last write: nothing is made twice.
    run(arguments, 1)
    assert versions(backend, CREDIT) == ["v1.1.0", "v1.0.0"]
    detail = VersionDetail.model_validate(viewer.get(f"/models/{CREDIT}/versions/v1.1.0").json())
    made = detail.version
    assert (made.status, made.tags["quantized_from"]) == ("registered", "v1.0.0")
    assert made.description == "int8 of v1.0.0"
    was = trained.metrics["auc_roc"]
    assert made.metrics["auc_roc"] - was == pytest.approx(made.metrics["auc_roc_change"], abs=1e-6)
    assert abs(made.metrics["auc_roc_change"]) < 0.02
    assert 0 < made.metrics["int8_max_abs_diff"] < 0.2
    assert made.metrics["int8_size_ratio"] < 1
    gates = {gate.name: gate.state for gate in detail.gates}
    assert "fail" not in {str(state) for name, state in gates.items() if name == "parity"}
    # A worker loads it, and it gives its own golden answers.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
        with backend.engine.connect() as connection:
            run_id = connection.exec_driver_sql(
                "SELECT run_id FROM model_registry WHERE version = 'v1.1.0'"
            ).scalar_one()
        fetched = tracking.fetch(run_id, tmp_path / "fetched")
    assert fetched.params["quantized_from"] == "v1.0.0"
    assert fetched.params["parent_run_id"] == trained.run_id
    model = load(fetched.folder, "user_id")
    request, answer = model.example
    assert model.answer([request])[0]["risk_band"] == answer["risk_band"]


@pytest.mark.long
def test_what_cannot_be_quantised_is_said_and_leaves_nothing(
    backend: Backend, context: Context, catalog: Catalog, tmp_path: Path, mlflow_uri: str
) -> None:
    registry = Registry(backend.engine, catalog)
    registry.register("v1.0.0", run_id=None)
    assert order(backend, registry.model, "v1.0.0")[0] == 409
    assert order(backend, registry.model, "v7.0.0")[0] == 404
    run_id, _ = tiny_run(tmp_path / "tiny", mlflow_uri, {"accuracy": 0.99})
    registry.register("v1.1.0", run_id=run_id)
    _, arguments = order(backend, registry.model, "v1.1.0")
    tasks(context, threading.Event())["quantization"](arguments, 0)
    job = backend.client("viewer").get(f"/jobs/{arguments['job_id']}").json()
    assert job["state"] == "failed"
    assert "no weights that can be int8" in job["message"]
    assert versions(backend, registry.model) == ["v1.1.0", "v1.0.0"]
