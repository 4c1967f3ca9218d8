"""Predictions and their log outlive workers, the supervisor, PostgreSQL and everything else."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from signal import SIGKILL
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine, text

from backend_api.catalog import Catalog
from bench.client import Answer
from bench.rollback import Load
from ops.settings import PROJECT
from tests.artefacts import tiny_intent
from tests.inference_process import Inference
from tests.link import Link
from tests.makers import Registry, wait_until

BODIES = [{"query": f"what about loan {n}", "user_id": f"user-{n}"} for n in range(16)]


@pytest.fixture
def registry(engine: Engine, catalog: Catalog, tmp_path: Path) -> Registry:
    """v1.0.0 in production."""
    made = Registry(engine, catalog)
    made.promoted("v1.0.0", **tiny_intent(tmp_path / "one", "loan_affordability"))
    return made


@pytest.fixture
def link(database_url: str) -> Iterator[Link]:
    """A wire to PostgreSQL that can be cut."""
    made = Link(int(database_url.rsplit(":", 1)[1].split("/")[0]))
    yield made
    made.close()


def through(link: Link, database_url: str) -> str:
    """The database's address by way of the link."""
    port = database_url.rsplit(":", 1)[1].split("/")[0]
    return database_url.replace(f":{port}/", f":{link.port}/")


def under_load(inference: Inference) -> Load:
    """Requests that flow."""
    load = Load(f"{inference.url}/predict/intent", BODIES)
    load.start()
    return load


def answered(answers: list[Answer]) -> set[UUID]:
    """Ids of all predictions that callers got."""
    return {UUID(json.loads(a.body)["prediction_id"]) for a in answers if a.status == 200}


def rows(engine: Engine) -> Counter[UUID]:
    """How often each prediction id is in the table."""
    with engine.connect() as connection:
        return Counter(connection.scalars(text("SELECT prediction_id FROM model_predictions")))


def all_logged_once(engine: Engine, ids: set[UUID]) -> None:
    """Every answer is in the table, and nothing is there twice."""
    wait_until(lambda: ids <= rows(engine).keys(), 30, "every answered prediction is logged")
    assert set(rows(engine).values()) == {1}


def spool_files(inference: Inference) -> list[Path]:
    """Segments on disk."""
    return list((inference.home / "model-server" / "spool").glob("*.spool"))


def test_a_record_holds_what_was_asked_and_answered(
    registry: Registry, inference: Inference, engine: Engine
) -> None:
    body = inference.predict("Kitna ₹50L loan मिलेगा?", user_id="u1").json()
    wait_until(lambda: len(rows(engine)) == 1, 10, "the record is delivered")
    with engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM model_predictions")).mappings().one()
    assert str(row["prediction_id"]) == body["prediction_id"]
    assert row["prediction_id"].version == 7
    assert (row["model_name"], row["version"], row["arm"]) == (
        "intent_classifier", "v1.0.0", "production",
    )  # fmt: skip
    assert (row["entity_key"], row["status"], row["error"]) == ("u1", "ok", None)
    assert row["input"] == {"query": "Kitna ₹50L loan मिलेगा?", "user_id": "u1"}
    assert row["output"] == {k: body[k] for k in ("intent", "confidence", "alternatives")}
    assert row["confidence"] == pytest.approx(body["confidence"])
    assert row["latency_ms"] == pytest.approx(body["latency_ms"])
    assert abs(row["predicted_at"].timestamp() - time.time()) < 60


def test_a_restart_with_everything_else_down_serves_from_disk(
    registry: Registry, serve: Callable[..., Inference], engine: Engine, tmp_path: Path
) -> None:
    inference = serve()
    first = inference.predict(user_id="u1").json()
    wait_until(lambda: len(rows(engine)) == 1, 10, "the first record is delivered")
    assert inference.stop() == 0
    shutil.rmtree(tmp_path / "one")
    dead = serve(DATABASE_URL="postgresql://nobody:x@127.0.0.1:9/nothing")
    second = dead.predict(user_id="u1").json()
    assert {k: second[k] for k in ("version", "epoch", "intent", "confidence")} == {
        k: first[k] for k in ("version", "epoch", "intent", "confidence")
    }
    health = dead.http.get("/health").json()
    assert health == {
        "status": "degraded", "models_loaded": 1, "feature_store_connected": False,
        "mlflow_connected": False,
    }  # fmt: skip
    dead.stop()
    # What was answered meanwhile is delivered by whoever comes after.
    serve()
    all_logged_once(engine, {UUID(first["prediction_id"]), UUID(second["prediction_id"])})


def test_killed_workers_lose_no_answered_prediction_and_never_the_port(
    registry: Registry, inference: Inference, engine: Engine
) -> None:
    load = under_load(inference)
    wait_until(lambda: len(rows(engine)) > 50, 20, "requests flow")
    for _ in range(3):
        inference.kill_worker()
        with closing(socket.create_connection(("127.0.0.1", inference.port), timeout=5)):
            pass
    wait_until(
        lambda: len(spool_files(inference)) == 2, 20, "the dead ones' segments are inherited"
    )
    answers = load.stop()
    lost = [a for a in answers if a.status != 200]
    # At most what the three dead ones were just answering, and nothing answered wrongly.
    assert {a.status for a in lost} <= {0}
    assert len(lost) <= 3 * len(BODIES)
    all_logged_once(engine, answered(answers))


def connections(inference: Inference) -> list[int]:
    """How many callers each worker holds."""
    return sorted(
        sum(
            c.status == "ESTABLISHED" and c.laddr.port == inference.port
            for c in worker.net_connections("tcp4")
        )
        for worker in inference.workers()
    )


def test_connections_are_shared_out_and_a_stuck_worker_is_passed_by(
    registry: Registry, inference: Inference
) -> None:
    opened = [socket.create_connection(("127.0.0.1", inference.port)) for _ in range(40)]
    wait_until(lambda: sum(connections(inference)) >= 40, 20, "all are taken")
    assert connections(inference)[0] >= 15
    for connection in opened:
        connection.close()
    stuck = inference.workers()[0]
    stuck.suspend()
    try:
        for _ in range(5):
            with httpx2.Client(base_url=inference.url, timeout=10) as client:
                assert client.post("/predict/intent", json=BODIES[0]).status_code == 200
    finally:
        stuck.resume()


def test_predictions_go_on_while_postgresql_is_away_and_are_all_delivered_after(
    registry: Registry,
    serve: Callable[..., Inference],
    engine: Engine,
    link: Link,
    database_url: str,
) -> None:
    inference = serve(DATABASE_URL=through(link, database_url))
    load = under_load(inference)
    wait_until(lambda: len(rows(engine)) > 50, 20, "requests flow")
    link.cut()
    before = len(rows(engine))
    asked = inference.predict(user_id="during").json()
    inference.kill_worker()
    wait_until(inference.answers, 30, "a worker answers")
    assert len(rows(engine)) == before
    link.mend()
    wait_until(lambda: len(rows(engine)) > before, 30, "records are delivered again")
    answers = load.stop()
    assert {a.status for a in answers} <= {0, 200}
    assert sum(a.status == 0 for a in answers) <= len(BODIES)
    all_logged_once(engine, {*answered(answers), UUID(asked["prediction_id"])})


def test_a_dead_supervisor_leaves_no_worker_and_frees_the_port(
    registry: Registry, serve: Callable[..., Inference], engine: Engine
) -> None:
    inference = serve()
    workers = inference.workers()
    ids = {UUID(inference.predict().json()["prediction_id"]) for _ in range(20)}
    inference.signal(SIGKILL)
    wait_until(lambda: not any(w.is_running() for w in workers), 20, "the workers have ended")
    inference.start()
    ids |= {UUID(inference.predict().json()["prediction_id"]) for _ in range(20)}
    all_logged_once(engine, ids)


def test_stopping_drains_and_says_farewell(
    registry: Registry, serve: Callable[..., Inference], engine: Engine
) -> None:
    inference = serve()
    load = under_load(inference)
    wait_until(lambda: len(rows(engine)) > 50, 20, "requests flow")
    assert inference.stop() == 0
    answers = load.stop()
    assert {a.status for a in answers} <= {0, 200}
    all_logged_once(engine, answered(answers))
    assert spool_files(inference) == []
    with engine.connect() as connection:
        stopped = list(connection.scalars(text("SELECT stopped_at FROM replicas")))
    assert len(stopped) == 2
    assert None not in stopped


def record(number: int, **changes: object) -> bytes:
    """A spool line as a worker writes it."""
    values: dict[str, object] = {
        "id": f"01900000-0000-7000-8000-{number:012d}", "at": time.time_ns() // 1000,
        "model": "intent_classifier", "version": "v1.0.0", "arm": "production", "key": None,
        "input": {"query": 'say "hi", \\ and\n₹'}, "output": {"intent": "x"}, "confidence": 0.5,
        "ms": 1.0, "status": "ok", "error": None,
    }  # fmt: skip
    return json.dumps({**values, **changes}).encode() + b"\n"


def test_orphans_are_delivered_once_without_what_is_torn_or_wrong(
    registry: Registry, serve: Callable[..., Inference], engine: Engine, tmp_path: Path
) -> None:
    inference = Inference(tmp_path / "inference-home", registry.engine.url.render_as_string(False))
    spool = inference.home / "model-server" / "spool"
    spool.mkdir(parents=True)
    good = [record(n) for n in range(40)]
    wrong = [
        record(90, status="nonsense"), record(91, id="no id"), b"\0\0\0\0\n", b"{broken\n",
        record(92, at=None),
    ]  # fmt: skip
    old = record(93, at=1_700_000_000_000_000)
    content = b"".join([*good[:20], *wrong, *good[20:], old]) + record(94)[:30]
    (spool / "1-dead.spool").write_bytes(content)
    # Delivered before, and its owner died before it could forget that.
    (spool / "2-dead.spool").write_bytes(b"".join(good[10:30]))
    inference.close()
    running = serve()
    wait_until(lambda: len(rows(engine)) == 41, 20, "the good records are delivered")
    wait_until(lambda: len(spool_files(running)) == 2, 20, "the orphans are gone")
    assert set(rows(engine).values()) == {1}
    metrics = running.http.get("/metrics").text
    assert 'ml_log_lost_total{reason="refused"} 5.0' in metrics
    assert 'ml_log_lost_total{reason="torn"} 1.0' in metrics
    with engine.connect() as connection:
        kept = connection.scalar(text("SELECT input ->> 'query' FROM model_predictions LIMIT 1"))
    assert kept == 'say "hi", \\ and\n₹'


@pytest.mark.parametrize(("policy", "status"), [("drop", 200), ("refuse", 503)])
def test_a_full_spool_follows_the_stated_policy(
    registry: Registry,
    serve: Callable[..., Inference],
    engine: Engine,
    link: Link,
    database_url: str,
    policy: str,
    status: int,
) -> None:
    inference = serve(
        DATABASE_URL=through(link, database_url), INFERENCE_WORKERS="1",
        INFERENCE_SPOOL_LIMIT_BYTES="1000000", INFERENCE_SPOOL_FULL=policy,
    )  # fmt: skip
    link.cut()
    ids: set[UUID] = set()

    def refused() -> bool:
        for _ in range(50):
            long = inference.predict("loan " * 900)
            if long.status_code == 200:
                ids.add(UUID(long.json()["prediction_id"]))
        seen = inference.http.get("/metrics").text
        return 'ml_log_lost_total{reason="spool_full"}' in seen

    wait_until(refused, 60, "the spool is full")
    assert inference.predict("loan " * 900).status_code == status
    link.mend()
    wait_until(lambda: rows(engine), 20, "records are delivered again")
    wait_until(lambda: inference.predict().status_code == 200, 20, "there is room again")
    if policy == "refuse":
        all_logged_once(engine, ids)
    else:
        assert ids - rows(engine).keys()


def test_a_taken_port_and_a_bad_setting_are_sentences(tmp_path: Path) -> None:
    inference = Inference(tmp_path, "postgresql://x@127.0.0.1:9/x", INFERENCE_WORKERS="0")

    def said(**env: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "inference"], capture_output=True, text=True, timeout=60,
            env={**inference.env, **env}, cwd=PROJECT,
        )  # fmt: skip
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        return done.stderr

    assert "INFERENCE_WORKERS" in said()
    assert "MODELS_FILE" in said(INFERENCE_WORKERS="1", MODELS_FILE=str(tmp_path / "none.yaml"))
    address = said(DATABASE_URL="mysql://nivesh:secret@127.0.0.1/nivesh")
    assert "DATABASE_URL" in address
    assert "secret" not in address
    with closing(socket.create_server(("127.0.0.1", inference.port))):
        assert str(inference.port) in said(INFERENCE_WORKERS="1")
    inference.close()
