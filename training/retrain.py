"""Train a version's successor on its own rows and labelled ones from production, and log it.

    python -m training.retrain MODEL RUN_ID EXPORT --folder FOLDER --version v1.2.0

Each line of standard output is JSON: ``progress`` (0..1) with a ``message``, and at last ``run_id``
and ``model_uri`` with what the rows were.
"""

import json
import os
import sys
import threading
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from training import networks, own_data, tracking, updated
from training.datasets import DEFAULT_SEED, DataError
from training.serving import MODELS

UNUSABLE = 2
# Progress when training begins and when it is over.
BEGUN, TRAINED = 0.2, 0.85

app = typer.Typer(add_completion=False)


def _say(**said: Any) -> None:
    typer.echo(json.dumps(said, ensure_ascii=False))


def _epoch(rows: str, done: int, of: int) -> None:
    share = BEGUN + (TRAINED - BEGUN) * done / of
    _say(progress=round(share, 3), message=f"Epoch {done} of {of} on {rows}")


def _attended() -> None:
    sys.stdin.read()
    os._exit(1)


@app.command()
def main(
    model: Annotated[str, typer.Argument(help="For example intent_classifier.")],
    run_id: Annotated[str, typer.Argument(help="The run whose model is to be succeeded.")],
    export: Annotated[Path, typer.Argument(help="JSON lines with input and label.")],
    folder: Annotated[Path, typer.Option(help="Where the new training file stays.")],
    version: Annotated[str, typer.Option(help="What the run was registered as.")],
    quick: Annotated[bool, typer.Option("--quick", help="Fewer epochs, for tries.")] = False,
) -> None:
    """Train on old and new rows and log the run; exit code 2 where that cannot be.

    Ends when its standard input does: whoever ordered it is gone then.
    """
    threading.Thread(target=_attended, daemon=True).start()
    # Behind the stack in line, which has answers to give.
    os.nice(10)
    try:
        if model not in MODELS:
            raise DataError(f"{model} is none of {', '.join(MODELS)}, whose training is known")
        _say(progress=0.05, message=f"Reading what {version} was trained on")
        with TemporaryDirectory() as place:
            trained = tracking.fetch(run_id, Path(place))
        old = own_data.again(model, trained)
        _say(progress=0.15, message="Putting the labelled answers beside it")
        folder.mkdir(parents=True, exist_ok=True)
        merged = updated.merge(model, old, export, folder)
        rows = f"{merged.old:,} old and {merged.new:,} new rows"
        _say(progress=BEGUN, message=f"Training on {rows}")
        networks.HEARD.set(partial(_epoch, rows))
        seed = int(trained.params.get("seed", DEFAULT_SEED))
        made = import_module(f"training.{model}.train").train(merged.path, seed, quick)
    except (DataError, tracking.TrackingError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(UNUSABLE) from None
    _say(
        run_id=made.run_id, model_uri=made.model_uri, old_rows=merged.old, new_rows=merged.new,
        left_out=dict(merged.left_out),
    )  # fmt: skip


if __name__ == "__main__":
    app()
