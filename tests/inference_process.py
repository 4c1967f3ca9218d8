"""`python -m inference` as a real process, for tests of every tier."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import psutil

from inference.counts import ABSENT
from inference.handover import COMM
from ops.settings import PROJECT
from ops.stack.ports import any_free
from shared.trust import certificates
from tests.makers import ADMIN_TOKEN, wait_until

ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
NOWHERE = "http://127.0.0.1:9"


class Inference:
    """One inference service on a free port; ``env`` changes its settings.

    ``address`` is a loopback address, and ``name`` what the host calls itself.
    """

    def __init__(
        self, home: Path, database_url: str, address: str = "127.0.0.1", name: str = "test",
        **env: str,
    ) -> None:  # fmt: skip
        self.port = any_free()
        self.url = f"http://{address}:{self.port}"
        self.name = name
        self.home = home
        self.log = home / "inference.log"
        self.env = {
            **os.environ,
            "DATABASE_URL": database_url, "NIVESH_HOME": str(home),
            "INFERENCE_HOST": address, "INFERENCE_PORT": str(self.port), "INFERENCE_WORKERS": "2",
            "INFERENCE_NAME": name,
            "INFERENCE_ADMIN_TOKEN": ADMIN_TOKEN, "MODELS_FILE": str(PROJECT / "models.yaml"),
            "MLFLOW_TRACKING_URI": NOWHERE, "REDIS_PORT": "9", "INFERENCE_POLL_SECONDS": "1",
            **env,
        }  # fmt: skip
        self.http = httpx2.Client(base_url=self.url, timeout=10, verify=certificates())
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Inference":
        """Start, and return once every worker is ready to answer."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "inference"], env=self.env, cwd=self.home,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        wait_until(self.is_whole, 180, f"each worker answers; see {self.log}")
        return self

    def is_whole(self) -> bool:
        """Whether every worker takes connections; each does once its versions are loaded."""
        folder = self.home / "model-server" / "metrics" / f"{self.name}-{self.port}"
        counts = folder / "connections"
        absent = ABSENT.to_bytes(8, sys.byteorder, signed=True)
        return self.answers() and absent not in counts.read_bytes()

    def answers(self) -> bool:
        """Whether a worker is ready."""
        try:
            return self.http.get("/health/ready").status_code == 200
        except httpx2.HTTPError:
            return False

    def workers(self) -> list[psutil.Process]:
        """The worker processes that live now."""
        assert self.process is not None
        return [c for c in psutil.Process(self.process.pid).children() if is_worker(c)]

    def freeze(self) -> None:
        """Stop every process in its tracks, as a host does that has hung or lost its network."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        assert self.process is not None
        for one in [psutil.Process(self.process.pid), *self.workers()]:
            one.send_signal(number)

    def kill_worker(self) -> None:
        """kill -9 one worker, and return once another has taken its place."""
        before = self.workers()
        before[0].kill()

        def is_replaced() -> bool:
            # Asked once: between two looks the killed one ends, and none of them saw another.
            now = self.workers()
            return len(now) == len(before) and before[0] not in now

        wait_until(is_replaced, 20, "the supervisor has started another worker")

    def predict(self, query: str = "Can I afford a loan?", **more: Any) -> httpx2.Response:
        """Ask the intent classifier; ``version`` asks that one with the admin token."""
        version = more.pop("version", None)
        headers = {**ADMIN, "X-Nivesh-Version": version} if version else {}
        return self.http.post("/predict/intent", json={"query": query, **more}, headers=headers)

    def serves(self, version: str) -> bool:
        """Whether the worker that takes this request answers with the version."""
        answer = self.predict()
        return answer.status_code == 200 and answer.json()["version"] == version

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        return self.signal(signal.SIGTERM)

    def signal(self, number: signal.Signals) -> int:
        """Send a signal to the supervisor and wait for its end."""
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(30)
        self.process = None
        return code

    def close(self) -> None:
        """End whatever still runs."""
        self.http.close()
        if self.process is not None and self.process.poll() is None:
            self.stop()


def is_worker(process: psutil.Process) -> bool:
    """Whether a child is a worker, and not dead or about to become one."""
    try:
        return process.name() == COMM and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
