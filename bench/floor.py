"""The floor: the same model behind Starlette and ONNX Runtime, and no other duty.

    FLOOR_ARTEFACT=FOLDER uvicorn bench.floor:app

It decodes JSON, encodes, runs and answers. No validation, split, log, metrics or routing.
"""

import json
import os
from pathlib import Path

import onnxruntime
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from training import serving


def build(folder: Path) -> Starlette:
    """The application around one artefact folder."""
    spec = json.loads((folder / "handler.json").read_text())
    handler = serving.load(spec["model_name"], spec["config"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )

    async def predict(request: Request) -> Response:
        rows = [orjson.loads(await request.body())]
        outputs = session.run(None, handler.encode(rows))
        answer = handler.decode(outputs, rows)[0]
        return Response(orjson.dumps(answer), media_type="application/json")

    return Starlette(routes=[Route("/predict", predict, methods=["POST"])])


def app() -> Starlette:
    """Factory for uvicorn."""
    return build(Path(os.environ["FLOOR_ARTEFACT"]))
