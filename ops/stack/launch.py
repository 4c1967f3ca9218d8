"""Starting and stopping the supervisor from a command."""

import os
import signal
import subprocess
import sys
import time

from ops.errors import OpsError
from ops.stack import leftovers
from ops.stack.follow import TICK, follow, view
from ops.stack.home import Home
from ops.stack.process import last_line, rotate
from ops.stack.record import Record, is_alive, load, save
from ops.stack.supervisor import ATTACHED, DEMO, LOCKED, NAME

# Longer than all of its children may take.
STOP_SECONDS = 120.0
Supervised = subprocess.Popen[bytes]


def begin(home: Home, *, detach: bool, demo: bool) -> Supervised:
    """Start a supervisor; unless detached it stops when this process ends, however that ends."""
    log = home.log(NAME)
    rotate(log)
    arguments = ([] if detach else [ATTACHED]) + ([DEMO] if demo else [])
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "ops.stack.supervisor", *arguments],
            env={**os.environ, "NIVESH_HOME": str(home.path)},
            stdin=subprocess.DEVNULL if detach else subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def await_ready(home: Home, supervisor: Supervised) -> Record:
    """Show how the stack comes up, until it is ready.

    Raises:
        OpsError: it could not be started; everything that was begun is ended again.
    """

    def has_ended() -> bool:
        return supervisor.poll() is not None

    # Until then the record is that of the last run.
    while not has_ended() and not _is_of(load(home), supervisor):
        time.sleep(TICK)
    with view() as shown:
        record = follow(home, shown, lambda r: has_ended() or r.state == "ready")
    if not has_ended():
        return record
    if supervisor.returncode == LOCKED:
        raise OpsError(f"A stack runs already in {home.path}.", "See `nivesh status`.")
    record = load(home)
    why = record.failure if record.state == "failed" else ""
    log = home.log(NAME)
    raise OpsError(why or f"The start ended early; {last_line(log)}", "" if why else f"Log: {log}")


def _is_of(record: Record, supervisor: Supervised) -> bool:
    return record.supervisor is not None and record.supervisor.pid == supervisor.pid


def is_running(record: Record) -> bool:
    """Whether the record's supervisor lives."""
    return is_alive(record.supervisor)


def settled(home: Home) -> Record:
    """The record, once a stack that is being stopped has stopped."""
    record = load(home)
    if not is_running(record) or record.state != "stopping":
        return record
    with view() as shown:
        return follow(home, shown, lambda seen: not is_running(seen))


def end(home: Home) -> bool:
    """Stop the home's stack and wait for it, also for one whose supervisor was killed.

    Returns whether anything ran.
    """
    record = load(home)
    ran = is_running(record)
    if record.supervisor is not None and ran:
        os.kill(record.supervisor.pid, signal.SIGTERM)
        gone = record.supervisor
        deadline = time.monotonic() + STOP_SECONDS
        with view() as shown:
            record = follow(
                home, shown, lambda _: not is_alive(gone) or time.monotonic() > deadline
            )
        if is_alive(gone):
            os.kill(gone.pid, signal.SIGKILL)
    left = leftovers.find(home, record)
    leftovers.end(left)
    if left:
        save(home, record.model_copy(update={"state": "stopped", "supervisor": None}))
    return ran or bool(left)


def interrupt(home: Home, supervisor: Supervised) -> None:
    """Have the supervisor stop everything, and show how it does."""
    supervisor.terminate()
    with view() as shown:
        follow(home, shown, lambda _: supervisor.poll() is not None)
