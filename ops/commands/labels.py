"""labels, accuracy: say what answers should have been, and see how often they were right."""

from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer
from rich.table import Table

from backend_api.schemas import Accuracy, AccuracySpan
from backend_api.states import AccuracyState
from console import label_file
from ops import caller
from ops.errors import OpsError
from ops.terminal import err, out, say

labels = typer.Typer(no_args_is_help=True, help="What answers should have been.")
WORDS = {
    AccuracyState.MET: "[green]MET[/]",
    AccuracyState.MISSED: "[red]MISSED[/]",
    AccuracyState.NOT_ENOUGH: "[dim]NOT ENOUGH LABELS[/]",
}


@labels.callback()
def _group() -> None:
    """A group, so that its only command keeps its name."""


@labels.command()
def add(
    file: Annotated[Path, typer.Argument(help="CSV with the columns prediction_id,label.")],
    reason: Annotated[
        str, typer.Option("--reason", help="Why; it stands in the ledger.")
    ] = "labels from a file",
) -> None:
    """Give labels to logged predictions.

    Good rows are taken, all of a file's part at once; the others are named by their line and left
    out, and the exit code is 1 then. The same file may be sent again: what is there stays.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise OpsError(f"{file} cannot be read: {error.strerror}.", "Check the path.") from error
    with caller.backend() as backend:
        found = label_file.send(content, lambda part, _: backend.take_labels(part, uuid4(), reason))
    say(found.sentence)
    for row in found.named:
        err.print(f"Line {row.line}: {row.problem}.", markup=False, soft_wrap=True)
    if found.refused:
        raise OpsError(f"{found.refused:,} rows were left out.", "Mend them and send them again.")


def accuracy(
    model: Annotated[str, typer.Argument(help="For example intent_classifier.")],
    days: Annotated[int, typer.Option("--days", min=1, max=90)] = 30,
    whole: Annotated[bool, typer.Option("--json", help="All of it, for a file.")] = False,
) -> None:
    """How often a model was right, by the day of the prediction; exit code 3 if it has fallen."""
    with caller.backend() as backend:
        found = backend.accuracy(model, days)
    if whole:
        typer.echo(found.model_dump_json(indent=2))
    else:
        _told(found)
    if found.fallen:
        raise typer.Exit(3)


def _told(found: Accuracy) -> None:
    table = Table(
        "day", "state", "right", "between", "labelled", "of", "coverage", "estimate", box=None
    )
    for day in found.days:
        estimate = "" if day.estimate is None else f"{100 * day.estimate:.2f} %"
        mark = "" if day.mature else " (immature)"
        table.add_row(
            f"{day.day:%d %b %Y}", WORDS[day.state] + mark, _share(day),
            f"{100 * day.low:.2f} – {100 * day.high:.2f} %", f"{day.labelled:,}",
            f"{day.predictions:,}", f"{100 * day.coverage:.0f} %", estimate,
        )  # fmt: skip
    if table.rows:
        out.print(table)
    if found.latest is None:
        say(f"No day of the last {found.latest_days} is labelled enough to count.")
    else:
        say(f"{found.version}, the last {found.latest_days} days: {found.latest.sentence}")
    if found.fallen:
        say(f"It has fallen: it was {100 * (found.baseline or 0):.2f} %, {found.baseline_source}.")


def _share(span: AccuracySpan) -> str:
    return "" if span.share is None else f"{100 * span.share:.2f} %"
