"""Rehearsals with real workers: each answers by the target, and nobody notices."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import yaml
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from backend_api import db, deployment, jobs, ledger, rehearsal, watch
from backend_api.context import Context
from backend_api.main import build
from backend_api.operations import rehearsal as operation
from backend_api.operations.order import Order
from backend_api.schemas import Deployment, Explain, Outcome
from backend_api.states import GateState, Health
from ops.cli import app
from tests.artefacts import tiny_intent
from tests.conftest import Backend
from tests.inference_process import Inference
from tests.makers import INTENT, Registry, perform_as, wait_until
from tests.worker_process import Worker
from tests.workers import Workers

RIGHT, WRONG = "loan_affordability", "out_of_scope"
CASE = {"request": {"query": "Can I afford a ₹50L loan?"}, "expect": {"intent": RIGHT}}
DAY = timedelta(days=1)


@dataclass
class Stage:
    """v1.0.0 is the way back from v1.1.0, on a real inference service."""

    backend: Backend
    registry: Registry
    ctx: Context
    inference: Inference
    models_file: Path

    def order(self) -> UUID:
        """What the button does."""
        body = Explain(request_id=uuid4(), reason="made for a test")
        answer = self.backend.client("oncall").post(
            f"/models/{INTENT}/rehearse", json=body.model_dump(mode="json")
        )
        assert answer.status_code == 202, answer.text
        found = Outcome.model_validate(answer.json()).job_id
        assert found is not None
        return found

    def rehearse(self) -> Deployment:
        """Order one, carry it out as the worker process would, and look."""
        job_id = self.order()
        rehearsal.rehearse(self.ctx, self.arguments(job_id), threading.Event())
        return self.seen()

    def arguments(self, job_id: UUID) -> dict[str, str]:
        """What stands on the queue."""
        return {
            "job_id": str(job_id), "model": INTENT, "version": "v1.0.0", "actor": "test-oncall",
            "reason": "made for a test",
        }  # fmt: skip

    def seen(self) -> Deployment:
        """The model as a page reads it."""
        answer = self.backend.client("viewer").get(f"/deployments/{INTENT}")
        return Deployment.model_validate(answer.json())

    def items(self) -> dict[str, tuple[Health, str]]:
        """Items of the badge."""
        return {i.name: (i.state, i.sentence) for i in self.seen().readiness.items}

    def value(self, query: str) -> Any:
        """One value of the database."""
        with self.registry.engine.connect() as connection:
            return connection.scalar(text(query))

    def settled(self) -> bool:
        """Whether both workers hold both versions."""
        seen = self.seen()
        return seen.agrees and seen.readiness.warm == 2


@pytest.fixture
def stage(
    backend: Backend, serve: Callable[..., Inference], tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Stage]:  # fmt: skip
    """With a target that says what it should, or by the test's parameter something else."""
    catalogue = yaml.safe_load(backend.settings.models_file.read_text(encoding="utf-8"))
    catalogue["models"][INTENT]["validation"]["cases"] = [CASE]
    file = tmp_path / "models.yaml"
    file.write_text(yaml.safe_dump(catalogue, allow_unicode=True), encoding="utf-8")
    ctx = build(backend.settings.model_copy(update={"models_file": file}))
    registry = Registry(backend.engine, ctx.catalog)
    registry.promoted("v1.0.0", **tiny_intent(tmp_path / "old", getattr(request, "param", RIGHT)))
    registry.promoted("v1.1.0", **tiny_intent(tmp_path / "new", RIGHT))
    made = Stage(backend, registry, ctx, serve(), file)
    wait_until(made.settled, 60, "both workers hold both versions")
    yield made
    ctx.engine.dispose()


def counted(inference: Inference) -> list[str]:
    """Lines of the metrics that count predictions."""
    lines = inference.http.get("/metrics").text.splitlines()
    return sorted(line for line in lines if line.startswith(("ml_predictions", "ml_errors")))


def test_every_worker_answers_by_the_target_and_nothing_counts_as_traffic(stage: Stage) -> None:
    assert stage.items()["rehearsed"][0] == Health.UNKNOWN
    assert stage.inference.predict().json()["version"] == "v1.1.0"
    wait_until(
        lambda: stage.value("SELECT count(*) FROM model_predictions") == 1, 20, "it is logged"
    )
    before = counted(stage.inference)
    found = stage.rehearse().readiness
    assert found.rehearsal is not None
    assert found.rehearsal.result == GateState.PASS, found.rehearsal.sentence
    assert len(found.rehearsal.workers) == 2
    assert {(w.asked, w.errors, w.problem) for w in found.rehearsal.workers} == {(2, 0, None)}
    assert found.rehearsal.seconds is not None
    assert found.state == Health.OK, found.sentence
    assert stage.value("SELECT count(*) FROM model_predictions") == 1
    assert counted(stage.inference) == before
    assert stage.inference.predict().json()["version"] == "v1.1.0", "users stay where they are"
    assert stage.value("SELECT count(*) FROM rehearsals WHERE questions IS NOT NULL") == 0
    assert stage.value("SELECT count(*) FROM rehearsal_answers") == 0
    with db.transaction(stage.registry.engine, None) as session:
        entry = ledger.page(session, action="model.rehearse").entries[0]
    assert (entry.actor, entry.version, entry.evidence["result"]) == (
        "test-oncall", "v1.0.0", "pass",
    )  # fmt: skip
    assert entry.evidence["recent_requests"] == 1


@pytest.fixture
def worker(stage: Stage, database_url: str, tmp_path: Path) -> Iterator[Worker]:
    """The worker process, with its watch."""
    running = Worker(
        {
            "DATABASE_URL": database_url, "MODELS_FILE": str(stage.models_file),
            "NIVESH_HOME": str(tmp_path), "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
            "INFERENCE_URL": "http://127.0.0.1:9", "WATCH_SECONDS": "0.5",
        },
        tmp_path / "worker.log",
    )  # fmt: skip
    yield running
    running.close()


@pytest.mark.long
@pytest.mark.parametrize("stage", [WRONG], indirect=True)
def test_the_watch_finds_a_target_that_answers_wrongly_and_the_badge_and_terminal_say_why(
    stage: Stage, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended() -> bool:
        last = stage.seen().readiness.rehearsal
        return last is not None and last.result is not None

    wait_until(ended, 90, "the watch has rehearsed by itself")
    found = stage.seen().readiness
    assert found.state == Health.DOWN
    assert f"gave {{'intent': '{WRONG}'}}, expected {{'intent': '{RIGHT}'}}" in found.sentence
    assert found.rehearsal is not None
    assert (found.rehearsal.result, found.rehearsal.asked_by) == (GateState.FAIL, "watch")
    monkeypatch.setenv("BACKEND_URL", stage.backend.url)
    monkeypatch.setenv("NIVESH_TOKEN", stage.backend.token("oncall"))
    said = CliRunner().invoke(app, ["rehearse", INTENT, "--reason", "is it still so?"])
    assert said.exit_code == 1
    assert "is being rehearsed as the way back" in said.stdout
    assert "Rehearsal: The last rehearsal failed." in " ".join(said.stdout.split())
    assert f"gave {{'intent': '{WRONG}'}}" in " ".join(said.stderr.split())
    again = stage.seen().readiness.rehearsal
    assert again is not None
    assert again.asked_at > found.rehearsal.asked_at


def test_what_the_target_refuses_is_told_without_words_and_silence_is_not_failure(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_done_anew_after_an_interruption(stage)
    is_unmeasured_while_workers_hang(stage, monkeypatch)
    tells_no_words_of_users(stage)


def is_done_anew_after_an_interruption(stage: Stage) -> None:
    job_id = stage.order()
    stopped = threading.Event()
    stopped.set()
    stage.inference.freeze()
    try:
        with pytest.raises(jobs.Interrupted):
            rehearsal.rehearse(stage.ctx, stage.arguments(job_id), stopped)
    finally:
        stage.inference.thaw()
    rehearsal.rehearse(stage.ctx, stage.arguments(job_id), threading.Event())
    found = stage.seen().readiness.rehearsal
    assert found is not None
    assert found.result == GateState.PASS, found.sentence


def is_unmeasured_while_workers_hang(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "PATIENCE_SECONDS", 1.0)
    stage.inference.freeze()
    try:
        stage.rehearse()
    finally:
        stage.inference.thaw()
    found = stage.seen().readiness.rehearsal
    assert found is not None
    assert (found.result, found.seconds) == (GateState.UNKNOWN, None)
    state, said = stage.items()["rehearsed"]
    assert (state, "did not answer within 1 s" in said) == (Health.UNKNOWN, True)
    monkeypatch.undo()


def tells_no_words_of_users(stage: Stage) -> None:
    secret = "my account number is 50100"
    with stage.registry.engine.begin() as connection:
        connection.execute(
            text("SELECT ensure_prediction_partition((now() AT TIME ZONE 'UTC')::date)")
        )
        connection.execute(
            text(
                "INSERT INTO model_predictions (prediction_id, predicted_at, model_name, version,"
                " arm, input, latency_ms, status) VALUES (gen_random_uuid(), now(), :model,"
                " 'v1.1.0', 'production', jsonb_build_object('query', 'a', 'note', :secret ::text),"
                " 3, 'ok')"
            ),
            {"model": INTENT, "secret": secret},
        )
    state, said = stage.items()["requests"]
    assert (state, "note is sent, and is no field of it" in said) == (Health.DEGRADED, True)
    found = stage.rehearse().readiness
    assert "1 of 1 recent requests failed, the first by field note is refused" in found.sentence
    assert secret not in found.model_dump_json()
    with db.transaction(stage.registry.engine, None) as session:
        assert secret not in ledger.page(session, limit=100).model_dump_json()


# Without a service


@pytest.fixture
def registry(engine: Engine, backend: Backend) -> Registry:
    """v1.0.0 is the way back from v1.1.0, and two workers hold both."""
    made = Registry(engine, build(backend.settings).catalog)
    made.promoted("v1.0.0")
    made.promoted("v1.1.0")
    workers = Workers(engine)
    workers.live("a", "b")
    workers.acknowledge("a", "b")
    return made


def tend(engine: Engine, aged: timedelta = timedelta(0), every: timedelta = DAY) -> None:
    """One look of the watch, with all jobs so much older."""
    with db.transaction(engine, "watch") as session:
        session.execute(text("UPDATE jobs SET created_at = created_at - :aged"), {"aged": aged})
        operation.tend(session, INTENT, every, db.now(), 10, "watch")


def ordered(engine: Engine) -> list[tuple[str, str | None]]:
    with db.transaction(engine, None) as session:
        page = ledger.page(session, action="rehearsal.order")
        return [(entry.actor, entry.version) for entry in page.entries]


def end_jobs(engine: Engine, result: str | None) -> None:
    with db.transaction(engine, "tests") as session:
        session.execute(text("UPDATE jobs SET state = 'succeeded', finished_at = now()"))
        if result is not None:
            session.execute(
                text(
                    "INSERT INTO rehearsals (id, model_name, version, asked_by, ended_at, result)"
                    " SELECT id, model_name, version, 'watch', now(), :r FROM jobs"
                    " ON CONFLICT DO NOTHING"
                ),
                {"r": result},
            )


def test_the_watch_rehearses_once_a_day_and_after_each_new_target(
    engine: Engine, registry: Registry
) -> None:
    tend(engine, every=timedelta(0))
    assert ordered(engine) == [], "it is turned off"
    tend(engine)
    tend(engine)
    assert ordered(engine) == [("watch", "v1.0.0")], "one is under way"
    end_jobs(engine, "pass")
    tend(engine, aged=timedelta(hours=23))
    assert len(ordered(engine)) == 1
    tend(engine, aged=timedelta(hours=2))
    assert len(ordered(engine)) == 2
    end_jobs(engine, "pass")
    registry.promoted("v1.2.0")
    tend(engine)
    assert len(ordered(engine)) == 2, "workers do not hold it yet"
    Workers(engine).acknowledge("a", "b")
    tend(engine)
    assert ordered(engine)[0] == ("watch", "v1.1.0")


def test_what_could_not_be_measured_is_tried_again_within_the_hour(
    engine: Engine, registry: Registry
) -> None:
    tend(engine)
    end_jobs(engine, "unknown")
    tend(engine, aged=timedelta(minutes=50))
    assert len(ordered(engine)) == 1
    tend(engine, aged=timedelta(minutes=11))
    assert len(ordered(engine)) == 2


def test_an_order_without_a_way_back_or_beside_another_is_refused(
    engine: Engine, backend: Backend, registry: Registry
) -> None:
    oncall = backend.client("oncall")

    def order(model: str) -> tuple[int, str]:
        body = {"request_id": str(uuid4()), "reason": "made for a test"}
        answer = oncall.post(f"/models/{model}/rehearse", json=body)
        return answer.status_code, answer.json().get("message", "")

    assert order(INTENT)[0] == 202
    status, said = order(INTENT)
    assert (status, "is under way already" in said) == (409, True)
    status, said = order("financial_ner")
    assert (status, "nothing to rehearse" in said) == (409, True)


def test_a_target_that_moved_meanwhile_is_not_rehearsed(
    engine: Engine, backend: Backend, registry: Registry
) -> None:
    outcome = perform_as(engine, "omar", lambda s, o: operation.rehearse(s, o, INTENT))
    registry.promoted("v1.2.0")
    ctx = build(backend.settings)
    arguments = {
        "job_id": str(outcome.job_id), "model": INTENT, "version": "v1.0.0", "actor": "omar",
        "reason": "made for a test",
    }  # fmt: skip
    rehearsal.rehearse(ctx, arguments, threading.Event())
    ctx.engine.dispose()
    assert outcome.job_id is not None
    with db.transaction(engine, None) as session:
        job = jobs.read(session, outcome.job_id)
    assert (job.state, "no longer what a rollback would go to" in job.message) == ("failed", True)


def test_what_a_dead_job_was_to_ask_is_forgotten(engine: Engine, registry: Registry) -> None:
    perform_as(engine, "omar", lambda s, o: operation.rehearse(s, o, INTENT))
    with db.transaction(engine, "tests") as session:
        session.execute(
            text(
                "INSERT INTO rehearsals (id, model_name, version, asked_by, questions)"
                " SELECT id, model_name, version, 'omar', '{}' FROM jobs"
            )
        )
        rehearsal.close_abandoned(session)
        assert session.scalar(text("SELECT ended_at IS NULL FROM rehearsals"))
        session.execute(text("UPDATE jobs SET state = 'failed', message = 'Its worker died.'"))
        rehearsal.close_abandoned(session)
        found = session.execute(text("SELECT result, sentence, questions FROM rehearsals")).one()
    assert tuple(found) == ("unknown", "It broke off: Its worker died.", None)


def test_the_watch_itself_orders_and_closes(
    engine: Engine, backend: Backend, registry: Registry
) -> None:
    ctx = build(backend.settings)
    watch.tick(ctx, db.now())
    ctx.engine.dispose()
    assert ordered(engine) == [("watch", "v1.0.0")]
    with db.transaction(engine, None) as session:
        want = deployment.desired(session, INTENT)
    assert want is not None
    assert want.production == "v1.1.0"


def test_an_order_of_a_person_stands_in_the_ledger_with_its_reason(
    engine: Engine, registry: Registry
) -> None:
    with db.transaction(engine, "omar") as session:
        order = Order("omar", "before the holidays", uuid4(), db.now())
        operation.rehearse(session, order, INTENT)
    with db.transaction(engine, None) as session:
        entry = ledger.page(session, action="rehearsal.order").entries[0]
    assert (entry.actor, entry.reason) == ("omar", "before the holidays")
