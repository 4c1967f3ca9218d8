"""``POST /v2/models/NAME/infer``: rows or whole tensors, for the hot path of ``/predict``."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from starlette.types import Scope

from inference.body import Headers, header
from inference.dialect import JSON, Head, Said
from inference.errors import BadRequest, ServiceError, spoken
from inference.models import Answer, Row
from inference.v2 import tensors
from inference.v2.tensors import BYTES, Tensor, wrong

# Each row is a prediction of its own in the log.
MOST_ROWS = 256
HEADER_LENGTH = b"inference-header-content-length"
DOCS = "docs/runbook.md shows requests; /v2/models/NAME says what a model takes."


def whole(schema: Mapping[str, Any]) -> bool:
    """Whether a model takes tensors as they are, rather than rows of columns."""
    return any("shape" in about for about in schema.values())


def outputs(answers: list[Answer] | tuple[Answer, ...], as_they_are: bool) -> list[Tensor]:
    """Answers as tensors: one per field of an answer, with a place for each row."""
    if not as_they_are:
        return [tensors.made(name, [row[name] for row in answers]) for name in answers[0]]
    found = dict(answers[0])
    if isinstance(found["prediction"], dict):
        found = {**found.pop("prediction"), **found}
    return [
        tensors.made(name, value if isinstance(value, list) else [value])
        for name, value in found.items()
    ]


class Infer:
    """A request."""

    def __init__(self, document: dict[str, Any], inputs: list[Tensor], field: str) -> None:
        self._document, self._inputs, self._field = document, inputs, field
        self._parameters = _parameters(document)
        self._wanted = _wanted(document)
        self._whole = False
        self.key = self._parameters.get(field)
        if self.key is None:
            self.key = self._sent_key()

    def _sent_key(self) -> Any:
        """The key among the inputs: all rows of a request are answered by one arm."""
        sent = next((t for t in self._inputs if t.name == self._field), None)
        if sent is None or sent.values.size == 0:
            return None
        keys = set(sent.values.ravel().tolist())
        if len(keys) > 1:
            raise wrong(self._field, "holds several keys; send one request for each")
        return keys.pop()

    def rows(self, schema: Mapping[str, Any]) -> list[Row]:
        """Rows of columns, or one row with the tensors as they are."""
        self._whole = whole(schema)
        key = {self._field: self.key} if self.key is not None and self._field in schema else {}
        if self._whole:
            sent = {t.name: t.values.tolist() for t in self._inputs if t.name != self._field}
            return [{**sent, **key}]
        counts = {tensor.shape[0] if tensor.shape else 0 for tensor in self._inputs}
        if len(counts) != 1 or counts == {0}:
            raise BadRequest(
                f"The inputs have {', '.join(map(str, sorted(counts)))} rows;"
                " send as many of each, and at least one.", DOCS,
            )  # fmt: skip
        (count,) = counts
        if count > MOST_ROWS:
            raise BadRequest(f"The request has {count} rows; send {MOST_ROWS} or fewer.", DOCS)
        columns = {t.name: _column(t, schema.get(t.name, {})) for t in self._inputs}
        return [
            {**key, **{name: values[n] for name, values in columns.items()}} for n in range(count)
        ]

    def answer(self, said: Said) -> tuple[bytes, Head]:
        """The answer as tensors, as JSON or with bytes behind it."""
        made = {t.name: t for t in outputs(list(said.answers), self._whole)}
        parts: list[bytes] = []
        shown = [
            _output(made, about, self._parameters, parts)
            for about in self._wanted or [{"name": name} for name in made]
        ]
        document = {
            "model_name": said.name, "model_version": said.arm.version,
            **({"id": self._document["id"]} if "id" in self._document else {}),
            "parameters": {
                "arm": said.arm.arm, "epoch": said.epoch, "prediction_ids": ",".join(said.ids),
                "latency_ms": said.milliseconds,
                **({"features": orjson.dumps(said.told).decode()} if said.told else {}),
            },
            "outputs": shown,
        }  # fmt: skip
        content = orjson.dumps(document)
        if not parts:
            return content, (JSON,)
        length = (HEADER_LENGTH, b"%d" % len(content))
        return b"".join([content, *parts]), ((b"content-type", b"application/octet-stream"), length)


def _parameters(document: Mapping[str, Any]) -> Mapping[str, Any]:
    found = document.get("parameters") or {}
    if not isinstance(found, dict):
        raise BadRequest("parameters is no object.", DOCS, field="parameters")
    return found


def _wanted(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The outputs that were asked for, none for all."""
    found = document.get("outputs") or []
    if not isinstance(found, list) or not all(
        isinstance(about, dict)
        and isinstance(about.get("name"), str)
        and isinstance(about.get("parameters", {}), dict)
        for about in found
    ):
        raise BadRequest("outputs is no list of objects with a name.", DOCS, field="outputs")
    return found


def _column(tensor: Tensor, about: Mapping[str, Any]) -> list[Any]:
    """The values of a column by row; columns of lists and objects come as texts of JSON."""
    nested = about.get("type") in ("array", "object")
    values = tensor.values
    if values.ndim == 2 and values.shape[1] == 1 and not (nested and tensor.datatype != BYTES):
        values = values[:, 0]
    if values.ndim > 1 and not nested:
        raise wrong(tensor.name, f"has the shape {list(tensor.shape)}; send [rows] or [rows, 1]")
    found: list[Any] = values.tolist()
    if tensor.datatype != BYTES:
        return found
    if any("\0" in text for text in values.ravel()):
        raise wrong(tensor.name, "holds the character NUL, which cannot be stored")
    if nested and values.ndim == 1:
        try:
            return [orjson.loads(text) for text in found]
        except orjson.JSONDecodeError as error:
            raise wrong(tensor.name, f"holds a text that is not JSON: {error}") from error
    if about.get("format") == "base64":
        return [base64.b64encode(text.encode()).decode() for text in found]
    return found


def _output(
    made: Mapping[str, Tensor], about: dict[str, Any], asked: Mapping[str, Any],
    parts: list[bytes],
) -> dict[str, Any]:  # fmt: skip
    tensor = made.get(about["name"])
    if tensor is None:
        raise BadRequest(
            f"There is no output {about['name'][:60]!r}; there are {', '.join(made)}.", DOCS
        )
    parameters = dict(tensor.parameters)
    shown: dict[str, Any] = {
        "name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape),
    }  # fmt: skip
    wants = about.get("parameters", {}).get("binary_data", asked.get("binary_data_output"))
    if wants is True:
        parts.append(tensors.binary(tensor))
        parameters["binary_data_size"] = len(parts[-1])
    else:
        shown["data"] = _flat(tensor)
    return {**shown, "parameters": parameters} if parameters else shown


def _flat(tensor: Tensor) -> list[Any]:
    found: list[Any] = np.ravel(tensor.values).tolist()
    return found


class V2:
    """The dialect."""

    PREFIX, SUFFIX = "/v2/models/", "/infer"

    def called(self, scope: Scope) -> tuple[str, str | None]:
        """``NAME`` or ``NAME/versions/VERSION``."""
        inner = scope["path"][len(self.PREFIX) : -len(self.SUFFIX)]
        name, _, version = inner.partition("/versions/")
        return name, version or None

    def read(self, content: bytes, headers: Headers, field: str) -> Infer:
        """The inputs of a request: JSON, perhaps with bytes behind it."""
        length = header(headers, HEADER_LENGTH)
        if length is not None and not (length.isdigit() and int(length) <= len(content)):
            raise BadRequest(
                f"Inference-Header-Content-Length is {length[:20].decode('latin-1')!r},"
                f" and the body has {len(content)} bytes.", DOCS,
            )  # fmt: skip
        cut = len(content) if length is None else int(length)
        try:
            document = orjson.loads(content[:cut])
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"The body is not JSON: {error}.", DOCS) from error
        sent = document.get("inputs") if isinstance(document, dict) else None
        if not isinstance(sent, list) or not sent:
            raise BadRequest("The body has no inputs; send a list of tensors.", DOCS)
        inputs, rest = [], memoryview(content)[cut:]
        for about in sent:
            tensor, rest = tensors.read(about, rest)
            inputs.append(tensor)
        if len(rest):
            raise BadRequest(f"{len(rest)} bytes are left behind the last input.", DOCS)
        names = [tensor.name for tensor in inputs]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise wrong(twice, "is there twice")
        return Infer(document, inputs, field)

    def problem(self, error: ServiceError) -> bytes:
        """The protocol's shape: ``error`` is a sentence; beside it what programs want."""
        return orjson.dumps(spoken(error), default=str)
