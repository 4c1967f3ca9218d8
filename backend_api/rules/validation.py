"""Did a staged version answer as it must? Decided from the answers alone."""

import math
from dataclasses import dataclass
from typing import Any

from backend_api.catalog import ValidationPlan

TOLERANCE = 1e-4


@dataclass(frozen=True)
class Answered:
    """One try: HTTP status, answer and milliseconds."""

    status: int
    body: dict[str, Any]
    milliseconds: float


def percentile(values: list[float], share: float) -> float:
    """Nearest-rank percentile: the smallest value that ``share`` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _matches(expected: Any, got: Any) -> bool:
    if isinstance(expected, dict):
        return isinstance(got, dict) and all(_matches(v, got.get(k)) for k, v in expected.items())
    if isinstance(expected, list):
        # Part of a list is enough, but none at all means none at all.
        whole = bool(expected) or got == []
        return (
            isinstance(got, list)
            and whole
            and all(any(_matches(e, g) for g in got) for e in expected)
        )
    if isinstance(expected, float) and isinstance(got, int | float) and not isinstance(got, bool):
        # Other machines add in another order.
        return math.isclose(expected, got, rel_tol=TOLERANCE)
    return bool(expected == got)


def verdict(plan: ValidationPlan, answers: list[list[Answered]]) -> tuple[bool, dict[str, Any]]:
    """Runbook, Validation Testing: all right, confidence over the floor, no errors, p95 in limit.

    ``answers[i]`` are the tries of ``plan.cases[i]``, at least one each.
    """
    problems = []
    for case, tries in zip(plan.cases, answers, strict=True):
        asked = next((str(v) for v in case.request.values()), "")[:60]
        first = tries[0]
        if first.status != 200:
            problems.append(f"{asked!r} failed: {first.body.get('message', first.status)}")
            continue
        if not _matches(case.expect, first.body):
            got = {k: first.body.get(k) for k in case.expect}
            problems.append(f"{asked!r} gave {got}, expected {case.expect}")
        confidence = first.body.get("confidence")
        if confidence is not None and confidence <= plan.confidence_floor:
            problems.append(
                f"{asked!r} has confidence {confidence:.2f}, must be over {plan.confidence_floor}"
            )
    errors = sum(t.status != 200 for tries in answers for t in tries)
    p95 = percentile([t.milliseconds for tries in answers for t in tries], 0.95)
    if p95 >= plan.p95_limit_ms:
        problems.append(f"p95 is {p95:.0f} ms, must be under {plan.p95_limit_ms:.0f} ms")
    if errors:
        problems.append(f"{errors} requests failed")
    sentence = (
        "Validation failed: " + "; ".join(problems) + "."
        if problems
        else f"All {len(plan.cases)} queries right, p95 {p95:.0f} ms, no errors."
    )
    return not problems, {
        "sentence": sentence,
        "problems": problems,
        "requests": sum(len(tries) for tries in answers),
        "errors": errors,
        "p95_ms": round(p95, 1),
    }
