"""JSON Schema of requests, from the properties that a model's fields have; pure."""

from collections.abc import Mapping
from typing import Any

# Words of our own, that JSON Schema says otherwise.
OWN = ("required", "max_length", "dtype", "shape", "items", "properties", "values")
PARAMETERS = {"type": "object", "additionalProperties": True}
TENSOR = {
    "type": "object",
    "required": ["name", "datatype", "shape"],
    "properties": {
        "name": {"type": "string"},
        "datatype": {"type": "string", "examples": ["FP64", "INT64", "BOOL", "BYTES"]},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1},
        "data": {"type": "array", "items": {}},
        "parameters": PARAMETERS,
    },
}
INFER = {
    "type": "object",
    "required": ["inputs"],
    "properties": {
        "id": {"type": "string"},
        "parameters": PARAMETERS,
        "inputs": {"type": "array", "items": TENSOR, "minItems": 1},
        "outputs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "parameters": PARAMETERS},
            },
        },
    },
}
INFERRED = {
    "type": "object",
    "required": ["model_name", "model_version", "parameters", "outputs"],
    "properties": {
        "model_name": {"type": "string"},
        "model_version": {"type": "string"},
        "id": {"type": "string"},
        "parameters": PARAMETERS,
        "outputs": {"type": "array", "items": TENSOR},
    },
}


def row(fields: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """An object with these fields and no others."""
    return {
        "type": "object",
        "properties": {name: _value(about) for name, about in fields.items()},
        "required": [name for name, about in fields.items() if about.get("required")],
        "additionalProperties": False,
    }


def _value(about: Mapping[str, Any]) -> dict[str, Any]:
    if "shape" in about:
        return _tensor(about["dtype"], about["shape"])
    plain = {name: value for name, value in about.items() if name not in OWN}
    if "max_length" in about:
        plain["maxLength"] = about["max_length"]
    if plain.get("format") == "base64":
        plain["contentEncoding"] = plain.pop("format")
    if "items" in about:
        plain["items"] = _value(about["items"])
    if "values" in about:
        plain["additionalProperties"] = _value(about["values"])
    return plain | row(about["properties"]) if "properties" in about else plain


def _tensor(dtype: str, shape: list[int]) -> dict[str, Any]:
    """Nested lists; where the first axis is free, also those of one row."""
    kind = "integer" if "int" in dtype else "number" if "float" in dtype else "string"
    nested: dict[str, Any] = {"type": "boolean" if dtype == "bool" else kind}
    forms = [nested]
    for size in reversed(shape):
        bounds = {"minItems": 1} if size == -1 else {"minItems": size, "maxItems": size}
        nested = {"type": "array", "items": nested, **bounds}
        forms.append(nested)
    about = {"description": f"A {dtype} tensor of shape {shape}; -1 is free."}
    if len(forms) > 1 and shape[0] == -1:
        return {"anyOf": forms[:-3:-1], **about}
    return {**nested, **about}
