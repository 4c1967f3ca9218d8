"""MLflow's ``onnx`` flavour, in the worker itself: columns or tensors in, answers out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from inference.models import Answer, ArtefactError, InWorker, Row
from inference.runtimes import session, warm
from inference.runtimes.answers import CHANCES, answer
from inference.runtimes.columns import Columns
from inference.runtimes.pace import Rest
from inference.runtimes.tensors import Tensors
from shared.mlmodel import MlModel

Feeds = dict[str, NDArray[Any]]
DTYPES: Mapping[str, Any] = {
    "tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16,
    "tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(int16)": np.int16,
    "tensor(int8)": np.int8, "tensor(uint8)": np.uint8, "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outputs:
    """Places of a graph's outputs: the one with a chance per class, and the others by name."""

    chances: int | None
    others: Mapping[str, int]

    def answer(self, outputs: Sequence[Any], at: int | slice) -> Answer:
        """The answer of one row, or of a whole batch."""
        found = {name: _piece(outputs[place], at) for name, place in self.others.items()}
        if self.chances is None:
            return answer(next(iter(found.values())) if len(found) == 1 else found)
        chances = _piece(outputs[self.chances], at)
        if not found:
            return answer(np.argmax(chances, axis=-1), chances)
        return answer(next(iter(found.values())) if len(found) == 1 else found, chances)


def _piece(output: Any, at: int | slice) -> Any:
    piece = output[at]
    # Regressors give a column of one.
    return piece[0] if isinstance(piece, np.ndarray) and piece.shape == (1,) else piece


def _outputs(graph: onnxruntime.InferenceSession) -> Outputs:
    chances = None
    for place, output in enumerate(graph.get_outputs()):
        shaped = output.type.startswith("seq(map") or len(output.shape or ()) == 2
        if output.name in CHANCES and shaped:
            chances = place
    others = {o.name: p for p, o in enumerate(graph.get_outputs()) if p != chances}
    return Outputs(chances, others)


@dataclass(frozen=True, slots=True, eq=False)
class GraphModel(InWorker):
    """A graph, and what its requests are."""

    requests: Columns | Tensors
    session: onnxruntime.InferenceSession
    outputs: Outputs
    example: tuple[Row, Answer]

    @property
    def schema(self) -> dict[str, Any]:
        """Fields of a request."""
        return self.requests.schema

    def check(self, row: Row) -> None:
        """Raise ``WrongField`` unless the row can be answered."""
        self.requests.check(row)


@dataclass(frozen=True, slots=True, eq=False)
class RowModel(GraphModel):
    """A graph behind columns."""

    requests: Columns
    feeds: Callable[[Sequence[Row]], Feeds]

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        """One answer per checked row, of one run of the graph."""
        found = self.session.run(None, self.feeds(rows))
        return [self.outputs.answer(found, at) for at in range(len(rows))]


@dataclass(frozen=True, slots=True, eq=False)
class TensorModel(GraphModel):
    """A graph behind tensors."""

    requests: Tensors
    lone: str | None

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        """One answer per checked request; sizes may differ, so each is a run of its own."""
        return [self._one(row) for row in rows]

    def _one(self, row: Row) -> Answer:
        arrays, bare = self.requests.arrays(row)
        feeds = arrays if self.lone is None else {self.lone: next(iter(arrays.values()))}
        return self.outputs.answer(self.session.run(None, feeds), 0 if bare else slice(None))


def load(
    folder: Path, about: MlModel, key: str, rest: Rest, threads: int
) -> RowModel | TensorModel:
    """Load and warm up a verified folder; ``key`` is the field that no model sees.

    Raises:
        ArtefactError: the graph cannot be loaded, does not fit the signature, or does not answer.
    """
    data = about.flavors["onnx"].get("data", "model.onnx")
    graph = session.open_graph(folder / data, threads)
    rest()
    nothing: tuple[Row, Answer] = ({}, {})
    outputs = _outputs(graph)
    cold: RowModel | TensorModel
    if about.signature.tensors:
        lone = _same_names(about, graph)
        cold = TensorModel(Tensors(about.signature, key), graph, outputs, nothing, lone)
    else:
        columns = Columns(about.signature, key)
        cold = RowModel(columns, graph, outputs, nothing, _feeds(columns, graph))
    first, milliseconds = warm.example(cold, about.example, rest)
    pays = warm.batch_pays(cold, [first[0]], rest)
    return replace(cold, example=first, milliseconds=milliseconds, batches=pays)


def _same_names(about: MlModel, graph: onnxruntime.InferenceSession) -> str | None:
    """The graph's only input, where the signature gives its only tensor another name or none."""
    ours = [field.name for field in about.signature.inputs]
    theirs = [given.name for given in graph.get_inputs()]
    if sorted(ours) == sorted(theirs):
        return None
    if len(ours) == len(theirs) == 1:
        return str(theirs[0])
    raise ArtefactError(_unfit(ours, theirs))


def _unfit(ours: Sequence[str], theirs: Sequence[str]) -> str:
    return (
        f"the graph takes {', '.join(theirs)} and the signature names {', '.join(ours)};"
        " log the model with a signature of the graph's inputs"
    )


def _feeds(
    columns: Columns, graph: onnxruntime.InferenceSession
) -> Callable[[Sequence[Row]], Feeds]:
    """How rows become what the graph takes: one matrix of all columns, or each column apart."""
    inputs = graph.get_inputs()
    names = [given.name for given in inputs]
    for given in inputs:
        if given.type not in DTYPES:
            raise ArtefactError(f"input {given.name} of the graph is a {given.type}")
    if sorted(names) == sorted(columns.names):
        return _apart(inputs)
    if len(inputs) == 1:
        _require_matrix(columns, inputs[0])
        return _matrix(names[0], DTYPES[inputs[0].type], columns)
    raise ArtefactError(_unfit(columns.names, names))


def _require_matrix(columns: Columns, given: Any) -> None:
    width = given.shape[1] if len(given.shape) == 2 else None
    if isinstance(width, int) and width != len(columns.names):
        raise ArtefactError(
            f"the graph takes {width} values a row and the signature has {len(columns.names)}"
            " columns"
        )
    texts = given.type == "tensor(string)"
    kinds = {about.get("type") for about in columns.fields.values()}
    if not kinds <= ({"string"} if texts else {"number", "integer", "boolean"}):
        raise ArtefactError("columns of these types cannot be one matrix; give the graph one"
                            " input per column")  # fmt: skip


def _matrix(name: str, dtype: Any, columns: Columns) -> Callable[[Sequence[Row]], Feeds]:
    if columns.required and len(columns.names) > 1:
        pick = itemgetter(*columns.names)
        return lambda rows: {name: np.array([pick(row) for row in rows], dtype)}
    # What may be left out is not a number to the graph.
    return lambda rows: {
        name: np.array([[row.get(column) for column in columns.names] for row in rows], dtype)
    }


def _apart(inputs: Sequence[Any]) -> Callable[[Sequence[Row]], Feeds]:
    plan = [(i.name, DTYPES[i.type], (-1, 1) if len(i.shape) == 2 else (-1,)) for i in inputs]

    def feeds(rows: Sequence[Row]) -> Feeds:
        return {
            name: np.array([row.get(name) for row in rows], dtype).reshape(shape)
            for name, dtype, shape in plan
        }

    return feeds
