"""Every Python flavour of MLflow, each version in a process of its own.

Two versions of one model may bring modules of the same name; in one process the second would be
given the first one's (MLServer#705). Here neither sees the other, nor our secrets, and one that
crashes takes nobody with it.
"""

import os
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import structlog

from inference.models import Answer, ArtefactError, Row
from inference.runtimes import frames, warm
from inference.runtimes.columns import Columns
from inference.runtimes.pace import Rest
from inference.runtimes.tensors import Tensors
from shared import TELEMETRY_OFF
from shared.mlmodel import MlModel

LOAD_SECONDS = 120.0
ANSWER_SECONDS = 30.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
# A process that lived as long begins with the first pause again.
STEADY_SECONDS = 60.0
# A version's code sees no address, password or token of ours.
HANDED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "PYTHONPATH",
             "LD_LIBRARY_PATH", "MLFLOW_ALLOW_PICKLE_DESERIALIZATION")  # fmt: skip
ITS_OWN = {
    # Files beside the model's code would change the folder's digest.
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
    **TELEMETRY_OFF,
}  # fmt: skip

log = structlog.get_logger()


class Broke(RuntimeError):
    """The version failed on a request, or its process is gone; the message says how."""


class Process:
    """One life of a version's process."""

    def __init__(self, folder: Path) -> None:
        self._end, theirs = socket.socketpair()
        environment = {name: os.environ[name] for name in HANDED_ON if name in os.environ}
        with theirs:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "inference.runtimes.child", str(theirs.fileno()),
                 str(folder)],
                env={**environment, **ITS_OWN}, cwd="/", pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL, stdout=2,
            )  # fmt: skip
        self.born = time.monotonic()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._child.pid

    def started(self) -> None:
        """Wait until the model is loaded; ``Broke`` when it cannot be."""
        said = self._receive(LOAD_SECONDS, "was not loaded")
        if "error" in said:
            raise Broke(said["error"])

    def ask(self, rows: Sequence[Row]) -> list[Answer]:
        """One answer per row; ``Broke`` when the model fails on them, or with the process."""
        try:
            frames.send(self._end, rows)
        except OSError as error:
            raise Broke(f"its process has {self._ending()}") from error
        said = self._receive(ANSWER_SECONDS, "did not answer")
        if "error" in said:
            raise Broke(said["error"])
        answers: list[Answer] = said["answers"]
        return answers

    def _receive(self, seconds: float, what: str) -> dict[str, Any]:
        self._end.settimeout(seconds)
        try:
            said: dict[str, Any] = frames.receive(self._end)
        except TimeoutError as error:
            self._kill()
            raise Broke(f"it {what} within {seconds:.0f} s and was ended") from error
        except frames.Ended as error:
            raise Broke(f"its process has {self._ending()}") from error
        return said

    def _ending(self) -> str:
        try:
            code = self._child.wait(5)
        except subprocess.TimeoutExpired:
            self._kill()
            return "closed its end"
        return f"been killed by signal {-code}" if code < 0 else f"ended with code {code}"

    def has_ended(self) -> bool:
        """Whether it is gone."""
        return self._child.poll() is not None

    def end(self) -> None:
        """Let it end after what it does now; past a moment, at once."""
        self._end.close()
        try:
            self._child.wait(5)
        except subprocess.TimeoutExpired:
            self._kill()

    def _kill(self) -> None:
        self._child.kill()
        self._child.wait()


class Keeper:
    """Keeps a version's process alive: the next one is started when one has ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: Process | None = None
        self._closed = False
        self._pause = FIRST_PAUSE
        self.executor = ThreadPoolExecutor(1, thread_name_prefix="python-version")
        self.trouble: str | None = None

    def start(self) -> None:
        """Start the first one; ``Broke`` when the model cannot be loaded."""
        process = Process(self._folder)
        try:
            process.started()
        except Broke:
            process.end()
            raise
        self._process, self.trouble = process, None
        if self._closed:
            process.end()

    def ask(self, rows: Sequence[Row]) -> list[Answer]:
        """One answer per row. Only one thread at a time may call this: ``executor``'s."""
        process = self._process
        if process is None:
            raise Broke(f"its process is being started again: {self.trouble}")
        try:
            return process.ask(rows)
        except Broke as error:
            if process.has_ended():
                self._lost(process, str(error))
            raise

    @property
    def pid(self) -> int | None:
        """Of the process that lives now."""
        return self._process.pid if self._process is not None else None

    def _lost(self, process: Process, reason: str) -> None:
        process.end()
        self.trouble, self._process = reason, None
        if time.monotonic() - process.born > STEADY_SECONDS:
            self._pause = FIRST_PAUSE
        log.error("python.ended", folder=self._folder.name, reason=reason)
        threading.Thread(target=self._revive, name="python-revive", daemon=True).start()

    def _revive(self) -> None:
        while not self._closed and self._process is None:
            time.sleep(self._pause)
            self._pause = min(LONGEST_PAUSE, self._pause * 2)
            try:
                self.start()
            except Broke as error:
                self.trouble = str(error)
                log.error("python.not_started", folder=self._folder.name, reason=self.trouble)

    def close(self) -> None:
        """End the process once it is idle; nobody asks any more."""
        self._closed = True
        if self._process is not None:
            threading.Thread(target=self._process.end, name="python-end", daemon=True).start()
        self.executor.shutdown(wait=False)


class PythonModel:
    """A version behind its process, which ends with the last reference to this."""

    def __init__(self, keeper: Keeper, requests: Columns | Tensors) -> None:
        self._keeper, self._requests = keeper, requests
        self.schema: dict[str, Any] = requests.schema
        self.executor = keeper.executor
        self.batches = False
        self.example: tuple[Row, Answer] = ({}, {})
        self.milliseconds = 0.0
        weakref.finalize(self, keeper.close)

    @property
    def trouble(self) -> str | None:
        """Why it cannot answer now."""
        return self._keeper.trouble

    @property
    def pid(self) -> int | None:
        """Of its process."""
        return self._keeper.pid

    def check(self, row: Row) -> None:
        """Raise ``WrongField`` unless the row can be answered."""
        self._requests.check(row)

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        """One answer per checked row; ``Broke`` when the version fails on them."""
        return self._keeper.ask(rows)


def load(folder: Path, about: MlModel, key: str, rest: Rest) -> PythonModel:
    """Start a verified folder's process and warm it up; ``key`` is the field that no model sees.

    Raises:
        ArtefactError: the model cannot be loaded, or does not answer its input example.
    """
    signature = about.signature
    requests = Tensors(signature, key) if signature.tensors else Columns(signature, key)
    keeper = Keeper(folder)
    model = PythonModel(keeper, requests)
    try:
        keeper.start()
    except Broke as error:
        raise ArtefactError(f"the model cannot be loaded: {error}") from error
    model.example, model.milliseconds = warm.example(model, about.example, rest, time.perf_counter)
    return model
