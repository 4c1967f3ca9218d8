"""A successor trained on old rows and new labels: registered once, or not at all."""

import signal
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psutil
import pytest

from backend_api import db, retraining, spans
from backend_api.catalog import Catalog
from backend_api.context import Context
from backend_api.jobs import Interrupted
from backend_api.schemas import VersionDetail
from backend_api.tasks import tasks
from tests.conftest import Backend
from tests.labelled import Log, sheet
from tests.makers import INTENT, Registry, wait_until
from tests.worker_process import WorkerProcesses
from training.intent_classifier.train import train
from training.pipeline import TrainResult

QUERIES = [f"shift my spare money number {n} into a pot" for n in range(80)]


@pytest.fixture(scope="module")
def trained(mlflow_uri: str) -> TrainResult:
    """A quick run of the intent classifier."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
        return train(quick=True)


@pytest.fixture
def registry(backend: Backend, catalog: Catalog, trained: TrainResult) -> Registry:
    """v1.0.0 is that run, in production."""
    made = Registry(backend.engine, catalog)
    made.promoted("v1.0.0", run_id=trained.run_id, mlflow_version=900)
    return made


def labelled(backend: Backend, count: int) -> None:
    """So many labelled answers to new sentences of yesterday."""
    log = Log(backend.engine, version="v1.0.0")
    noon = spans.floor(db.now(), timedelta(days=1)) - timedelta(hours=12)
    inputs = [{"query": query, "user_id": "u1"} for query in QUERIES[:count]]
    ids = log.answered(noon, [{"intent": "out_of_scope"}] * count, inputs=inputs)
    answer = backend.client("analyst").post(
        "/labels/csv", content=sheet([(one, "retirement_planning") for one in ids]),
        headers={"Content-Type": "text/csv"},
    )  # fmt: skip
    assert answer.json()["taken"] == count


def order(backend: Backend) -> dict[str, str]:
    """Ask for a retraining; the arguments that the job gets."""
    body = {"request_id": str(uuid4()), "reason": "drift of 0.34", "days": 7, "quick": True}
    answer = backend.client("analyst").post(f"/models/{INTENT}/retrain", json=body)
    assert answer.status_code == 202, answer.text
    return {
        "job_id": answer.json()["job_id"], "model": INTENT, "version": "v1.0.0",
        "actor": "token:test-analyst", "reason": "drift of 0.34", "days": "7", "quick": "yes",
    }  # fmt: skip


def job(backend: Backend, arguments: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = backend.client("viewer").get(f"/jobs/{arguments['job_id']}").json()
    return found


def versions(backend: Backend) -> list[str]:
    found = backend.client("viewer").get(f"/models/{INTENT}/versions").json()
    return [one["version"] for one in found]


def children() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if "training.retrain" in " ".join(child.cmdline())
    ]


@pytest.mark.long
def test_a_candidate_with_its_origin_is_registered_once_and_promoted_by_nobody(
    backend: Backend, context: Context, registry: Registry
) -> None:
    labelled(backend, 80)
    arguments = order(backend)
    run = tasks(context, threading.Event())[retraining.KIND]
    run(arguments, 0)
    ended = job(backend, arguments)
    assert ended["state"] == "succeeded", ended
    assert ended["message"].startswith("v1.1.0 succeeds v1.0.0. It ")
    # Begun anew after its worker died behind the last write: nothing is made twice.
    run(arguments, 1)
    assert versions(backend) == ["v1.1.0", "v1.0.0"]
    viewer = backend.client("viewer")
    detail = VersionDetail.model_validate(viewer.get(f"/models/{INTENT}/versions/v1.1.0").json())
    made = detail.version
    assert (made.status, made.tags["retrained_from"]) == ("registered", "v1.0.0")
    assert made.tags["retraining_job"] == arguments["job_id"]
    assert made.tags["new_rows"] == "80"
    assert "accuracy" in made.metrics
    assert registry.production() == "v1.0.0"
    folder = retraining.folder(context, UUID(arguments["job_id"]))
    assert [path.name for path in folder.iterdir()] == [f"{INTENT}_updated.json"]
    with backend.engine.connect() as connection:
        uri, rows = connection.exec_driver_sql(
            "SELECT d.uri, d.row_count FROM model_registry r JOIN training_datasets d"
            f" ON d.id = r.dataset_id WHERE r.version = 'v1.1.0' AND d.id = {made.dataset_id}"
        ).one()
    assert Path(uri) == folder / f"{INTENT}_updated.json"
    assert rows == int(made.tags["old_rows"]) + 80
    listed = viewer.get(f"/models/{INTENT}/retrainings").json()
    assert [one["id"] for one in listed] == [arguments["job_id"]]


@pytest.mark.long
def test_a_worker_that_stops_ends_the_training_and_leaves_nothing_registered(
    backend: Backend, context: Context, registry: Registry
) -> None:
    labelled(backend, 60)
    arguments = order(backend)
    stop = threading.Event()
    run = tasks(context, stop)[retraining.KIND]
    raised: list[BaseException] = []

    def work() -> None:
        try:
            run(arguments, 0)
        except Interrupted as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(children, 30, "training runs")
    stop.set()
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert [type(error) for error in raised] == [Interrupted]
    assert (children(), versions(backend)) == ([], ["v1.0.0"])
    assert job(backend, arguments)["state"] == "queued"
    assert not retraining.folder(context, UUID(arguments["job_id"])).exists()


@pytest.mark.long
def test_a_worker_that_is_killed_takes_its_training_along_and_another_one_ends_the_job(
    backend: Backend, registry: Registry, mlflow_uri: str, database_url: str, tmp_path: Path
) -> None:
    labelled(backend, 80)
    workers = WorkerProcesses(
        {
            "DATABASE_URL": database_url, "NIVESH_HOME": str(tmp_path), "REDIS_PORT": "9",
            "MODELS_FILE": str(backend.settings.models_file), "MLFLOW_TRACKING_URI": mlflow_uri,
            "INFERENCE_URL": "http://127.0.0.1:9", "WATCH_SECONDS": "0.5",
        },
        tmp_path / "worker.log",
    )  # fmt: skip
    try:
        first = workers.start()
        arguments = order(backend)
        wait_until(lambda: job(backend, arguments)["progress"] >= 0.2, 120, "it trains")
        (training,) = children()
        first.end(signal.SIGKILL)
        # Nobody is left to read what it says.
        wait_until(lambda: not training.is_running(), 20, "the training has ended too")
        assert versions(backend) == ["v1.0.0"]
        assert job(backend, arguments)["state"] == "running"
        workers.start()
        wait_until(lambda: job(backend, arguments)["state"] == "succeeded", 120, "it is done")
    finally:
        workers.close()
    assert versions(backend) == ["v1.1.0", "v1.0.0"]


@pytest.mark.long
def test_a_training_that_is_killed_fails_its_job_and_registers_nothing(
    backend: Backend, context: Context, registry: Registry
) -> None:
    labelled(backend, 60)
    arguments = order(backend)
    thread = threading.Thread(
        target=tasks(context, threading.Event())[retraining.KIND], args=(arguments, 0)
    )
    thread.start()
    wait_until(lambda: job(backend, arguments)["progress"] > 0, 60, "training has begun to speak")
    for child in children():
        child.kill()
    thread.join(timeout=30)
    assert not thread.is_alive()
    ended = job(backend, arguments)
    assert (ended["state"], versions(backend)) == ("failed", ["v1.0.0"])
    assert ended["message"] == "training.retrain failed: it was ended by signal 9."
    assert not retraining.folder(context, UUID(arguments["job_id"])).exists()


def test_too_few_labels_are_said_before_anything_is_trained(
    backend: Backend, context: Context, catalog: Catalog
) -> None:
    Registry(backend.engine, catalog).promoted("v1.0.0")
    labelled(backend, 3)
    arguments = order(backend)
    folder = retraining.folder(context, UUID(arguments["job_id"]))
    # Of an attempt whose worker died.
    folder.mkdir(parents=True)
    (folder / f"{INTENT}_updated.json").write_text('[{"text": "what a customer asked"}]')
    tasks(context, threading.Event())[retraining.KIND](arguments, 0)
    ended = job(backend, arguments)
    assert ended["state"] == "failed"
    assert "hold 3 labels; 50 are needed" in ended["message"]
    assert not folder.exists()
