"""Which of the ways runs a folder, decided by what lies in it."""

from pathlib import Path

from inference.models import ArtefactError, Model
from inference.runtimes import graph, handler, python
from inference.runtimes.pace import Rest, breathe
from shared import mlmodel
from shared.mlmodel import MlModelError


def load(folder: Path, key: str, threads: int = 1, rest: Rest = breathe) -> Model:
    """A verified folder as a version that answers; ``key`` is the field that routing splits by.

    ``threads`` are those of ONNX Runtime for one answer; ``rest`` is called between the pieces of
    the load.

    Raises:
        ArtefactError: it cannot be served; the message names the file and what is wrong.
    """
    # The digest has just been computed.
    rest()
    if (folder / handler.MARK).exists() or not (folder / mlmodel.FILE).exists():
        return handler.load(folder, rest, threads)
    try:
        about = mlmodel.read(folder)
    except MlModelError as error:
        raise ArtefactError(str(error)) from error
    rest()
    if "onnx" in about.flavors:
        return graph.load(folder, about, key, rest, threads)
    return python.load(folder, about, key, rest)
