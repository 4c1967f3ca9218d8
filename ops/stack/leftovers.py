"""Processes that outlived their supervisor: found by their mark, ended in the right order."""

import os
import signal

import psutil

from ops.stack.environment import MARK
from ops.stack.home import Home
from ops.stack.record import Record, is_alive

PATIENCE_SECONDS = 8.0
DATABASE_PATIENCE_SECONDS = 30.0


def find(home: Home, record: Record) -> list[psutil.Process]:
    """Those of the record that live, and whatever else carries the home's mark."""
    recorded = {one.pid for one in record.processes if is_alive(one)}
    others = [p for p in psutil.process_iter() if p.pid != os.getpid()]
    return [p for p in others if p.pid in recorded or _mark(p) == str(home.path)]


def _mark(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK)
    except (psutil.Error, OSError):
        return None


def _is_database(process: psutil.Process) -> bool:
    try:
        return process.name() == "postgres"
    except psutil.Error:
        return False


def end(processes: list[psutil.Process]) -> None:
    """End them; the database last, so that the others can say goodbye to it."""
    database = [p for p in processes if _is_database(p)]
    others = [p for p in processes if p not in database]
    _end(others, signal.SIGTERM, PATIENCE_SECONDS)
    _end(database, signal.SIGINT, DATABASE_PATIENCE_SECONDS)


def _end(processes: list[psutil.Process], first: signal.Signals, seconds: float) -> None:
    for process in processes:
        _send(process, first)
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    for process in alive:
        _send(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=seconds)


def _send(process: psutil.Process, what: signal.Signals) -> None:
    try:
        process.send_signal(what)
    except psutil.NoSuchProcess:
        return
