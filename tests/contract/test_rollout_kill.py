"""kill -9 of the worker at each step of a rollout: the next one goes on from where it stood."""

import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from backend_api import db
from backend_api.catalog import Catalog
from ops.settings import PROJECT
from tests.canaries import Canary
from tests.locks import BEGUN, HALF_WRITTEN, NOT_COMMITTED, has_waiter, held
from tests.makers import wait_until
from tests.worker_process import WorkerProcesses

# Where everything stood so long ago is as if that much time had passed.
_PASSED = (
    "UPDATE rollouts SET since = since - :by, measured_from = measured_from - :by,"
    " counted_to = counted_to - :by, due_at = due_at - :by WHERE ended_at IS NULL",
    "UPDATE rollout_minutes SET minute = minute - :by",
    "UPDATE model_predictions SET predicted_at = predicted_at - :by",
)
EACH = pytest.mark.parametrize(
    "lock", [BEGUN, HALF_WRITTEN, NOT_COMMITTED], ids=["begun", "half written", "not committed"]
)
pytestmark = pytest.mark.long


class Watched:
    """A canary whose watch is a real process, on the real clock."""

    def __init__(self, canary: Canary, workers: WorkerProcesses, url: str) -> None:
        self.canary, self.workers, self.url = canary, workers, url

    def passes(self, minutes: int, share: int = 0) -> None:
        """Time passes, in which both arms answered if there is a share."""
        with self.canary.engine.begin() as connection:
            for statement in _PASSED:
                connection.execute(text(statement), {"by": timedelta(minutes=minutes)})
        if share:
            self.canary.now = db.now() - timedelta(minutes=minutes)
            self.canary.answers(minutes, canary=share, stable=100 - share, users=10**6)

    def looked_since(self, begun: datetime) -> bool:
        """Whether a watch has said that it is alive."""
        with self.canary.engine.connect() as connection:
            return bool(
                connection.scalar(
                    text("SELECT at > :at FROM heartbeats WHERE process = 'worker'"), {"at": begun}
                )
            )

    def measured(self) -> None:
        """All serve the share, and the watch has seen it."""
        self.canary.workers.acknowledge("a", "b")
        wait_until(lambda: self.canary.row().measured_from, 60, "the watch saw all serve it")

    def killed_at(self, lock: str, minutes: int, share: int = 0) -> None:
        """Its time comes, and the worker dies within the step that it takes then."""
        was = self.canary.desired()
        begun = db.now()
        worker = self.workers.start()
        # Who comes later is not seen by a look at who waits.
        wait_until(lambda: self.looked_since(begun), 60, "the worker looks")
        if share:
            self.measured()
        with held(self.url, lock) as holder:
            self.passes(minutes, share)
            wait_until(lambda: has_waiter(holder), 60, "the worker is within the step")
            worker.end(signal.SIGKILL)
        assert self.canary.desired() == was, "half a step is none"

    def goes_on(self, to: tuple[str | None, str | None, int]) -> None:
        """Another worker takes the same step, once."""
        worker = self.workers.start()
        wait_until(lambda: self.canary.desired() == to, 60, f"it has gone on to {to}")
        worker.end(signal.SIGKILL)


@pytest.fixture
def watched(
    engine: Engine, catalog: Catalog, database_url: str, tmp_path: Path
) -> Iterator[Watched]:
    """v1.0.0 and v1.1.0 were proved good; no worker runs yet."""
    workers = WorkerProcesses(
        {
            "DATABASE_URL": database_url, "MODELS_FILE": str(PROJECT / "models.yaml"),
            "NIVESH_HOME": str(tmp_path), "INFERENCE_URL": "http://127.0.0.1:9",
            "MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "WATCH_SECONDS": "0.2",
            "REPLICA_TIMEOUT_SECONDS": "100000",
        },
        tmp_path / "worker.log",
    )  # fmt: skip
    yield Watched(Canary(engine, catalog), workers, database_url)
    workers.close()


@EACH
def test_a_canary_reaches_production_past_a_kill_at_each_step(watched: Watched, lock: str) -> None:
    canary = watched.canary
    canary.registry.validated("v1.1.0")
    canary.registry.approve(canary.registry.request("v1.1.0", strategy="canary", share=10))
    watched.killed_at(lock, 35, share=10)
    watched.goes_on(("v1.0.0", "v1.1.0", 50))
    watched.killed_at(lock, 90, share=50)
    watched.goes_on(("v1.1.0", None, 0))
    assert canary.steps() == [
        ("ravi", "begin", 10), ("watch", "raise", 50), ("watch", "complete", 50),
    ]  # fmt: skip


@EACH
def test_a_version_is_left_past_a_kill_at_each_step(watched: Watched, lock: str) -> None:
    canary = watched.canary
    canary.registry.promoted("v1.1.0")
    canary.now = db.now()
    canary.walk_down()
    watched.killed_at(lock, 6)
    watched.goes_on(("v1.0.0", "v1.1.0", 10))
    watched.killed_at(lock, 6)
    watched.goes_on(("v1.0.0", None, 0))
    assert [what for _, what, _ in canary.steps()] == ["begin", "lower", "complete"]
