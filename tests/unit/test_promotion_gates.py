"""Gates: decided from evidence alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_api.rules.budget import Budget, Left, Standing
from backend_api.rules.compatibility import narrower
from backend_api.rules.freeze import Freeze
from backend_api.rules.promotion import (
    Evidence,
    blocking,
    bundle,
    decide,
    fingerprint,
    judge,
    moved,
)
from backend_api.states import GateState
from tests.makers import digest

QUERY = {"query": {"type": "string", "required": True}}
GOOD = Evidence(
    model_name="intent_classifier",
    version="v1.1.0",
    status="validated",
    metrics={"accuracy": 0.995, "f1": 0.99, "onnx_max_abs_diff": 1e-7},
    criteria=[("accuracy", ">", 0.99, "Accuracy"), ("f1", ">", 0.95, "F1")],
    artifact_digest=digest(1),
    validation={"passed": True, "artifact_digest": digest(1), "sentence": "All right."},
    input_schema=QUERY,
    production="v1.0.0",
    production_schema=QUERY,
    breaking=False,
    hold=None,
)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
GONE = Standing(
    30, (Budget("errors", ("failed", "failed"), Left.GONE, 0.999, 20_000, 30, 20.0, 20.0),)
)
SOME = Standing(
    30, (Budget("errors", ("failed", "failed"), Left.SOME, 0.999, 20_000, 5, 20.0, 20.0),)
)
NARROWED = {**QUERY, "user_id": {"type": "string", "required": True}}


def test_all_gates_pass_on_good_evidence() -> None:
    gates = decide(GOOD)
    assert [g.state for g in gates] == [GateState.PASS] * 8 + [GateState.NOT_APPLICABLE]
    assert blocking(gates) == []


@pytest.mark.parametrize(
    ("gate", "change", "state", "says"),
    [
        ("criteria", {"metrics": {**GOOD.metrics, "accuracy": 0.98}}, "fail", "short by 0.01"),
        ("criteria", {"metrics": {**GOOD.metrics, "accuracy": 0.99}}, "fail", "must be > 0.99"),
        ("criteria", {"metrics": {"f1": 0.99, "onnx_max_abs_diff": 0.0}}, "fail", "no metric"),
        ("validation", {"validation": None}, "unknown", "Not validated yet"),
        ("validation", {"validation": {**GOOD.validation, "passed": False}}, "fail", "All right."),  # type: ignore[dict-item]
        ("validation", {"artifact_digest": digest(2)}, "fail", "changed after"),
        ("artifact", {"artifact_digest": None}, "unknown", "No digest"),
        ("artifact", {"staged_digests": {"host-1": digest(9)}}, "fail", "host-1"),
        ("parity", {"metrics": {"accuracy": 0.995, "f1": 0.99}}, "unknown", "did not compare"),
        ("parity", {"metrics": {**GOOD.metrics, "onnx_max_abs_diff": 0.2}}, "fail", "by 0.2"),
        ("parity", {"has_onnx": False}, "not_applicable", "no pair"),
        ("schema", {"input_schema": NARROWED}, "fail", "new and required"),
        ("schema", {"input_schema": NARROWED, "breaking": True}, "pass", "ticked"),
        ("schema", {"input_schema": None}, "unknown", "no input schema"),
        ("schema", {"production_schema": None}, "not_applicable", "Nothing is in production"),
        ("hold", {"hold": "v1.2.0 rolled back by omar"}, "fail", "rolled back by omar"),
        ("rollout", {"canary": "v1.0.9"}, "fail", "v1.0.9 is the canary"),
        ("rollout", {"canary": "v1.1.0"}, "pass", "No other rollout"),
        ("freeze", {"freeze": Freeze(True, "Weekend", NOON, None)}, "fail", "until 02 Mar 2026"),
        ("freeze", {"freeze": Freeze(False, "", None, NOON)}, "pass", "Open until 02 Mar 2026"),
        ("budget", {"budget": GONE}, "fail", "30 of 20,000 requests failed, 20 may (150%)"),
        ("budget", {"budget": SOME}, "pass", "75% (15 more may have failed)"),
        (
            "budget",
            {"budget": replace(SOME, behind=timedelta(hours=5))},
            "unknown",
            "up to 5 h ago",
        ),
    ],
)
def test_one_gate_moves_alone(gate: str, change: dict[str, object], state: str, says: str) -> None:
    found = {g.name: g for g in decide(replace(GOOD, **change))}  # type: ignore[arg-type]
    assert found[gate].state == state
    assert says in found[gate].sentence


def test_nothing_measured_blocks_like_bad() -> None:
    held = blocking(decide(replace(GOOD, validation=None)))
    assert [g.name for g in held] == ["validation"]


def test_a_criterion_at_its_limit_is_not_met_when_the_bar_is_strict() -> None:
    assert not judge(("f1", ">", 0.95, "F1"), {"f1": 0.95}).passed
    assert judge(("f1", ">=", 0.95, "F1"), {"f1": 0.95}).passed


def test_narrower_names_each_way_in_which_callers_would_break() -> None:
    old = {"a": {"type": "string"}, "b": {"type": "number"}, "c": {"type": "string"}}
    new = {
        "b": {"type": "string"},
        "c": {"type": "string", "required": True},
        "d": {"type": "string"},
    }
    assert narrower(old, new) == [
        "field 'a' is no longer accepted",
        "field 'b' was number and is string",
        "field 'c' has become required",
    ]


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ({"maximum": 90}, {"maximum": 80}, ["maximum of field 'a' was 90 and is 80"]),
        ({"maximum": 90}, {"maximum": 95}, []),
        ({"minimum": 0}, {"minimum": 18}, ["minimum of field 'a' was 0 and is 18"]),
        ({}, {"max_length": 10}, ["max_length of field 'a' was None and is 10"]),
        ({"max_length": 10}, {}, []),
        ({"enum": ["x", "y"]}, {"enum": ["y", "z"]}, ["field 'a' no longer takes x"]),
        ({}, {"enum": ["y"]}, ["field 'a' takes certain values only"]),
        ({"enum": ["x"]}, {}, []),
    ],
)
def test_a_bound_that_moves_inwards_shuts_callers_out(
    was: dict[str, object], now: dict[str, object], says: list[str]
) -> None:
    field = {"type": "number"}
    assert narrower({"a": {**field, **was}}, {"a": {**field, **now}}) == says


def test_what_was_signed_says_what_moved() -> None:
    signed = bundle(GOOD, decide(GOOD))
    later = replace(GOOD, artifact_digest=digest(2), production="v1.0.1", status="staging")
    changes = moved(signed, bundle(later, decide(later)))
    assert any("production was 'v1.0.0' and is 'v1.0.1'" in change for change in changes)
    assert any("status was 'validated' and is 'staging'" in change for change in changes)
    assert any("gate validation was pass and is fail" in change for change in changes)
    assert moved(signed, bundle(GOOD, decide(GOOD))) == []


def test_of_the_budget_only_its_falling_shut_moves_what_was_signed() -> None:
    def signed(budget: Standing) -> dict[str, object]:
        evidence = replace(GOOD, budget=budget)
        return bundle(evidence, decide(evidence))

    less = Standing(30, (replace(SOME.budgets[0], bad=6),))
    assert signed(SOME) != signed(less), "what the approver signs has the numbers seen"
    assert moved(signed(SOME), signed(less)) == []
    assert moved(signed(Standing()), signed(SOME)) == [], "the first day of traffic is over"
    assert moved(signed(SOME), signed(replace(SOME, behind=timedelta(hours=5)))) == []
    assert moved(signed(GONE), signed(SOME)) == [], "what came back voids nothing"
    (said,) = moved(signed(SOME), signed(GONE))
    assert said.startswith("gate budget was pass and is fail: The 30-day error budget is spent")


WHOLE, NUMBER, TEXT = {"type": "integer"}, {"type": "number"}, {"type": "string"}
MOMENT = {"type": "string", "format": "date-time"}


def _tensor(*shape: int, dtype: str = "float32") -> dict[str, object]:
    return {"type": "array", "dtype": dtype, "shape": list(shape), "required": True}


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        (WHOLE, NUMBER, []),
        (NUMBER, WHOLE, ["field 'a' was number and is integer"]),
        (TEXT, MOMENT, ["field 'a' was string and is date-time"]),
        (TEXT, {}, []),
        (_tensor(-1, 20), _tensor(-1, 20), []),
        (_tensor(4, 20), _tensor(-1, 20), []),
        (_tensor(-1, 20), _tensor(-1, 21), ["shape of field 'a' was [-1, 20] and is [-1, 21]"]),
        (_tensor(-1, -1), _tensor(-1, 20), ["shape of field 'a' was [-1, -1] and is [-1, 20]"]),
        (_tensor(-1, 20), _tensor(-1), ["shape of field 'a' was [-1, 20] and is [-1]"]),
        (_tensor(2), _tensor(2, dtype="int64"), ["field 'a' was float32 and is int64"]),
        ({"type": "array", "items": NUMBER}, {"type": "array", "items": TEXT},
         ["field 'a.items' was number and is string"]),
        ({"type": "object", "properties": {"x": TEXT, "y": TEXT}},
         {"type": "object", "properties": {"x": {**TEXT, "required": True}}},
         ["in field 'a': field 'x' has become required",
          "in field 'a': field 'y' is no longer accepted"]),
    ],
)  # fmt: skip
def test_a_signature_that_takes_less_shuts_callers_out(
    was: dict[str, object], now: dict[str, object], says: list[str]
) -> None:
    assert narrower({"a": was}, {"a": now}) == says


@given(
    st.dictionaries(
        st.text(max_size=5), st.floats(allow_nan=False) | st.text(max_size=5), max_size=5
    )
)
def test_a_fingerprint_does_not_depend_on_the_order_of_keys(values: dict[str, object]) -> None:
    assert fingerprint(values) == fingerprint(dict(reversed(values.items())))
