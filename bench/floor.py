"""The floor: the same model behind Starlette and ONNX Runtime, and no other duty.

    FLOOR_ARTEFACT=FOLDER uvicorn bench.floor:app

It decodes JSON, encodes, runs and answers. No validation, split, log, metrics or routing.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared import mlmodel
from training import serving

Answer = Callable[[dict[str, Any]], dict[str, Any]]


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _ours(folder: Path) -> Answer:
    """One of the project's models, by the handler that the service uses too."""
    spec = json.loads((folder / "handler.json").read_text())
    handler = serving.load(spec["model_name"], spec["config"])
    session = _session(folder / "model.onnx")

    def answer(row: dict[str, Any]) -> dict[str, Any]:
        return handler.decode(session.run(None, handler.encode([row])), [row])[0]

    return answer


def _plain(folder: Path) -> Answer:
    """A classifier of columns, as anybody would write it by hand."""
    about = mlmodel.read(folder)
    columns = [str(field.name) for field in about.signature.inputs]
    session = _session(folder / about.flavors["onnx"]["data"])
    name = session.get_inputs()[0].name

    def answer(row: dict[str, Any]) -> dict[str, Any]:
        matrix = np.array([[row[column] for column in columns]], dtype=np.float32)
        labels, chances = session.run(None, {name: matrix})
        return {"prediction": labels[0].item(), "probabilities": chances[0].tolist()}

    return answer


def build(folder: Path) -> Starlette:
    """The application around one artefact folder."""
    answer = _ours(folder) if (folder / "handler.json").exists() else _plain(folder)

    async def predict(request: Request) -> Response:
        row = orjson.loads(await request.body())
        return Response(orjson.dumps(answer(row)), media_type="application/json")

    return Starlette(routes=[Route("/predict", predict, methods=["POST"])])


def app() -> Starlette:
    """Factory for uvicorn."""
    return build(Path(os.environ["FLOOR_ARTEFACT"]))
