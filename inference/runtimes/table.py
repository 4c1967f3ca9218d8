"""Between rows and what a Python model takes and gives. Imported by its process alone: pandas."""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from inference.models import Answer, Row
from inference.runtimes.answers import UnfitAnswer, answer
from inference.runtimes.tensors import Tensors
from shared.signature import Field, Signature

Predict = Callable[[Any], Any]
DTYPES = {
    "boolean": "bool", "integer": "int32", "long": "int64", "float": "float32", "double": "float64",
}  # fmt: skip


class Asked:
    """Makes of checked rows what the signature says that the model takes."""

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self._tensors = Tensors(signature, "") if signature.tensors else None

    def columns(self, rows: Sequence[Row]) -> Any:
        """A table, or a list where the only input has no name."""
        fields = self.signature.inputs
        if not self.signature.named:
            return [row.get(fields[0].name) for row in rows]
        return pd.DataFrame({field.name: _column(field, rows) for field in fields})

    def tensors(self, row: Row) -> tuple[Any, bool]:
        """An array, or arrays by name; and whether they lacked the batch axis."""
        assert self._tensors is not None
        ours = {field.name for field in self.signature.inputs}
        arrays, bare = self._tensors.arrays({n: v for n, v in row.items() if n in ours})
        return (arrays if self.signature.named else next(iter(arrays.values()))), bare


def _column(field: Field, rows: Sequence[Row]) -> "pd.Series[Any]":
    values = [row.get(field.name) for row in rows]
    kind = str(field.spec["type"])
    if kind == "datetime":
        moments = pd.to_datetime(pd.Series(values), format="ISO8601", utc=True)
        return moments.dt.tz_localize(None)
    if kind == "binary":
        return pd.Series([v and base64.b64decode(v) for v in values], dtype=object)
    if None in values and kind != "double":
        return pd.Series(values, dtype=object)
    return pd.Series(values, dtype=DTYPES.get(kind, object))


def answers(
    predict: Predict, chances: tuple[Predict, Sequence[Any]] | None, asked: Asked,
    rows: Sequence[Row],
) -> list[Answer]:  # fmt: skip
    """One answer per row; ``chances`` gives a number per class, and the classes' names.

    Raises:
        UnfitAnswer: the model gave another number of answers, or something JSON cannot carry.
    """
    if asked.signature.tensors:
        return [_tensor_answer(predict, chances, *asked.tensors(row)) for row in rows]
    given = asked.columns(rows)
    said = _split(predict(given), len(rows))
    if chances is None:
        return [answer(one) for one in said]
    sure, names = chances
    return [
        answer(one, dict(zip(map(str, names), row.tolist(), strict=True)))
        for one, row in zip(said, np.asarray(sure(given)), strict=True)
    ]


def _tensor_answer(
    predict: Predict, chances: tuple[Predict, Sequence[Any]] | None, given: Any, bare: bool
) -> Answer:
    said = _unnamed(predict(given))
    at = 0 if bare else slice(None)
    one = {n: v[at] for n, v in said.items()} if isinstance(said, dict) else said[at]
    return answer(one) if chances is None else answer(one, np.asarray(chances[0](given))[at])


def _unnamed(said: Any) -> Any:
    """Arrays of a table: by column, or the only column's."""
    if isinstance(said, pd.DataFrame):
        return said.to_numpy() if said.shape[1] == 1 else {c: said[c].to_numpy() for c in said}
    if isinstance(said, pd.Series):
        return said.to_numpy()
    return said


def _split(said: Any, count: int) -> list[Any]:
    """What a model gave, by row."""
    if isinstance(said, pd.DataFrame):
        only = said.shape[1] == 1 and said.columns[0] != "prediction"
        found = said.iloc[:, 0].tolist() if only else said.to_dict("records")
    elif isinstance(said, Mapping):
        if all(_length(part) == count for part in said.values()):
            found = [{name: part[n] for name, part in said.items()} for n in range(count)]
        else:
            found = [dict(said)]
    elif isinstance(said, pd.Series | np.ndarray | list | tuple):
        found = list(said)
        if count == 1 and len(found) != 1:
            found = [said]
    else:
        found = [said]
    if len(found) != count:
        raise UnfitAnswer(f"the model gave {len(found)} answers to {count} rows")
    return [_alone(one) for one in found]


def _length(part: Any) -> int:
    return len(part) if isinstance(part, list | tuple | np.ndarray | pd.Series) else -1


def _alone(one: Any) -> Any:
    """A row of one number is that number."""
    return one[0] if isinstance(one, np.ndarray) and one.shape == (1,) else one
