"""up, down, env: the stack of one home."""

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from backend_api import db
from backend_api.identity import accounts
from ops import caller, reach, terminal
from ops.demo.run import demonstrate
from ops.errors import OpsError
from ops.stack import environment, launch
from ops.stack.follow import Lines, follow
from ops.stack.home import Home
from ops.stack.postgres.place import wheel_binaries
from ops.stack.record import Record, load
from ops.terminal import say

# Where a person goes, in the order in which they want it.
ADDRESSES = (
    ("Console", "CONSOLE_URL", ""),
    ("Backend", "BACKEND_URL", "/docs"),
    ("Inference", "INFERENCE_URL", "/docs"),
    ("MLflow", "MLFLOW_TRACKING_URI", ""),
)


def addresses(record: Record) -> None:
    """Say where everything is, and what is missing."""
    for title, variable, path in ADDRESSES:
        say(f"  {title:<10} {record.environment[variable]}{path}")
    for note in record.notes:
        say(f"  {note}", style="yellow")


def up(
    detach: Annotated[bool, typer.Option("--detach", help="Leave it running and return.")] = False,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="Train, promote and serve the four models; light traffic."),
    ] = False,
) -> None:
    """Start everything and wait until it is healthy; Ctrl-C stops it."""
    home = reach.home()
    record = launch.settled(home)
    if launch.is_running(record):
        if not detach:
            raise OpsError(
                f"A stack runs already in {home.path}.",
                "See `nivesh status`; `nivesh down` stops it.",
            )
        say("It runs already.")
        addresses(record)
        if demo:
            demonstrate(home, record)
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    supervisor = launch.begin(home, detach=detach, demo=demo)
    try:
        _arrive(home, launch.await_ready(home, supervisor), demo=demo)
        if not detach:
            say("Ctrl-C stops everything.")
            end = follow(home, Lines(load(home)), lambda _: supervisor.poll() is not None)
            if end.state != "stopped":
                raise OpsError("The stack has ended.", f"Its log: {home.log('supervisor')}")
            say("It was stopped from elsewhere.")
    except KeyboardInterrupt:
        say("Stopping.")
        launch.interrupt(home, supervisor)


def _arrive(home: Home, record: Record, *, demo: bool) -> None:
    say("Everything runs.", style="bold green")
    addresses(record)
    first_accounts(record)
    if demo:
        demonstrate(home, record)


def first_accounts(record: Record) -> None:
    """Make the first accounts of the embedded issuer, if there are none, and show them once."""
    settings = reach.settings(record)
    if not settings.embedded:
        return
    with reach.database() as engine, db.transaction(engine, caller.actor()) as session:
        made = accounts.ensure_first(session, settings.account_issuer, db.now())
    if not made:
        return
    say("First accounts, shown this once:", style="bold")
    for name, role, password in made:
        say(f"  {name:<10} {password}   ({role})")
    say("  Lost them? `nivesh account add NAME --role admin` makes another.", style="dim")


def down() -> None:
    """Stop everything that runs in this home, also what outlived its supervisor."""
    home = reach.home()
    say("Everything is stopped." if launch.end(home) else f"Nothing runs in {home.path}.")


def env() -> None:
    """Print the running stack's variables; use it as eval "$(nivesh env)".

    PATH gets psql and pg_dump of the embedded server's version. The rest holds secrets: the
    database's password, what opens admin endpoints of inference, and your own token for the
    backend, by which the runbook's functions act as you.
    """
    home = reach.home()
    record = load(home)
    if not launch.is_running(record):
        raise OpsError("No stack runs here.", "Start one with `nivesh up --detach`.")
    shown = environment.shown(record.environment)
    shown[caller.TOKEN] = caller.kept(record, home) or ""
    programs = [Path(sys.executable).parent]
    if "DATABASE_URL" in record.embedded:
        # A pg_dump older than its server refuses to work, and Debian's is older.
        programs.insert(0, wheel_binaries())
    for line in [*environment.lines(shown), environment.path_line(programs)]:
        terminal.out.print(line, markup=False, soft_wrap=True)
