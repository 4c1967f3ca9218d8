"""The whole stack under its own supervisor, for tests that break parts of it."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property

import httpx2
import psutil
import pytest
from sqlalchemy import Engine

from backend_api import db
from backend_api.states import Role
from console.client import Backend
from ops.settings import OpsSettings
from ops.stack import record
from ops.stack.home import Home
from ops.stack.postgres import place
from ops.stack.process import Child
from ops.stack.supervisor import Supervisor
from shared.trust import certificates
from tests.bearers import bearer
from tests.inference_process import is_worker
from tests.makers import wait_until

# Servers that a developer's shell may name; this stack brings its own.
REAL = ("DATABASE_URL", "MLFLOW_TRACKING_URI", "REDIS_HOST", "PROMETHEUS_URL", "OIDC_ISSUER")
NIVESH = (sys.executable, "-m", "ops.cli")
# One trains a model, on whatever the other tests leave of the processor.
COMMAND_SECONDS = 270
# One of the processes that the inference service keeps alive by itself.
WORKER = "inference worker"


class Stack:
    """One stack on free ports, of the same plan and by the same supervisor as `nivesh up`."""

    def __init__(self, home: Home, **settings: str) -> None:
        self.home = home
        self._settings = {"NIVESH_PORTS": "auto", "NIVESH_HOME": str(home.path), **settings}
        self._supervisor: Supervisor | None = None
        self._thread: threading.Thread | None = None
        self._tokens: dict[str, str] = {}
        self.clients: list[httpx2.Client] = []

    def start(self) -> "Stack":
        """Start everything, and return once all of it is ready."""
        with pytest.MonkeyPatch.context() as patch:
            for name in REAL:
                patch.delenv(name, raising=False)
            for name, value in self._settings.items():
                patch.setenv(name, value)
            self._supervisor = Supervisor(self.home, OpsSettings(), demo=False)
            self._thread = threading.Thread(target=self._supervisor.run, name="supervisor")
            self._thread.start()
            wait_until(self._has_arrived, 240, f"the stack is ready; see {self.home.logs}")
        return self

    def _has_arrived(self) -> bool:
        found = record.load(self.home)
        assert not found.failure, found.failure
        return found.state == "ready"

    def close(self) -> None:
        """End everything, and leave nothing on disk outside the home."""
        for client in self.clients:
            client.close()
        if "engine" in self.__dict__:
            self.engine.dispose()
        if self._supervisor is not None and self._thread is not None:
            self._supervisor.stop.set()
            self._thread.join()
        shutil.rmtree(place.place(self.home).folder, ignore_errors=True)

    # What runs

    @cached_property
    def variables(self) -> dict[str, str]:
        """Addresses and secrets of this stack."""
        return record.load(self.home).environment

    def child(self, name: str) -> Child:
        """A process as the supervisor holds it."""
        assert self._supervisor is not None
        return next(one for one in self._supervisor.children if one.spec.name == name)

    def pid(self, name: str) -> int:
        """Of a process of the record, or of one inference worker."""
        if name == WORKER:
            return self.inference_workers()[0].pid
        found = self.child(name).entry()
        assert record.is_alive(found), f"{name} is {found.state}: {found.detail}"
        return found.pid

    def inference_workers(self) -> list[psutil.Process]:
        """The processes that answer predictions."""
        children = psutil.Process(self.pid("inference")).children()
        return [one for one in children if is_worker(one)]

    # Breaking it

    @contextmanager
    def killed(self, name: str) -> Iterator[None]:
        """SIGKILL it, and after the block wait until its supervisor has brought it back."""
        before = self._lives(name)
        os.kill(self.pid(name), signal.SIGKILL)
        try:
            yield
        finally:
            # Also after a failure: the next test is not to suffer from this one.
            self._await_return(name, before)

    @contextmanager
    def without(self, *names: str) -> Iterator[None]:
        """Have these processes stopped for the block."""
        children = [self.child(name) for name in names]
        with ThreadPoolExecutor(len(children)) as pool:
            list(pool.map(Child.stop, children))
        try:
            yield
        finally:
            for child in children:
                child.start()
        for name in names:
            self._await_return(name, set())

    def restart(self, name: str) -> None:
        """Stop a process gently and start it again."""
        with self.without(name):
            pass

    def _lives(self, name: str) -> set[str]:
        """What tells this life of a process, or of all workers, from the next."""
        if name == WORKER:
            return {f"{one.pid} {one.create_time()}" for one in self.inference_workers()}
        child = self.child(name)
        return {child.birth} if child.state == "ready" else set()

    def _await_return(self, name: str, before: set[str]) -> None:
        def is_back() -> bool:
            now = self._lives(name)
            return bool(now) and now != before and len(now) >= len(before)

        wait_until(is_back, 60, f"{name} is back; see {self.home.logs}")

    # Talking to it

    @cached_property
    def engine(self) -> Engine:
        """PostgreSQL, as operations reach it."""
        return db.create(self.variables["DATABASE_URL"], pool_size=4)

    @property
    def url(self) -> str:
        """Where the backend listens."""
        return self.variables["BACKEND_URL"]

    @property
    def inference_url(self) -> str:
        """Where all inference workers listen."""
        return self.variables["INFERENCE_URL"]

    def as_role(self, role: Role | str) -> Backend:
        """The backend as a holder of the role sees it, through the console's own client."""
        name = f"flow-{role}"
        if name not in self._tokens:
            self._tokens[name] = bearer(self.engine, "embedded", name, Role(role))
        return self.with_token(self._tokens[name])

    def with_token(self, secret: str) -> Backend:
        """The backend for whoever carries this token."""
        http = httpx2.Client(timeout=30, verify=certificates())
        self.clients.append(http)
        return Backend(self.url, lambda: secret, http)

    def nivesh(self, *arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """Run the `nivesh` command in this stack's home, as at a terminal."""
        return subprocess.run(
            [*NIVESH, *arguments], env={**self._shell, **env}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False,
        )  # fmt: skip

    @contextmanager
    def meanwhile(self, *arguments: str) -> Iterator[None]:
        """Have a `nivesh` command run beside the block; its words are in the home's logs."""
        with self.home.log(arguments[0]).open("ab") as log:
            command = subprocess.Popen(
                [*NIVESH, *arguments], env=self._shell, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log,
            )  # fmt: skip
        try:
            yield
        finally:
            command.terminate()
            command.wait()

    @property
    def _shell(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if name not in REAL}
        return {**ours, **self._settings}
