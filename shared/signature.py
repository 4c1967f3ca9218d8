"""What a model takes and gives, as MLflow's signature says it; both sides read it by this."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# The field that carries an input without a name.
UNNAMED = "inputs"
INT32, INT64 = 2**31, 2**63
FLOAT32 = 3.4028234663852886e38

COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "minimum": -INT32, "maximum": INT32 - 1},
    "long": {"type": "integer", "minimum": -INT64, "maximum": INT64 - 1},
    "float": {"type": "number", "minimum": -FLOAT32, "maximum": FLOAT32},
    "double": {"type": "number"},
    "string": {"type": "string"},
    "binary": {"type": "string", "format": "base64"},
    "datetime": {"type": "string", "format": "date-time"},
    "any": {},
}


class SignatureError(ValueError):
    """A signature that nothing can be served by; the message says what to do."""


@dataclass(frozen=True)
class Field:
    """One input or output: a column, or a tensor if ``dtype`` is set; -1 in a shape is free."""

    name: str
    required: bool
    spec: Mapping[str, Any]
    dtype: str | None = None
    shape: tuple[int, ...] = ()

    def schema(self) -> dict[str, Any]:
        """Entry of an ``input_schema.json``."""
        if self.dtype is not None:
            return {"type": "array", "dtype": self.dtype, "shape": list(self.shape),
                    "required": self.required}  # fmt: skip
        return {**_column(self.name, self.spec), "required": self.required}


@dataclass(frozen=True)
class Signature:
    """Inputs are all columns or all tensors; ``named`` is false for a single one without a name."""

    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]
    named: bool

    @property
    def tensors(self) -> bool:
        """Whether inputs are tensors."""
        return self.inputs[0].dtype is not None

    def schema(self) -> dict[str, dict[str, Any]]:
        """What an ``input_schema.json`` would say: field to properties."""
        return {field.name: field.schema() for field in self.inputs}


def _column(path: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(spec["type"]).lower()
    if kind in COLUMNS:
        return dict(COLUMNS[kind])
    if kind == "array":
        return {"type": "array", "items": _column(f"{path}.items", spec["items"])}
    if kind == "map":
        return {"type": "object", "values": _column(f"{path}.values", spec["values"])}
    if kind == "object":
        parts = {
            name: {**_column(f"{path}.{name}", part), "required": bool(part.get("required", True))}
            for name, part in spec["properties"].items()
        }
        return {"type": "object", "properties": parts}
    raise SignatureError(f"{path} is of type {spec['type']!r}, which cannot be sent as JSON")


def _field(about: Mapping[str, Any], position: str) -> Field:
    name, required = about.get("name") or position, bool(about.get("required", True))
    if about["type"] != "tensor":
        field = Field(name, required, about)
        field.schema()
        return field
    tensor = about["tensor-spec"]
    return Field(name, required, about, str(tensor["dtype"]), tuple(map(int, tensor["shape"])))


def _fields(said: str | None, lone: str) -> tuple[tuple[Field, ...], bool]:
    found: Sequence[Mapping[str, Any]] = json.loads(said) if said else []
    named = all(about.get("name") for about in found)
    if not named and len(found) > 1:
        raise SignatureError("inputs have no names; log the model with named columns or tensors")
    return tuple(_field(about, lone) for about in found), named


def parse(document: Mapping[str, Any] | None) -> Signature:
    """The signature in the ``signature`` part of an ``MLmodel`` file.

    Raises:
        SignatureError: there is none, it names no inputs, or they cannot be sent as JSON.
    """
    if not document or not document.get("inputs"):
        raise SignatureError(
            "the model has no signature with inputs; log it with"
            " signature=mlflow.models.infer_signature(inputs, outputs)"
        )
    try:
        inputs, named = _fields(document["inputs"], UNNAMED)
        said = json.loads(document.get("outputs") or "[]")
        outputs = tuple(_field(about, f"output_{n}") for n, about in enumerate(said))
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise SignatureError(f"the model's signature cannot be read: {error!r}") from error
    if len({field.dtype is None for field in inputs}) != 1:
        raise SignatureError("the model's signature mixes columns and tensors")
    return Signature(inputs, outputs, named)
