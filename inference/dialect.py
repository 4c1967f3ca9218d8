"""What differs between the ways to ask for predictions; the hot path does all the rest for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from starlette.types import Scope

from inference import body
from inference.body import Headers
from inference.errors import ServiceError
from inference.filling import Told
from inference.models import Answer, Row
from inference.routing import Served

JSON = (b"content-type", b"application/json")
Head = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Said:
    """The answers of one version to all rows of a request."""

    name: str
    arm: Served
    epoch: int
    answers: list[Answer]
    ids: Sequence[str]
    milliseconds: float
    told: Told | None
    cached: bool = False


class Asked(Protocol):
    """A request that was understood."""

    @property
    def key(self) -> Any:
        """The entity key as it was sent, ``None`` without one."""
        ...

    def rows(self, schema: Mapping[str, Any]) -> list[Row]:
        """At least one row of a model's fields; ``BadRequest`` when there can be none."""
        ...

    def answer(self, said: Said) -> tuple[bytes, Head]:
        """Body and headers of the answer."""
        ...


class Dialect(Protocol):
    """One way to ask."""

    def called(self, scope: Scope) -> tuple[str, str | None]:
        """Name of the model as it stands in the path, and the version if the path names one."""
        ...

    def read(self, content: bytes, headers: Headers, field: str) -> Asked:
        """Understand a body; ``field`` is the entity key's. ``BadRequest`` when it cannot be."""
        ...

    def problem(self, error: ServiceError) -> bytes:
        """Body of a refusal."""
        ...


class PlainRow:
    """One row."""

    __slots__ = ("_row", "key")

    def __init__(self, row: Row, field: str) -> None:
        self._row, self.key = row, row.get(field)

    def rows(self, schema: Mapping[str, Any]) -> list[Row]:  # noqa: ARG002
        """The row as it is."""
        return [self._row]

    def answer(self, said: Said) -> tuple[bytes, Head]:
        """The answer with its labels."""
        content = orjson.dumps(
            {
                **said.answers[0], "model": said.name, "version": said.arm.version,
                "arm": said.arm.arm, "epoch": said.epoch, "prediction_id": said.ids[0],
                "latency_ms": said.milliseconds,
                **({"features": said.told} if said.told else {}),
                **({"cached": True} if said.cached else {}),
            }
        )  # fmt: skip
        return content, (JSON,)


class Plain:
    """``POST /predict/NAME``: one row as a JSON object."""

    PREFIX = "/predict/"

    def called(self, scope: Scope) -> tuple[str, str | None]:
        """The last part of the path."""
        return scope["path"][len(self.PREFIX) :], None

    def read(self, content: bytes, headers: Headers, field: str) -> PlainRow:  # noqa: ARG002
        """The row."""
        return PlainRow(body.row(content), field)

    def problem(self, error: ServiceError) -> bytes:
        """The one shape."""
        return orjson.dumps(error.body, default=str)
