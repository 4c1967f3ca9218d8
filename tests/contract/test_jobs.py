"""Validation through the real queue, a real worker process and real inference."""

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import yaml
from sqlalchemy import text

from backend_api import db, jobs, queue
from backend_api.main import build
from backend_api.schemas import Job, MoveVersion
from backend_api.states import VersionStatus
from ops.settings import PROJECT
from tests.artefacts import tiny_intent
from tests.conftest import Backend
from tests.inference_process import Inference
from tests.makers import ADMIN_TOKEN, INTENT, Registry, wait_until
from tests.worker_process import WorkerProcesses

RIGHT, WRONG = "loan_affordability", "out_of_scope"


@pytest.fixture
def models_file(tmp_path: Path) -> Path:
    """The catalogue with one validation query, which a model of one answer can get right."""
    catalogue = yaml.safe_load((PROJECT / "models.yaml").read_text(encoding="utf-8"))
    catalogue["models"][INTENT]["validation"]["cases"] = [
        {"request": {"query": "Can I afford a ₹50L loan?"}, "expect": {"intent": RIGHT}}
    ]
    file = tmp_path / "models.yaml"
    file.write_text(yaml.safe_dump(catalogue, allow_unicode=True), encoding="utf-8")
    return file


@pytest.fixture
def inference(tmp_path: Path, database_url: str) -> Iterator[Inference]:
    """A running inference service that has nothing to serve yet."""
    running = Inference(tmp_path, database_url)
    running.start()
    yield running
    running.close()


@pytest.fixture
def workers(
    database_url: str, tmp_path: Path, models_file: Path, inference: Inference
) -> Iterator[WorkerProcesses]:
    """Worker processes of this test's stack."""
    made = WorkerProcesses(
        {
            "DATABASE_URL": database_url, "MODELS_FILE": str(models_file),
            "NIVESH_HOME": str(tmp_path), "INFERENCE_URL": inference.url,
            "INFERENCE_ADMIN_TOKEN": ADMIN_TOKEN, "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
            "WATCH_SECONDS": "0.2",
        },
        tmp_path / "worker.log",
    )  # fmt: skip
    yield made
    made.close()


@pytest.fixture
def registry(backend: Backend) -> Registry:
    """Registers and stages."""
    return Registry(backend.engine, build(backend.settings).catalog)


def stage(registry: Registry, version: str, folder: Path, says: str) -> None:
    registry.register(version, **tiny_intent(folder, says))
    registry.stage(version)


def order(backend: Backend, version: str = "v1.0.0") -> UUID:
    body = MoveVersion(
        request_id=uuid4(), reason="made for a test", expected_status=VersionStatus.STAGING
    )
    answer = backend.client("analyst").post(
        f"/models/{INTENT}/versions/{version}/validate", json=body.model_dump(mode="json")
    )
    assert answer.status_code == 202, answer.text
    return UUID(answer.json()["job_id"])


def job(backend: Backend, job_id: UUID) -> Job:
    return Job.model_validate(backend.client("viewer").get(f"/jobs/{job_id}").json())


def await_job(
    backend: Backend, job_id: UUID, state: str, says: str = "", seconds: float = 60
) -> Job:
    def has_arrived() -> bool:
        seen = job(backend, job_id)
        return seen.state == state and says in seen.message

    wait_until(has_arrived, 120, f"the job is {state}: {says}")
    return job(backend, job_id)


def evaluations(backend: Backend) -> list[bool]:
    with backend.engine.connect() as connection:
        return list(connection.scalars(text("SELECT passed FROM evaluations ORDER BY id")))


def test_a_staged_version_is_validated_and_a_wrong_one_is_not(
    backend: Backend, registry: Registry, workers: WorkerProcesses, tmp_path: Path
) -> None:
    stage(registry, "v1.0.0", tmp_path / "right", RIGHT)
    first = order(backend)
    again = backend.client("analyst").post(
        f"/models/{INTENT}/versions/v1.0.0/validate",
        json={"request_id": str(uuid4()), "reason": "again", "expected_status": "staging"},
    )
    assert again.status_code == 409
    assert "under way already" in again.json()["message"]
    worker = workers.start()
    done = await_job(backend, first, "succeeded", "All 1 queries right")
    assert done.progress == 1
    assert registry.status("v1.0.0") == "validated"

    stage(registry, "v1.1.0", tmp_path / "wrong", WRONG)
    failed = await_job(backend, order(backend, "v1.1.0"), "failed", "Validation failed")
    assert f"gave {{'intent': '{WRONG}'}}" in failed.message
    assert registry.status("v1.1.0") == "staging"
    assert evaluations(backend) == [True, False]
    assert worker.end(signal.SIGTERM) == 0


@pytest.mark.long
def test_a_job_outlives_its_workers_told_to_stop_and_killed(
    backend: Backend, registry: Registry, workers: WorkerProcesses, tmp_path: Path
) -> None:
    # The artefact is not there yet, so the job waits for inference to load the version.
    stage(registry, "v1.0.0", tmp_path / "artefact", RIGHT)
    (tmp_path / "artefact").rename(tmp_path / "away")
    job_id = order(backend)

    told = workers.start()
    await_job(backend, job_id, "running", "0 of 2 have it; ")
    assert told.end(signal.SIGTERM) == 0
    handed_back = job(backend, job_id)
    assert (handed_back.state, handed_back.message) == (
        "queued", "Its worker was stopped; it is begun anew.",
    )  # fmt: skip

    killed = workers.start()
    await_job(backend, job_id, "running", "0 of 2 have it; ")
    killed.end(signal.SIGKILL)
    with db.transaction(backend.engine, "tests") as session:
        # As after that much time without a beat.
        session.execute(
            text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'")
        )
    (tmp_path / "away").rename(tmp_path / "artefact")
    workers.start()
    await_job(backend, job_id, "succeeded")
    assert evaluations(backend) == [True]


def test_a_job_that_kills_its_workers_ends_in_a_sentence(
    backend: Backend, registry: Registry, workers: WorkerProcesses, tmp_path: Path
) -> None:
    stage(registry, "v1.0.0", tmp_path / "artefact", RIGHT)
    job_id = order(backend)
    with db.transaction(backend.engine, "tests") as session:
        session.execute(text("UPDATE jobs SET state = 'running'"))
        session.execute(
            text("UPDATE procrastinate_jobs SET status = 'doing', attempts = :n"),
            {"n": queue.ATTEMPTS - 1},
        )
    workers.start()
    ended = await_job(backend, job_id, "failed", "Its worker died in the middle")
    assert ended.finished_at is not None
    assert evaluations(backend) == [], "could not be measured is not the same as bad"
    second = order(backend)
    await_job(backend, second, "succeeded")


def test_without_inference_nothing_is_measured_and_nothing_held_against_the_version(
    backend: Backend, registry: Registry
) -> None:
    registry.register("v1.0.0")
    registry.stage("v1.0.0")
    job_id = order(backend)
    arguments = {
        "job_id": str(job_id), "model": INTENT, "version": "v1.0.0", "actor": "asha",
        "reason": "made for a test",
    }  # fmt: skip
    ctx = build(backend.settings)
    try:
        jobs.validate(ctx, arguments, threading.Event())
    finally:
        ctx.engine.dispose()
    assert job(backend, job_id).state == "failed"
    assert "No inference worker answers" in job(backend, job_id).message
    assert evaluations(backend) == []
    assert registry.status("v1.0.0") == "staging"
