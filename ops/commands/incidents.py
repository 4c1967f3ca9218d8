"""incidents, incident: what wants a person, and moving it on."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID, uuid4

import typer
from rich.markup import escape
from rich.table import Table

from backend_api.schemas import MoveIncident
from console import times
from console.quality import Response
from ops import caller
from ops.commands.version import BY_HAND, Why
from ops.terminal import out, say

Id = Annotated[UUID, typer.Argument(help="As `nivesh incidents` shows it.")]

incident = typer.Typer(no_args_is_help=True, help="An incident: look at it, move it on.")


def incidents(
    model: Annotated[str | None, typer.Option("--model", help="One model; else all.")] = None,
    past: Annotated[bool, typer.Option("--all", help="Resolved and closed ones too.")] = False,
) -> None:
    """What wants a person, newest first."""
    now = datetime.now(UTC)
    with caller.backend() as backend:
        found = backend.incidents(model, only_open=not past)
    table = Table("incident", "state", "model", "opened", "what", box=None)
    for one in found:
        opened = times.ago(one.opened_at, now)
        table.add_row(str(one.id), one.state, one.model_name, opened, escape(one.title))
    if found:
        out.print(table)
    else:
        say("No incident is open." if not past else "There never was an incident.")


@incident.command()
def show(incident_id: Id) -> None:
    """An incident's timeline."""
    with caller.backend() as backend:
        found = backend.incident(incident_id)
    now = datetime.now(UTC)
    say(f"{found.title} ({found.state})", style="bold")
    for event in found.events:
        say(f"{times.utc(event.occurred_at, now)}: {event.sentence}")


def _move(incident_id: UUID, verb: Response, reason: str) -> None:
    with caller.backend() as backend:
        seen = backend.incident(incident_id).state
        body = MoveIncident(request_id=uuid4(), reason=reason, expected_state=seen)
        say(backend.move_incident(incident_id, verb, body).sentence)


@incident.command()
def acknowledge(incident_id: Id, reason: Why = BY_HAND) -> None:
    """Say that you look at it."""
    _move(incident_id, "acknowledge", reason)


@incident.command()
def resolve(incident_id: Id, reason: Why = BY_HAND) -> None:
    """Say that it is over."""
    _move(incident_id, "resolve", reason)
