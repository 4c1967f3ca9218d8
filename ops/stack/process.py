"""One child process: started, watched, started again when it dies, stopped with all it begot."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ops.stack.record import Entry, birth

TICK = 0.1
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
# A process that was ready this long has started well: its next death is a first one again.
SETTLED_SECONDS = 30.0
LARGEST_LOG = 50 * 2**20


@dataclass(frozen=True)
class Spec:
    """How a process is started and when it counts as ready.

    ``after`` names processes that must be ready before its first start, ``needed`` is false where
    the stack counts as ready without it. ``user`` is a (uid, gid) to run as, ``log`` the file that
    takes both outputs.
    """

    name: str
    argv: list[str]
    env: Mapping[str, str]
    ready: Callable[[], bool]
    log: Path
    cwd: Path
    port: int | None = None
    after: frozenset[str] = frozenset()
    needed: bool = True
    user: tuple[int, int] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0


@dataclass
class Child:
    """A watched process. Every change of its state is told to ``changed``."""

    spec: Spec
    changed: Callable[[], None]
    state: str = "waiting"
    restarts: int = 0
    detail: str = ""
    was_ready: bool = False
    pid: int | None = None
    birth: str = ""
    _wanted: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch, unless it is watched already; returns at once."""
        if self._thread is not None:
            return
        self._wanted.set()
        rotate(self.spec.log)
        # Now and not in the thread: whoever looks again must not find it waiting still.
        self._become("starting")
        self._thread = threading.Thread(target=self._watch, name=self.spec.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the process, its group too, and wait for it."""
        self._wanted.clear()
        if self._thread is None:
            self._become("stopped")
            return
        self._thread.join()
        self._thread = None

    def entry(self) -> Entry:
        """For the record."""
        return Entry(
            name=self.spec.name,
            pid=self.pid or 0,
            birth=self.birth,
            state=self.state,
            port=self.spec.port,
            restarts=self.restarts,
            detail=self.detail,
        )

    def _watch(self) -> None:
        pause = FIRST_PAUSE
        while self._wanted.is_set():
            began = time.monotonic()
            process = self._launch()
            if process is not None:
                self._follow(process)
            if not self._wanted.is_set():
                break
            pause = FIRST_PAUSE if time.monotonic() - began > SETTLED_SECONDS else pause
            self.restarts += 1
            self._become("restarting", self.detail)
            self._sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        self._become("stopped")

    def _launch(self) -> "subprocess.Popen[bytes] | None":
        try:
            with self.spec.log.open("ab") as log:
                process = subprocess.Popen(
                    self.spec.argv,
                    env=dict(self.spec.env),
                    cwd=self.spec.cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    **as_user(self.spec.user),
                )
        except OSError as error:
            self.detail = f"cannot be started: {error}"
            return None
        self.pid, self.birth = process.pid, birth(process.pid) or ""
        self._become("starting", self.detail)
        return process

    def _follow(self, process: "subprocess.Popen[bytes]") -> None:
        """Stay with the process until it has ended, by itself or since we were told to stop."""
        while self._wanted.is_set() and not _has_ended(process.pid):
            if self.state == "starting" and self.spec.ready():
                self.was_ready = True
                self._become("ready")
            trim(self.spec.log)
            self._sleep(TICK)
        if not _has_ended(process.pid):
            self._become("stopping")
            end(process.pid, self.spec.stop_signal, self.spec.stop_seconds)
        # The dead leader is not reaped yet, so its group's number cannot be anybody else's.
        kill_group(process.pid)
        code = process.wait()
        self.pid, self.birth = None, ""
        self.detail = f"ended with {_word(code)}; {last_line(self.spec.log)}"

    def _become(self, state: str, detail: str = "") -> None:
        self.state, self.detail = state, detail
        self.changed()

    def _sleep(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self._wanted.is_set() and time.monotonic() < deadline:
            time.sleep(min(TICK, seconds))


def as_user(user: tuple[int, int] | None) -> dict[str, Any]:
    """Arguments that have ``subprocess`` start something as a (uid, gid), if one is given."""
    return {} if user is None else {"user": user[0], "group": user[1], "extra_groups": []}


def _has_ended(pid: int) -> bool:
    """Whether our child has ended, without reaping it."""
    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, pid, flags) is not None


def end(pid: int, stop_signal: signal.Signals, seconds: float) -> None:
    """Ask a process to end, and insist after the time-out."""
    deadline = time.monotonic() + seconds
    try:
        os.kill(pid, stop_signal)
        while birth(pid) is not None and time.monotonic() < deadline:
            time.sleep(TICK / 2)
        if birth(pid) is not None:
            os.kill(pid, signal.SIGKILL)
            while birth(pid) is not None:
                time.sleep(TICK / 2)
    except ProcessLookupError:
        return


def kill_group(pid: int) -> None:
    """End what is left of the group that the process led."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def rotate(log: Path) -> None:
    """Keep the last start's log as ``<name>.log.1``."""
    if log.exists() and log.stat().st_size:
        log.replace(log.with_name(log.name + ".1"))


def trim(log: Path, most: int = LARGEST_LOG) -> None:
    """Move what a log holds to ``<name>.log.1`` once it is too long.

    Its writer appends, so that it goes on at the new end; what it writes meanwhile may be lost.
    """
    try:
        if log.stat().st_size > most:
            shutil.copyfile(log, log.with_name(log.name + ".1"))
            os.truncate(log, 0)
    except OSError:  # somebody removed it, or the disk is full: no reason to stop watching
        return


def last_line(log: Path) -> str:
    """The last thing a log says, for a sentence."""
    try:
        with log.open("rb") as handle:
            handle.seek(max(0, log.stat().st_size - 4096))
            lines = handle.read().decode(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return f"last words: {lines[-1].strip()[:200]}" if lines else "it said nothing"


def _word(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
