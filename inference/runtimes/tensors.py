"""Requests to a model whose signature has tensors: nested lists, with or without the batch axis."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.models import Row, WrongField
from shared.signature import Field, Signature

Array = NDArray[Any]
# Kinds of numpy that may be sent for each kind; whole numbers are numbers too.
TAKES = {"f": "fiu", "i": "iu", "u": "iu", "b": "b", "U": "U", "O": "U", "S": "U"}
CALLED = {"f": "numbers", "i": "whole numbers", "u": "whole numbers", "b": "true or false"}


class Tensors:
    """The requests that a signature with tensors allows, and ``key``, which no model sees.

    A tensor whose first axis is free (-1) may also be sent without it: as one row.
    """

    def __init__(self, signature: Signature, key: str) -> None:
        self._fields = {field.name: field for field in signature.inputs}
        self._types = {f.name: _dtype(f) for f in signature.inputs}
        self.schema: dict[str, Any] = signature.schema()
        self.schema.setdefault(key, {"type": "string", "required": False})

    def check(self, row: Row) -> None:
        """Raise ``WrongField`` unless the row has the tensors with their types and shapes."""
        for name in row:
            if name not in self.schema:
                raise WrongField(
                    name[:60],
                    f"{name[:60]} is not a field of this model; remove it"
                    f" (fields: {', '.join(sorted(self.schema))})",
                )
        self.arrays(row)

    def arrays(self, row: Row) -> tuple[dict[str, Array], bool]:
        """Whole tensors by name, and whether the row was sent without the batch axis.

        Raises:
            WrongField: a tensor is missing, or of another type or shape.
        """
        found: dict[str, Array] = {}
        lone: dict[str, bool] = {}
        for name, field in self._fields.items():
            if row.get(name) is None:
                if field.required:
                    raise WrongField(name, f"{name} is missing; send {_wanted(field)}")
                continue
            array = _array(field, self._types[name], row[name])
            lone[name] = array.ndim == len(field.shape) - 1 and field.shape[0] == -1
            found[name] = array[None] if lone[name] else array
            _fits(field, found[name], array.shape)
        free = [name for name in found if self._fields[name].shape[:1] == (-1,)]
        bare = [name for name in free if lone[name]]
        if bare and len(bare) < len(free):
            raise WrongField(bare[0], f"{bare[0]} has no batch axis and other tensors have one")
        return found, bool(bare)


def _dtype(field: Field) -> np.dtype[Any]:
    return np.dtype(object if field.dtype in ("str", "object", "string") else field.dtype)


def _array(field: Field, dtype: np.dtype[Any], value: Any) -> Array:
    name, wanted = field.name, _wanted(field)
    try:
        raw = np.array(value)
    except ValueError:
        raise WrongField(name, f"{name} has lists of different lengths; send {wanted}") from None
    if raw.size == 0:
        raise WrongField(name, f"{name} holds nothing; send {wanted}")
    if raw.dtype.kind == "f" and dtype.kind in "iu" and np.array_equal(raw, np.trunc(raw)):
        raw = raw.astype(np.int64)
    if raw.dtype.kind not in TAKES.get(dtype.kind, ""):
        raise WrongField(name, f"{name} does not hold {_called(dtype)}; send {wanted}")
    if dtype.kind in "iu":
        bounds = np.iinfo(dtype)
        if raw.min() < bounds.min or raw.max() > bounds.max:
            raise WrongField(name, f"{name} holds numbers beyond {dtype}; send {wanted}")
    with np.errstate(over="ignore"):
        made = raw.astype(dtype)
    if dtype.kind == "f" and not np.isfinite(made).all():
        raise WrongField(name, f"{name} holds numbers that are not finite; send {wanted}")
    return made


def _fits(field: Field, array: Array, sent: Sequence[int]) -> None:
    """Raise ``WrongField`` unless every axis that is not free has its size."""
    fits = array.ndim == len(field.shape) and all(
        want in (-1, size) for want, size in zip(field.shape, array.shape, strict=True)
    )
    if not fits:
        raise WrongField(
            field.name, f"{field.name} has the shape {list(sent)}; send {_wanted(field)}"
        )


def _called(dtype: np.dtype[Any]) -> str:
    return CALLED.get(dtype.kind, "texts")


def _wanted(field: Field) -> str:
    row = f" (or {list(field.shape[1:])} for one row)" if field.shape[:1] == (-1,) else ""
    return f"a {field.dtype} tensor of shape {list(field.shape)}{row}; -1 is free"
