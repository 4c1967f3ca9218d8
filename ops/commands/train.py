"""train: the four models' own training, with the stack's MLflow."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from backend_api import catalog as catalogs
from ops import reach
from ops.errors import OpsError
from ops.settings import PROJECT, OpsSettings
from ops.stack.environment import QUIET
from ops.stack.record import load


def train(
    model: Annotated[str, typer.Argument(help="For example intent_classifier.")],
    data_path: Annotated[
        Path | None, typer.Option("--data-path", help="Training data; by default generated.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of data and training.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Less data, fewer epochs; a try.")] = False,
) -> None:
    """Train a model, log it to MLflow, and hold it against its acceptance criteria."""
    models_file = OpsSettings().models_file.resolve()
    catalogs.load(models_file).get(model)
    module = PROJECT / "training" / model / "train.py"
    if not module.exists():
        raise OpsError(
            f"There is no training for {model}.", "Its file would be training/MODEL/train.py."
        )
    argv = [sys.executable, "-m", f"training.{model}.train"]
    argv += [] if data_path is None else ["--data-path", str(data_path)]
    argv += [] if seed is None else ["--seed", str(seed)]
    argv += ["--quick"] if quick else []
    tracking = reach.value("MLFLOW_TRACKING_URI", load(reach.home()))
    ours = {"MLFLOW_TRACKING_URI": tracking, "MODELS_FILE": str(models_file)}
    env = {**os.environ, **QUIET, **ours}
    raise typer.Exit(subprocess.run(argv, env=env, check=False).returncode)
