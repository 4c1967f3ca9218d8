"""Requests to a model whose signature has columns: one row each, checked by pydantic."""

import base64
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, NotRequired

from pydantic import (
    AllowInfNan,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    TypeAdapter,
    ValidationError,
    with_config,
)
from typing_extensions import TypedDict

from inference.models import Row, WrongField
from shared.signature import Signature

# What pandas can hold to the nanosecond.
EARLIEST = datetime(1677, 9, 22, tzinfo=UTC)
LATEST = datetime(2262, 4, 11, tzinfo=UTC)
# The forms of ISO 8601 that Python and pandas read alike.
ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?", re.ASCII
)
SHOWN = 60


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 3.0 is a whole one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _moment(value: Any) -> Any:
    """Numbers could be seconds or milliseconds, so only ISO 8601 is understood."""
    if not isinstance(value, str) or not ISO.fullmatch(value):
        raise ValueError("no date and time")
    found = datetime.fromisoformat(value)
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    if not EARLIEST <= aware <= LATEST:
        raise ValueError("out of range")
    return value


def _bytes(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("not a text")
    base64.b64decode(value, validate=True)
    return value


def _scalar(about: Mapping[str, Any]) -> Any:
    kind, bounds = about.get("type"), (about.get("minimum"), about.get("maximum"))
    if kind == "boolean":
        return Annotated[bool, Strict()]
    if kind == "integer":
        limits = Field(ge=bounds[0], le=bounds[1])
        return Annotated[int, BeforeValidator(_whole), Strict(), limits]
    if kind == "number":
        number = Annotated[float, Strict(), AllowInfNan(False)]
        return number if bounds[0] is None else Annotated[number, Field(ge=bounds[0], le=bounds[1])]
    if about.get("format") == "date-time":
        return Annotated[str, BeforeValidator(_moment)]
    if about.get("format") == "base64":
        return Annotated[str, BeforeValidator(_bytes)]
    return Annotated[str, Strict()] if kind == "string" else Any


def _annotation(about: Mapping[str, Any]) -> Any:
    if "items" in about:
        return Annotated[list[_annotation(about["items"])], Strict()]  # type: ignore[misc]
    if "values" in about:
        return dict[str, _annotation(about["values"])]  # type: ignore[misc]
    return _record(about["properties"]) if "properties" in about else _scalar(about)


def _record(fields: Mapping[str, Mapping[str, Any]]) -> Any:
    kinds = {
        name: _annotation(about) if about["required"] else NotRequired[_annotation(about) | None]
        for name, about in fields.items()
    }
    return with_config(ConfigDict(extra="forbid"))(TypedDict("Record", kinds))  # type: ignore[operator]


WANTED = {"boolean": "true or false", "number": "a number", "string": "a text", "array": "a list",
          "object": "an object"}  # fmt: skip


def _wanted(about: Mapping[str, Any]) -> str:
    if about.get("type") == "integer":
        return f"a whole number from {about['minimum']} to {about['maximum']}"
    if about.get("format") == "date-time":
        return "a date and time such as 2026-01-25T10:30:00 between 1678 and 2262"
    if about.get("format") == "base64":
        return "bytes in base64"
    return WANTED.get(str(about.get("type")), "a value")


def _seen(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return f"of type {type(value).__name__}"
    if isinstance(value, float) and not math.isfinite(value):
        return "not a finite number"
    return f"{value!r:.{SHOWN}}" if isinstance(value, str) else f"{value:g}"


class Columns:
    """The rows that a signature with columns allows, and ``key``, which no model sees."""

    def __init__(self, signature: Signature, key: str) -> None:
        self.names = tuple(field.name for field in signature.inputs)
        self.fields = signature.schema()
        self.schema: dict[str, Any] = dict(self.fields)
        self.schema.setdefault(key, {"type": "string", "required": False})
        self.required = all(about["required"] for about in self.fields.values())
        self._adapter: TypeAdapter[Any] = TypeAdapter(_record(self.schema))

    def check(self, row: Row) -> None:
        """Raise ``WrongField`` unless the row has the columns with values of their types."""
        try:
            self._adapter.validate_python(row)
        except ValidationError as error:
            raise self._refusal(error) from None

    def _refusal(self, error: ValidationError) -> WrongField:
        first = error.errors(include_url=False, include_context=False)[0]
        path = ".".join(str(part) for part in first["loc"])[:SHOWN]
        field = str(first["loc"][0])[:SHOWN]
        if first["type"] == "extra_forbidden":
            return WrongField(
                field,
                f"{path} is not a field of this model; remove it"
                f" (fields: {', '.join(sorted(self.schema))})",
            )
        wanted = _wanted(self._about(first["loc"]))
        if first["type"] == "missing":
            return WrongField(field, f"{path} is missing; send {wanted}")
        return WrongField(field, f"{path} is {_seen(first['input'])}; send {wanted}")

    def _about(self, path: Sequence[int | str]) -> Mapping[str, Any]:
        """Properties of the value at a place."""
        about: Mapping[str, Any] = {"properties": self.schema}
        for part in path:
            if "items" in about:
                about = about["items"]
            elif "values" in about:
                about = about["values"]
            else:
                about = about.get("properties", {}).get(part, {})
        return about
