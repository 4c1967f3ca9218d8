"""Two answers to one request, compared. Pure."""

import math
from collections.abc import Mapping
from typing import Any

# A tenth of the width of a band of credit risk; two versions never give the same digits.
TOLERANCE = 0.05
# Neither is what was answered: how sure an answer is is compared by itself.
BESIDE = frozenset({"confidence", "alternatives", "source", "advice"})


def agree(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two answers say the same.

    Labels, truths and whole numbers must be equal. Where an answer holds none of these, its
    decimal numbers must be within the tolerance, relative above 1.
    """
    labels, numbers = _parts(one)
    other_labels, other_numbers = _parts(other)
    if labels or other_labels:
        return labels == other_labels
    return numbers.keys() == other_numbers.keys() and all(
        math.isclose(value, other_numbers[place], rel_tol=TOLERANCE, abs_tol=TOLERANCE)
        for place, value in numbers.items()
    )


def apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> float | None:
    """Confidence of the second answer less that of the first; None where one has none."""
    first, second = one.get("confidence"), other.get("confidence")
    if isinstance(first, int | float) and isinstance(second, int | float):
        return float(second) - float(first)
    return None


Place = tuple[str | int, ...]


def _parts(value: Any, place: Place = ()) -> tuple[dict[Place, Any], dict[Place, float]]:
    """Labels and decimal numbers of an answer by their place; an empty list is a label too."""
    if isinstance(value, float):
        return {}, {place: value}
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, Mapping):
        inner = [(name, part) for name, part in value.items() if name not in BESIDE]
    elif isinstance(value, list):
        inner = list(enumerate(value))
    if not inner:
        return {place: value}, {}
    labels: dict[Place, Any] = {}
    numbers: dict[Place, float] = {}
    for name, part in inner:
        some_labels, some_numbers = _parts(part, (*place, name))
        labels |= some_labels
        numbers |= some_numbers
    return labels, numbers
