"""`python -m backend_api.worker` as processes that a test may kill."""

import os
import signal
import subprocess
import sys
from pathlib import Path


class Worker:
    """One of them."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "backend_api.worker"],
                env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stderr=file,
            )  # fmt: skip

    def end(self, number: signal.Signals) -> int:
        """Send it a signal, and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)

    def close(self) -> None:
        """End it if it still runs."""
        if self.process.poll() is None:
            self.end(signal.SIGKILL)


class WorkerProcesses:
    """Starts workers one after the other, and ends what is left of them."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment, self._log = environment, log
        self._started: list[Worker] = []

    def start(self) -> Worker:
        """One more."""
        self._started.append(Worker(self._environment, self._log))
        return self._started[-1]

    def close(self) -> None:
        """End all."""
        for worker in self._started:
            worker.close()
