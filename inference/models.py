"""One version in memory: loaded, warmed, and held against its golden answers."""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnxruntime

from training import serving

# The exporter's own check allows 1e-5; a machine with other vector units may add as much again.
TOLERANCE = 1e-4
WARM_ROUNDS = 2


class ArtefactError(Exception):
    """The artefact cannot be served; the message names the file and what is wrong."""


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A loaded version. Safe to share by threads. ``milliseconds`` is the median
    processor time of a warm answer."""

    handler: serving.Handler
    session: onnxruntime.InferenceSession
    fields: frozenset[str]
    schema: dict[str, Any]
    milliseconds: float

    def check(self, row: dict[str, Any]) -> None:
        """Raise ``ValueError`` naming the field and what to do, unless the row can be answered."""
        self.handler.validate(row)
        if not self.fields.issuperset(row):
            strange = next(name for name in row if name not in self.fields)
            raise ValueError(
                f"{strange[:60]} is not a field of this model; remove it"
                f" (fields: {', '.join(sorted(self.fields))})"
            )

    def answer(self, rows: Sequence[dict[str, Any]]) -> list[serving.Answer]:
        """One answer per checked row."""
        return self.handler.decode(self.session.run(None, self.handler.encode(rows)), rows)


def _read(folder: Path, name: str) -> Any:
    try:
        return json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtefactError(f"{name} is missing") from None
    except ValueError as error:
        raise ArtefactError(f"{name} is not JSON: {error}") from error


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    # ONNX Runtime's errors share no base but Exception.
    except Exception as error:
        raise ArtefactError(f"{path.name} cannot be loaded: {str(error)[:300]}") from error


def same(expected: Any, got: Any) -> bool:
    """Equal, but for numbers within the tolerance, relative above 1."""
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    if isinstance(expected, int | float) and isinstance(got, int | float):
        return math.isclose(expected, got, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    if isinstance(expected, dict):
        return (
            isinstance(got, dict)
            and expected.keys() == got.keys()
            and all(same(value, got[name]) for name, value in expected.items())
        )
    if isinstance(expected, list):
        return (
            isinstance(got, list | tuple)
            and len(expected) == len(got)
            and all(map(same, expected, got))
        )
    return bool(expected == got)


def _warm(model: Model, golden: Sequence[dict[str, Any]]) -> float:
    """Median milliseconds of a warm answer; ``ArtefactError`` on another answer than recorded."""
    taken: list[float] = []
    for number, row in enumerate(list(golden) * WARM_ROUNDS):
        # Of the processor and not of the clock, which would count what others run meanwhile.
        begun = time.thread_time()
        try:
            model.check(row["request"])
            got = model.answer([row["request"]])[0]
        # Whatever breaks a recorded request would break a caller's too.
        except Exception as error:
            raise ArtefactError(f"golden row {number} fails: {error}") from error
        taken.append((time.thread_time() - begun) * 1000)
        if not same(row["answer"], got):
            raise ArtefactError(f"golden row {number} gives {got}, recorded was {row['answer']}")
        # Requests that are being served go first.
        time.sleep(0)
    return sorted(taken[len(golden) :])[len(golden) // 2]


def load(folder: Path) -> Model:
    """Load a verified artefact folder, warm it up and check its golden answers.

    Raises:
        ArtefactError: a file is missing or wrong, or an answer is not the recorded one.
    """
    spec, golden = _read(folder, "handler.json"), _read(folder, "golden.json")
    schema = _read(folder, "input_schema.json")
    if not golden:
        raise ArtefactError("golden.json is empty, so nothing shows that the version answers")
    try:
        handler = serving.load(spec["model_name"], spec["config"])
    except (ImportError, KeyError, TypeError, ValueError) as error:
        raise ArtefactError(f"handler.json cannot be used: {error}") from error
    session = _session(folder / "model.onnx")
    cold = Model(handler, session, frozenset(schema), schema, 0.0)
    return Model(handler, session, frozenset(schema), schema, _warm(cold, golden))
