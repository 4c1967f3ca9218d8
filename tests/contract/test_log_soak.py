"""The prediction log under its full load: every record once, whatever dies on the way."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from backend_api import db
from backend_api.catalog import Catalog
from bench.rollback import Load
from ops.settings import PROJECT
from ops.stack.home import Home
from ops.stack.ports import any_free
from ops.stack.postgres import place, server
from ops.stack.process import Child
from tests.artefacts import tiny_intent
from tests.contract.test_inference_outage import BODIES, all_logged_once, answered, through
from tests.inference_process import Inference
from tests.link import Link
from tests.makers import Registry, wait_until

PER_SECOND = 5_000
# Undelivered when the last record was kept: delivery lags by no more than this.
LAG_SECONDS = 5
RECORD_BYTES = 700


@dataclass
class Writer:
    """A process that keeps records as a worker does; ``kept`` is how many surely are."""

    process: "subprocess.Popen[str]"
    kept: int
    waits: int | None = None

    def read(self, until: float = float("inf")) -> None:
        """Follow what it says until it has kept so many, or ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            what, number = line.split()
            if what == "waits":
                self.waits = int(number)
            elif what == "kept":
                self.kept = int(number)
                if self.kept > until:
                    return


def write(url: str, spool: Path, slot: str, first: int, seconds: int) -> Writer:
    """Begin with record ``first``."""
    command = [sys.executable, "-m", "bench.records", slot, str(first),
               str(seconds * PER_SECOND), str(PER_SECOND)]  # fmt: skip
    env = {**os.environ, "DATABASE_URL": url, "RECORDS_SPOOL": str(spool)}
    process = subprocess.Popen(command, env=env, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    return Writer(process, first)


def numbers(engine: Engine) -> Counter[int]:
    """How often each record is in the table, by its number."""
    tail = "('x' || right(prediction_id::text, 12))::bit(48)::bigint"
    with engine.connect() as connection:
        return Counter(connection.scalars(text(f"SELECT {tail} FROM model_predictions")))


@pytest.mark.parametrize("seconds", [2, pytest.param(60, marks=pytest.mark.long)])
def test_five_thousand_records_a_second_outlive_a_kill(
    database_url: str, engine: Engine, tmp_path: Path, seconds: int
) -> None:
    first = write(database_url, tmp_path, "0", 0, seconds)
    with first.process:
        first.read(until=seconds * PER_SECOND // 2)
        first.process.kill()
        first.read()
    begun = time.monotonic()
    # Far from the first one's numbers, of which some more may be kept than it could say.
    second = write(database_url, tmp_path, "1", 10_000_000, seconds)
    with second.process:
        second.read()
    took = time.monotonic() - begun
    assert second.process.returncode == 0
    sure = {*range(first.kept), *range(10_000_000, 10_000_000 + seconds * PER_SECOND)}
    wait_until(lambda: sure <= numbers(engine).keys(), 60, "all are in the table")
    assert set(numbers(engine).values()) == {1}
    assert len(numbers(engine)) <= len(sure) + PER_SECOND
    if seconds >= 60:
        assert took < seconds * 1.1
        assert second.waits is not None
        assert second.waits < LAG_SECONDS * PER_SECOND * RECORD_BYTES


@contextmanager
def stoppable(home: Home) -> Iterator[tuple[str, Child]]:
    """A PostgreSQL that a test may stop; its address too."""
    where, secrets = place.place(home), home.secrets()
    server.create(where, secrets["postgres_password"])
    port = any_free()
    child = Child(server.spec(where, port, home.log("postgres")), changed=lambda: None)
    child.start()
    try:
        wait_until(child.spec.ready, 90, "PostgreSQL answers")
        server.prepare(where, port, secrets)
        yield server.url(port, secrets), child
    finally:
        child.stop()


@pytest.mark.long
def test_the_highest_http_rate_through_kills_and_a_stopped_postgresql(
    tmp_path: Path, catalog: Catalog
) -> None:
    with stoppable(Home.at(tmp_path / "own")) as (url, postgres):
        engine = db.create(url)
        db.migrate(engine)
        Registry(engine, catalog).promoted("v1.0.0", **tiny_intent(tmp_path / "one", "x"))
        inference = Inference(tmp_path, url).start()
        try:
            load = Load(f"{inference.url}/predict/intent", BODIES)
            load.start()
            time.sleep(5)
            inference.kill_worker()
            postgres.stop()
            for _ in range(3):
                time.sleep(10)
                inference.kill_worker()
            postgres.start()
            wait_until(postgres.spec.ready, 90, "PostgreSQL answers again")
            time.sleep(5)
            inference.kill_worker()
            answers = load.stop()
            assert {a.status for a in answers} <= {0, 200}
            assert len(answers) > 10_000
            all_logged_once(engine, answered(answers))
        finally:
            inference.close()
            engine.dispose()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A spool folder on a file system of its own with room for some hundred records."""
    home = tmp_path / "inference-home"
    folder = home / "model-server" / "spool"
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "nivesh-test", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small file system needs the right to mount one")
    try:
        yield home
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def lost(inference: Inference) -> float:
    """Records that were not kept for want of room."""
    lines = inference.http.get("/metrics").text.splitlines()
    label = 'ml_log_lost_total{reason="disk"} '
    return next((float(x.removeprefix(label)) for x in lines if x.startswith(label)), 0.0)


def test_a_full_disk_costs_records_by_the_count_and_never_answers(
    small_disk: Path, serve: Callable[..., Inference], engine: Engine, catalog: Catalog,
    tmp_path: Path, database_url: str,
) -> None:  # fmt: skip
    Registry(engine, catalog).promoted("v1.0.0", **tiny_intent(tmp_path / "one", "x"))
    link = Link(int(database_url.rsplit(":", 1)[1].split("/")[0]))
    inference = serve(DATABASE_URL=through(link, database_url), INFERENCE_WORKERS="1")
    wait_until(inference.answers, 20, "the worker answers")
    link.cut()
    load = Load(f"{inference.url}/predict/intent", BODIES)
    load.start()
    wait_until(lambda: lost(inference) > 100, 60, "the disk is full")
    during = load.stop()
    assert {a.status for a in during} == {200}
    missing = lost(inference)
    said = inference.http.get("/models").json()["prediction_log"]
    assert "does not take the prediction log" in said
    assert f"{missing:,.0f} predictions were answered without a record" in said
    assert inference.http.get("/health").json()["status"] == "degraded"
    link.mend()
    wait_until(
        lambda: len(numbers(engine)) == len(answered(during)) - missing, 30, "the rest is delivered"
    )
    # What is delivered has made room again.
    later = inference.predict(user_id="later")
    assert later.status_code == 200
    wait_until(
        lambda: len(numbers(engine)) == len(answered(during)) - missing + 1, 30, "it is logged"
    )
    assert lost(inference) == missing
    link.close()
