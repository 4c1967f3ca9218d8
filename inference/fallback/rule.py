"""What the rules of all models share: their form, and the checks of what they read."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from inference.models import Answer, InWorker, Row, WrongField
from training.serving import USER, require_user

LONGEST_TEXT = 5_000


@dataclass(frozen=True, slots=True, eq=False)
class Rules(InWorker):
    """Answers for one model without any version; stands where a loaded version would.

    ``sample`` is a request that they answer.
    """

    _check: Callable[[Row], None]
    _answer: Callable[[Row], Answer]
    sample: Row

    @property
    def schema(self) -> dict[str, Any]:
        """Empty: rules read what they know, and no feature store should add to it."""
        return {}

    @property
    def example(self) -> tuple[Row, Answer]:
        """A request and its answer."""
        return self.sample, self.answer([self.sample])[0]

    def check(self, row: Row) -> None:
        """Raise ``WrongField`` unless the row can be answered."""
        self._check(row)
        try:
            require_user(row)
        except ValueError as error:
            raise WrongField(USER, str(error)) from error

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        """One answer per checked row, in the shape of the model's own, marked as a rule's."""
        return [{**self._answer(row), "source": "fallback"} for row in rows]


def text(row: Row, field: str) -> str:
    """A text that can be read.

    Raises:
        WrongField: it is missing, of another type, empty or too long.
    """
    value = row.get(field)
    if value is None:
        raise WrongField(field, f"{field} is missing; send a text")
    if not isinstance(value, str):
        raise WrongField(field, f"{field} is of type {type(value).__name__}; send a text")
    if not value.strip() or len(value) > LONGEST_TEXT:
        raise WrongField(
            field, f"{field} has {len(value):,} characters; send 1 to {LONGEST_TEXT:,}"
        )
    return value


def number(row: Row, field: str) -> float | None:
    """A number, None where it is absent.

    Raises:
        WrongField: it is none.
    """
    value = row.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongField(field, f"{field} is of type {type(value).__name__}; send a number")
    if (isinstance(value, int) and abs(value) > 1 << 53) or not math.isfinite(value):
        raise WrongField(field, f"{field} is out of all bounds; send a number of common size")
    return float(value)


def flag(row: Row, field: str) -> bool | None:
    """A truth, None where it is absent.

    Raises:
        WrongField: it is neither.
    """
    value = row.get(field)
    if value is not None and not isinstance(value, bool):
        raise WrongField(field, f"{field} is of type {type(value).__name__}; send true or false")
    return value


def needed(row: Row, field: str) -> float:
    """A number that must be there.

    Raises:
        WrongField: it is missing or none.
    """
    found = number(row, field)
    if found is None:
        raise WrongField(field, f"{field} is missing; send a number")
    return found
