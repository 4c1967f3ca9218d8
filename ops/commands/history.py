"""history, answered: who was live at a moment, and what answered a request."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from backend_api.schemas import Moment
from console import record_words, times
from ops import caller
from ops.errors import OpsError
from ops.terminal import out, say

WHOLE = Annotated[bool, typer.Option("--json", help="All of the evidence, for a file.")]


def _parsed(at: str | None) -> datetime | None:
    if at is None:
        return None
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        raise OpsError(
            f"{at!r} is no moment.", "Write it like '2026-03-03 14:05', which is UTC."
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def history(
    model: Annotated[str | None, typer.Option("--model", help="One model; else all.")] = None,
    at: Annotated[
        str | None, typer.Option("--at", help="Such as '2026-03-03 14:05' (UTC); else now.")
    ] = None,
    whole: WHOLE = False,
) -> None:
    """Who had which version live at a moment, on whose word and on what evidence."""
    moment = _parsed(at)
    with caller.backend() as backend:
        found = backend.history(moment, model)
    if whole:
        # Machines read it: no markup, no wrapping.
        typer.echo(json.dumps([one.model_dump(mode="json") for one in found], indent=2))
        return
    for one in found:
        _told(one)


def _told(one: Moment) -> None:
    now = datetime.now(UTC)
    say(f"{one.model_name} at {times.utc(one.at, now)}", style="bold")
    say(one.sentence)
    table = Table("part", "what", "since", "until", "on whose word", "why", box=None)
    for word, decided in record_words.parts(one):
        cells = (
            word, record_words.what(decided), record_words.since(decided, now),
            record_words.until(decided, now), decided.by, record_words.why(decided),
        )  # fmt: skip
        table.add_row(*map(escape, cells))
    if table.rows:
        out.print(table)
    for approval in record_words.approvals(one):
        say(record_words.signed(approval, now))
    for version in record_words.unapproved(one):
        say(f"Nobody had approved {version} by then.", style="yellow")
    for _, decided in record_words.parts(one):
        if decided.doubt:
            say(f"{decided.doubt} One was altered.", style="bold red")
    if one.agreement is not None:
        say(one.agreement.sentence)
    say("")


def answered(
    prediction: Annotated[str, typer.Argument(help="prediction_id of the answer.")],
    whole: WHOLE = False,
) -> None:
    """What answered a request, and what was decided at that moment."""
    with caller.backend() as backend:
        one = backend.answered(prediction)
    if whole:
        typer.echo(one.model_dump_json(indent=2))
        return
    say(f"{one.model_name}, {times.utc(one.at, datetime.now(UTC))}", style="bold")
    say(one.sentence)
    if one.withheld:
        say("What was asked and answered is not for your role.")
    else:
        say(f"Asked: {json.dumps(one.input, ensure_ascii=False)}")
        said = one.error or json.dumps(one.output, ensure_ascii=False)
        say(f"Answered: {said}")
    if one.pair is not None:
        agreed = {True: "agreed", False: "did not agree", None: "failed"}[one.pair.agrees]
        say(f"{one.pair.version} was asked in the shadow and {agreed}.")
    epoch = f" (epoch {one.decided.epoch})" if one.decided.epoch is not None else ""
    say(f"Decided then{epoch}: {one.decided.sentence}")
