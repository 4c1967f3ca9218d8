"""export-predictions, retrain: what production saw, and a candidate trained on it."""

import os
import sys
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from backend_api.schemas import Retrain
from backend_api.states import JobState
from ops import caller
from ops.commands.version import BY_HAND, Why, followed
from ops.errors import OpsError
from ops.terminal import say

Model = Annotated[str, typer.Argument(help="For example intent_classifier.")]
Days = Annotated[int, typer.Option("--days", min=1, max=366, help="How far back.")]
FORMS = {".csv": "csv"}


def export_predictions(
    model: Model,
    days: Days = 30,
    out: Annotated[
        Path | None, typer.Option("--out", help="A file, .csv or JSON lines; else the terminal.")
    ] = None,
    labelled: Annotated[bool, typer.Option("--labelled", help="Only those with labels.")] = False,
) -> None:
    """Write what users were answered, with labels; fields are redacted as models.yaml says."""
    form = FORMS.get(out.suffix.lower() if out else "", "jsonl")
    with caller.backend() as backend:
        pieces = backend.export_predictions(model, days, form, labelled=labelled)
        if out is None:
            for piece in pieces:
                sys.stdout.buffer.write(piece)
            return
        # Under another name until it is whole: half a file must not pass for one.
        draft = out.with_name(f".{out.name}.{os.getpid()}")
        try:
            with draft.open("wb") as handle:
                size = sum(handle.write(piece) for piece in pieces)
            draft.replace(out)
        except OSError as error:
            raise OpsError(
                f"{out} cannot be written: {error.strerror}.", "Name another."
            ) from error
        finally:
            draft.unlink(missing_ok=True)
    say(f"{size:,} bytes of {model} are in {out}.")


def retrain(
    model: Model,
    days: Days = 30,
    version: Annotated[
        str | None, typer.Option("--version", help="What to go on from; by default production.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer epochs; a try.")] = False,
    wait: Annotated[bool, typer.Option(help="Follow it to its end.")] = True,
    reason: Why = BY_HAND,
) -> None:
    """Train a candidate on a version's own rows and labelled answers; promotes nothing.

    Exit code 1 where it fails; then nothing is registered.
    """
    body = Retrain(request_id=uuid4(), reason=reason, days=days, version=version, quick=quick)
    with caller.backend() as backend:
        outcome = backend.retrain(model, body)
        say(outcome.sentence)
        if wait:
            job = followed(backend, outcome, seconds=3_600)
            assert job.state == JobState.SUCCEEDED
            say(job.message)
