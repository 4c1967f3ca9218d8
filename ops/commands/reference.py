"""reference, recount: what a version is compared with, and counting its log again."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import orjson
import typer

from backend_api.schemas import GiveReference, Recount
from ops import caller
from ops.commands.promotion import Reason
from ops.commands.version import Model, Name
from ops.errors import OpsError
from ops.feature_file import rows
from ops.terminal import say
from shared.profile import ProfileError, as_document
from shared.reference import infer, make

# More rows move no edge by much; a seed, so that the same file gives the same reference.
MOST_ROWS, SEED = 20_000, 5
OUTPUT = "output."

File = Annotated[
    Path | None,
    typer.Argument(help="CSV or JSONL of test rows: fields, and answers as output.NAME."),
]
FromLog = Annotated[
    int | None,
    typer.Option("--from-log", min=1, max=30, help="First days of its own answers instead."),
]
Days = Annotated[int, typer.Option(min=1, max=90, help="How far back.")]


def reference(
    model: Model, version: Name, reason: Reason, file: File = None, from_log: FromLog = None
) -> None:
    """Give a version that came without one the rows to compare with. Only their bins leave here."""
    if (file is None) == (from_log is None):
        raise OpsError("Give a file, or --from-log DAYS.", "Not both: there is one reference.")
    profile = _profile(file) if file else None
    body = GiveReference(request_id=uuid4(), reason=reason, profile=profile, from_log_days=from_log)
    with caller.backend() as backend:
        say(backend.give_reference(model, version, body).sentence)


def recount(model: Model, version: Name, reason: Reason, days: Days = 7) -> None:
    """Count the last days of a version's log into its reference again, beside the traffic."""
    with caller.backend() as backend:
        body = Recount(request_id=uuid4(), reason=reason, days=days)
        say(backend.recount(model, version, body).sentence)


def _profile(file: Path) -> dict[str, Any]:
    records = [_record(file, line, cells) for line, cells in rows(file)]
    chosen = random.Random(SEED).sample(records, min(len(records), MOST_ROWS))
    try:
        return as_document(make(infer(chosen), chosen))
    except ProfileError as error:
        raise OpsError(
            f"No reference can be made of {file.name}: {error}.",
            "Each row holds the fields of a request, and the answer's as output.NAME.",
        ) from error


def _record(file: Path, line: int, cells: Mapping[str, Any] | str) -> dict[str, Any]:
    if isinstance(cells, str):
        raise OpsError(f"Line {line} of {file.name}: {cells}.", "Mend it and try again.")
    if isinstance(cells.get("input"), dict):
        return {"input": cells["input"], "output": cells.get("output")}
    values = {name: _value(cell) for name, cell in cells.items()}
    return {
        "input": {n: v for n, v in values.items() if not n.startswith(OUTPUT)},
        "output": {n.removeprefix(OUTPUT): v for n, v in values.items() if n.startswith(OUTPUT)},
    }


def _value(cell: Any) -> Any:
    """A cell of a CSV file as JSON would have it: numbers, true, false, else a text."""
    if not isinstance(cell, str):
        return cell
    try:
        return orjson.loads(cell.lower() if cell in ("True", "False") else cell)
    except orjson.JSONDecodeError:
        return cell
