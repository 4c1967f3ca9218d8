"""A version in memory, as everything that serves sees it, whatever runs it."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Protocol

Row = dict[str, Any]
Answer = dict[str, Any]


class ArtefactError(Exception):
    """The artefact cannot be served; the message names the file and what is wrong."""


class WrongField(ValueError):
    """A request that cannot be answered: ``field`` is wrong, the message says what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Model(Protocol):
    """A loaded, warmed version. Safe to share by threads; what it holds goes with it."""

    @property
    def schema(self) -> dict[str, Any]:
        """Fields of a request with their properties, as in ``input_schema.json``."""
        ...

    @property
    def milliseconds(self) -> float:
        """Median time of a warm answer."""
        ...

    @property
    def executor(self) -> Executor | None:
        """Where answers must be made; ``None`` if any thread may make one."""
        ...

    @property
    def batches(self) -> bool:
        """Whether rows together cost clearly less than one after the other."""
        ...

    @property
    def trouble(self) -> str | None:
        """Why it cannot answer now, though it was loaded; ``None`` while it can."""
        ...

    @property
    def pid(self) -> int | None:
        """Of the process that is this version's alone, if there is one."""
        ...

    @property
    def example(self) -> tuple[Row, Answer]:
        """A request, and what this version answered to it when it was loaded."""
        ...

    def check(self, row: Row) -> None:
        """Raise ``WrongField`` unless the row can be answered."""
        ...

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        """One answer per checked row."""
        ...


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class InWorker:
    """What holds of every version that any thread of the worker may ask."""

    milliseconds: float = 0.0
    executor: None = None
    batches: bool = False
    trouble: None = None
    pid: None = None
