"""Tensors of the Open Inference Protocol, as JSON and as the bytes of its binary extension."""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from inference.errors import BadRequest

DTYPES: Mapping[str, Any] = {
    "BOOL": np.bool_, "INT8": np.int8, "INT16": np.int16, "INT32": np.int32, "INT64": np.int64,
    "UINT8": np.uint8, "UINT16": np.uint16, "UINT32": np.uint32, "UINT64": np.uint64,
    "FP16": np.float16, "FP32": np.float32, "FP64": np.float64,
}  # fmt: skip
BYTES = "BYTES"
MOST_AXES = 8
NAMES = {np.dtype(kind).name: name for name, kind in DTYPES.items()}
_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named tensor; ``values`` are of ``shape``, texts as Python objects."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: NDArray[Any]
    parameters: Mapping[str, Any]


def wrong(name: str, problem: str) -> BadRequest:
    """The refusal of one tensor."""
    return BadRequest(f"Input {name[:60]!r} {problem}.", "See /v2/models/NAME.", field=name[:60])


def read(about: Any, binary: memoryview) -> tuple[Tensor, memoryview]:
    """One input of a request, and what is left of the bytes behind the JSON.

    Raises:
        BadRequest: it is none, or its data do not fit its datatype and shape.
    """
    if not isinstance(about, dict) or not isinstance(about.get("name"), str):
        raise BadRequest("An input is no object with a name.", "See /v2/models/NAME.")
    name, kind, shape = about["name"], about.get("datatype"), about.get("shape")
    if not isinstance(kind, str) or (kind != BYTES and kind not in DTYPES):
        raise wrong(name, f"has the datatype {str(kind)[:20]!r}; use {BYTES}, {', '.join(DTYPES)}")
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise wrong(name, "has no shape that is a list of whole numbers")
    if not 1 <= len(shape) <= MOST_AXES:
        raise wrong(name, f"has {len(shape)} axes; send 1 to {MOST_AXES}")
    parameters = about.get("parameters") or {}
    size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    count = math.prod(shape)
    if size is None:
        flat = _from_json(name, kind, about.get("data"))
    elif type(size) is not int or not 0 <= size <= len(binary):
        raise wrong(name, f"has a binary_data_size of {size}, and {len(binary)} bytes are left")
    else:
        flat = _from_bytes(name, kind, binary[:size])
        binary = binary[size:]
    if len(flat) != count:
        raise wrong(name, f"has {len(flat)} values, and its shape {shape} asks for {count}")
    return Tensor(name, kind, tuple(shape), flat.reshape(shape), {}), binary


def _flatten(data: list[Any]) -> list[Any]:
    """Values of nested lists, row by row; what lies deeper than any tensor stays a list."""
    for _ in range(MOST_AXES):
        if not any(isinstance(part, list) for part in data):
            break
        data = [v for part in data for v in (part if isinstance(part, list) else (part,))]
    return data


def _from_json(name: str, kind: str, data: Any) -> NDArray[Any]:
    if not isinstance(data, list):
        raise wrong(name, "has no data; send a list")
    flat = _flatten(data)
    seen = {*map(type, flat)}
    if kind == BYTES:
        if not seen <= {str}:
            raise wrong(name, "is of datatype BYTES and holds something that is no text")
        return np.array(flat, dtype=object)
    allowed = {bool} if kind == "BOOL" else {int} if "INT" in kind else {int, float}
    if not seen <= allowed:
        raise wrong(name, f"is of datatype {kind} and holds something else")
    try:
        with np.errstate(over="ignore"):
            return np.array(flat, dtype=DTYPES[kind])
    except OverflowError as error:
        raise wrong(name, f"holds a number that {kind} cannot") from error


def _from_bytes(name: str, kind: str, content: memoryview) -> NDArray[Any]:
    if kind == BYTES:
        return np.array(_texts(name, content), dtype=object)
    dtype = np.dtype(DTYPES[kind]).newbyteorder("<")
    if len(content) % dtype.itemsize:
        raise wrong(name, f"has {len(content)} bytes, which are no whole {kind} values")
    found = np.frombuffer(content, dtype)
    if kind == "BOOL" and not np.isin(found.view(np.uint8), (0, 1)).all():
        raise wrong(name, "holds bytes that are neither 0 nor 1")
    return found.astype(DTYPES[kind])


def _texts(name: str, content: memoryview) -> list[str]:
    found, at = [], 0
    while at < len(content):
        end = at + _LENGTH.size
        length = _LENGTH.unpack(content[at:end])[0] if end <= len(content) else len(content)
        if end + length > len(content):
            raise wrong(name, "ends in the middle of a text")
        try:
            found.append(str(content[end : end + length], "utf-8"))
        except UnicodeDecodeError as error:
            raise wrong(name, f"holds a text that is not UTF-8: {error}") from error
        at = end + length
    return found


def made(name: str, values: Sequence[Any]) -> Tensor:
    """Values as a tensor: numbers and texts as themselves, all else as texts of JSON."""
    if name == "probabilities" and isinstance(values[0], dict):
        classes = list(values[0])
        table = np.array([[row[one] for one in classes] for row in values], np.float64)
        return _tensor(name, table, {"classes": orjson.dumps(classes).decode()})
    try:
        array = np.array(values)
    except ValueError:
        array = np.array(None)
    if array.dtype.kind == "U":
        return (
            _tensor(name, array.astype(object), {}) if _all_texts(values) else _json(name, values)
        )
    if array.dtype.kind not in "biuf":
        return _json(name, values)
    return _tensor(name, array, {})


def _all_texts(values: Sequence[Any]) -> bool:
    return {*map(type, _flatten(list(values)))} <= {str}


def _json(name: str, values: Sequence[Any]) -> Tensor:
    texts = [orjson.dumps(value).decode() for value in values]
    return _tensor(name, np.array(texts, dtype=object), {"content_type": "application/json"})


def _tensor(name: str, array: NDArray[Any], parameters: Mapping[str, Any]) -> Tensor:
    kind = BYTES if array.dtype.kind == "O" else NAMES[array.dtype.name]
    return Tensor(name, kind, array.shape, array, parameters)


def binary(tensor: Tensor) -> bytes:
    """The bytes of a tensor, little-endian and row by row; texts with their lengths before them."""
    if tensor.datatype != BYTES:
        little = tensor.values.astype(tensor.values.dtype.newbyteorder("<"))
        return little.tobytes()
    texts = [text.encode() for text in tensor.values.ravel()]
    return b"".join(_LENGTH.pack(len(text)) + text for text in texts)
