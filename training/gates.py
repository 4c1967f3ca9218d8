"""Acceptance criteria of a model: which of them its metrics meet, and by how much they miss."""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True)
class Criterion:
    """One bar: ``metric op value``, shown to people as ``label``."""

    metric: str
    op: str
    value: float
    label: str

    def __post_init__(self) -> None:
        if self.op not in OPERATORS:
            known = " ".join(OPERATORS)
            raise ValueError(f"criterion {self.metric!r} has op {self.op!r}; use one of {known}")


@dataclass(frozen=True)
class CriterionResult:
    """A criterion against the value measured; ``shortfall`` is 0 when it passed.

    ``actual`` and ``shortfall`` are None when the metric is missing or not a number.
    """

    criterion: Criterion
    actual: float | None
    passed: bool
    shortfall: float | None

    @property
    def sentence(self) -> str:
        """What happened, in words that stand alone."""
        bar = f"{self.criterion.label} must be {self.criterion.op} {self.criterion.value:g}"
        if self.actual is None:
            return f"{bar}, and was not measured"
        if self.passed:
            return f"{bar}, and is {self.actual:.4f}"
        if self.shortfall == 0.0:
            return f"{bar}, and is exactly that"
        return f"{bar}, and is {self.actual:.4f}: it misses by {self.shortfall:.4f}"


def _measured(metrics: Mapping[str, float], name: str) -> float | None:
    value = metrics.get(name)
    return None if value is None or not math.isfinite(value) else float(value)


def _judge(criterion: Criterion, actual: float | None) -> CriterionResult:
    if actual is None:
        return CriterionResult(criterion, None, False, None)
    passed = OPERATORS[criterion.op](actual, criterion.value)
    shortfall = 0.0 if passed else abs(actual - criterion.value)
    return CriterionResult(criterion, actual, passed, shortfall)


def evaluate(criteria: Sequence[Criterion], metrics: Mapping[str, float]) -> list[CriterionResult]:
    """Judge each criterion, in order; a metric that is missing or not finite does not pass."""
    return [_judge(criterion, _measured(metrics, criterion.metric)) for criterion in criteria]
