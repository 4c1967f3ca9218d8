"""The project's own models: an ONNX graph, a handler around it, and golden answers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import onnxruntime

from inference.models import Answer, ArtefactError, InWorker, Row, WrongField
from inference.runtimes import session, warm
from inference.runtimes.pace import Rest
from training import serving

MARK = "handler.json"


@dataclass(frozen=True, slots=True, eq=False)
class HandlerModel(InWorker):
    """A version of one of the four."""

    handler: serving.Handler
    session: onnxruntime.InferenceSession
    schema: dict[str, Any]
    example: tuple[Row, Answer]

    def check(self, row: Row) -> None:
        """Raise ``WrongField`` unless the row can be answered."""
        try:
            self.handler.validate(row)
        except ValueError as error:
            raise WrongField(str(error).split(" ", 1)[0], str(error)) from error
        if not self.schema.keys() >= row.keys():
            strange = next(name for name in row if name not in self.schema)
            raise WrongField(
                strange[:60],
                f"{strange[:60]} is not a field of this model; remove it"
                f" (fields: {', '.join(sorted(self.schema))})",
            )

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        """One answer per checked row."""
        return self.handler.decode(self.session.run(None, self.handler.encode(rows)), rows)


def load(folder: Path, rest: Rest, threads: int) -> HandlerModel:
    """Load a verified folder, warm it up and check its golden answers.

    Raises:
        ArtefactError: a file is missing or wrong, or an answer is not the recorded one.
    """
    spec, golden = warm.read(folder, MARK), warm.read(folder, "golden.json")
    schema = warm.read(folder, "input_schema.json")
    if not golden:
        raise ArtefactError("golden.json is empty, so nothing shows that the version answers")
    try:
        handler = serving.load(spec["model_name"], spec["config"])
    except (ImportError, KeyError, TypeError, ValueError) as error:
        raise ArtefactError(f"handler.json cannot be used: {error}") from error
    rest()
    first = golden[0]["request"], golden[0]["answer"]
    network = session.open_graph(folder / "model.onnx", threads)
    rest()
    cold = HandlerModel(handler, network, schema, first)
    milliseconds = warm.golden(cold, golden, rest)
    pays = warm.batch_pays(cold, [row["request"] for row in golden], rest)
    return replace(cold, milliseconds=milliseconds, batches=pays)
