"""The process of one Python version: MLflow loads the folder, and rows are answered.

    python -m inference.runtimes.child DESCRIPTOR FOLDER

It ends when the worker at the other end of the socket does.
"""

import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from inference.models import Answer, Row
from inference.runtimes import frames
from inference.runtimes.table import Asked, answers
from shared import mlmodel

OURS = ("inference", "shared")


def _forget_ours() -> None:
    """A model may bring modules of its own with these names."""
    for name in [name for name in sys.modules if name.split(".")[0] in OURS]:
        del sys.modules[name]


def _load(folder: Path) -> Callable[[Sequence[Row]], list[Answer]]:
    about = mlmodel.read(folder)
    asked = Asked(about.signature)
    _forget_ours()
    from mlflow import pyfunc

    model = pyfunc.load_model(str(folder))
    flavor = about.flavors["python_function"]
    chances = None
    if "sklearn" in about.flavors and flavor.get("predict_fn", "predict") == "predict":
        estimator = model.get_raw_model()
        if hasattr(estimator, "predict_proba") and hasattr(estimator, "classes_"):
            chances = estimator.predict_proba, list(estimator.classes_)
    return lambda rows: answers(model.predict, chances, asked, rows)


def _answer(work: Callable[[Sequence[Row]], list[Answer]], rows: Sequence[Row]) -> dict[str, Any]:
    try:
        return {"answers": work(rows)}
    # A model may break in any way; the worker counts it against the version.
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:500]}


def _serve(end: socket.socket, work: Callable[[Sequence[Row]], list[Answer]]) -> None:
    while True:
        try:
            rows = frames.receive(end)
        except frames.Ended:
            return
        frames.send(end, _answer(work, rows))


def main() -> None:
    """Load the folder and answer until the other end is closed."""
    # Ctrl-C is for the supervisor, which drains first.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end, folder = socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2])
    try:
        work = _load(folder)
    # Loading runs the model's own code.
    except BaseException as error:
        frames.send(end, {"error": f"{type(error).__name__}: {error}"[:500]})
        return
    frames.send(end, {"ready": True})
    _serve(end, work)
    # Threads that the model has started do not hold it back.
    os._exit(0)


if __name__ == "__main__":
    main()
