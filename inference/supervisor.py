"""Keeps the workers of one port alive.

The supervisor binds and listens; workers inherit the one listening socket and accept from its one
queue. A worker that dies takes only the connections that it had accepted; with SO_REUSEPORT each
worker would have a queue of its own, and the kernel would reset all that waited in it.

Workers are forked, so that none imports what the supervisor has imported once. The supervisor has
no thread: one that held a lock at the fork would hold it forever in the worker.
"""

import multiprocessing
import os
import shutil
import signal
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import ForkProcess
from pathlib import Path

import structlog

from inference.counts import ABSENT, Counts
from inference.handover import (
    COMM,
    CONNECTIONS,
    LAST_WORDS_SECONDS,
    LIFELINE,
    METRICS_FOLDER,
    SLOT,
    SOCKET,
)
from inference.settings import InferenceSettings

BACKLOG = 2048
TICK = 0.05
BIND_SECONDS = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
# What a hung worker is given to say where it hangs.
TESTIMONY_SECONDS = 0.5
# A worker that lived this long has started well: its next death is a first one again.
SETTLED_SECONDS = 30.0
# What is sent to a worker before it has handlers of its own must end it, not set our flag.
ASKED_TO_END = (signal.SIGTERM, signal.SIGINT)

log = structlog.get_logger()


class StartError(RuntimeError):
    """The service cannot start; the message says what to do."""


@dataclass
class Worker:
    """One slot: its process, and when it may be started again."""

    slot: int
    process: ForkProcess | None = None
    began: float = 0.0
    start_at: float = 0.0
    pause: float = FIRST_PAUSE
    # When it was found hung, and asked where.
    asked_at: float | None = None


def listen(host: str, port: int) -> socket.socket:
    """The one socket of all workers.

    Raises:
        StartError: the address is taken or cannot be had.
    """
    deadline = time.monotonic() + BIND_SECONDS
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((host, port))
            made.listen(BACKLOG)
        except OSError as error:
            made.close()
            # Workers of a supervisor that has just died may still be draining.
            if time.monotonic() < deadline:
                time.sleep(TICK)
                continue
            raise StartError(
                f"Inference cannot listen on {host}:{port}: {error.strerror}."
                " Stop what holds it, or set INFERENCE_PORT."
            ) from error
        made.setblocking(False)
        return made


class Supervisor:
    """Starts workers, starts dead ones again, and stops them all."""

    def __init__(self, settings: InferenceSettings) -> None:
        self._settings = settings
        self._socket = listen(settings.host, settings.port)
        self._lifeline, self._hold = os.pipe()
        self._workers = [Worker(slot) for slot in range(settings.workers)]
        self._stopping = False
        self._looked_at = time.monotonic()
        folder = settings.metrics_folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self._counts = Counts.create(folder / CONNECTIONS, settings.workers)

    def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        for number in ASKED_TO_END:
            signal.signal(number, self._stop)
        while not self._stopping:
            for worker in self._workers:
                self._look_after(worker)
                self._replace_hung(worker)
            self._looked_at = time.monotonic()
            time.sleep(TICK)
        self._socket.close()
        self._end_all()

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _look_after(self, worker: Worker) -> None:
        now = time.monotonic()
        if worker.process is not None:
            code = worker.process.exitcode
            if code is None:
                return
            lived = now - worker.began
            worker.pause = FIRST_PAUSE if lived > SETTLED_SECONDS else worker.pause * 2
            self._counts.set(worker.slot, ABSENT)
            self._counts.beat(worker.slot, 0)
            worker.asked_at = None
            worker.process, worker.start_at = None, now + min(worker.pause, LONGEST_PAUSE)
            log.error("worker.died", slot=worker.slot, code=code, lived=round(lived, 1))
        if now >= worker.start_at:
            worker.process, worker.began = self._start(worker.slot), now

    def _replace_hung(self, worker: Worker) -> None:
        """Kill a worker whose event loop stands still; the next look starts another."""
        now, last = time.monotonic(), self._counts.last_beat(worker.slot)
        if worker.process is None or not last:
            return
        silent = now - last / 1e9
        if silent < self._settings.hung_seconds:
            worker.asked_at = None
        elif now - self._looked_at > 1:
            # We did not run either, so this says nothing about the worker.
            return
        elif worker.asked_at is None:
            worker.asked_at = now
            log.error("worker.hung", slot=worker.slot, pid=worker.process.pid,
                      seconds=round(silent, 1))  # fmt: skip
            _send(worker.process, signal.SIGUSR1)
        elif now - worker.asked_at > TESTIMONY_SECONDS:
            _send(worker.process, signal.SIGKILL)

    def _start(self, slot: int) -> ForkProcess:
        process = multiprocessing.get_context("fork").Process(target=self._become, args=(slot,))
        # Should this process ever end by an error, it takes them along.
        process.daemon = True
        signal.pthread_sigmask(signal.SIG_BLOCK, ASKED_TO_END)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ASKED_TO_END)
        log.info("worker.started", slot=slot, pid=process.pid)
        return process

    def _become(self, slot: int) -> None:
        """In the child: let go of what is the supervisor's, and be a worker."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ASKED_TO_END)
        # As long as anybody holds this end, no worker hears that the supervisor is dead.
        os.close(self._hold)
        with suppress(OSError):
            Path("/proc/self/comm").write_text(COMM)
        os.environ.update({
            SLOT: str(slot), SOCKET: str(self._socket.fileno()), LIFELINE: str(self._lifeline),
            METRICS_FOLDER: str(self._settings.metrics_folder),
        })  # fmt: skip
        # Only here: its counters belong to the slot.
        from inference.worker import main

        main()

    def _end_all(self) -> None:
        """Ask all to drain, and insist on those that do not."""
        running = [w.process for w in self._workers if w.process is not None]
        for process in running:
            _send(process, signal.SIGTERM)
        deadline = time.monotonic() + self._settings.drain_seconds + LAST_WORDS_SECONDS
        for process in running:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.exitcode is None:
                log.error("worker.killed", pid=process.pid, reason="it did not drain in time")
                process.kill()
                process.join()


def _send(process: ForkProcess, number: signal.Signals) -> None:
    """A signal, unless the process has been buried: its number may be another's by now."""
    if process.exitcode is None and process.pid is not None:
        os.kill(process.pid, number)
