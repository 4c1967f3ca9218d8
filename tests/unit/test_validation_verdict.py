"""The validation suite's verdict."""

from backend_api.catalog import ValidationCase, ValidationPlan
from backend_api.rules.validation import Answered, percentile, verdict

CASE = ValidationCase(request={"query": "Where is my money going?"}, expect={"intent": "spending"})
PLAN = ValidationPlan(cases=[CASE])


def answer(intent: str = "spending", confidence: float = 0.9, ms: float = 5.0) -> Answered:
    return Answered(200, {"intent": intent, "confidence": confidence}, ms)


def test_right_confident_and_fast_passes() -> None:
    passed, detail = verdict(PLAN, [[answer()] * 20])
    assert passed
    assert detail["errors"] == 0
    assert "p95 5 ms" in detail["sentence"]


def test_each_way_to_fail_is_named() -> None:
    wrong, detail = verdict(PLAN, [[answer(intent="budget")] * 20])
    assert not wrong
    assert "gave {'intent': 'budget'}" in detail["sentence"]
    unsure, detail = verdict(PLAN, [[answer(confidence=0.7)] * 20])
    assert not unsure, "the runbook wants more than 0.7"
    slow, detail = verdict(PLAN, [[answer(ms=200.0)] * 20])
    assert not slow
    assert "must be under 200 ms" in detail["sentence"]
    broken, detail = verdict(PLAN, [[answer()] * 19 + [Answered(500, {"message": "boom"}, 1.0)]])
    assert not broken
    assert detail["errors"] == 1


def test_two_slow_answers_of_twenty_are_within_the_percentile() -> None:
    assert percentile([1.0] * 19 + [900.0], 0.95) == 1.0
    assert percentile([1.0] * 18 + [900.0] * 2, 0.95) == 900.0


def test_lists_are_matched_by_what_they_must_hold() -> None:
    case = ValidationCase(
        request={"text": "₹500 to Asha"}, expect={"entities": [{"label": "AMOUNT", "text": "₹500"}]}
    )
    body = {
        "entities": [
            {"label": "PERSON", "text": "Asha", "start": 8},
            {"label": "AMOUNT", "text": "₹500", "start": 0},
        ],
        "confidence": 0.95,
    }
    plan = ValidationPlan(cases=[case])
    assert verdict(plan, [[Answered(200, body, 3.0)] * 5])[0]
    assert not verdict(plan, [[Answered(200, {**body, "entities": []}, 3.0)] * 5])[0]


def test_no_entity_expected_means_none_found() -> None:
    case = ValidationCase(request={"text": "What can you do?"}, expect={"entities": []})
    plan = ValidationPlan(cases=[case])
    none, one = {"entities": []}, {"entities": [{"label": "AMOUNT", "text": "can"}]}
    assert verdict(plan, [[Answered(200, none, 3.0)] * 5])[0]
    passed, detail = verdict(plan, [[Answered(200, one, 3.0)] * 5])
    assert not passed
    assert "expected {'entities': []}" in detail["sentence"]


def test_a_number_is_right_within_what_another_machine_may_differ_by() -> None:
    plan = ValidationPlan(cases=[ValidationCase(request={"x": 1}, expect={"prediction": 12.5})])

    def passes(prediction: object) -> bool:
        return verdict(plan, [[Answered(200, {"prediction": prediction}, 3.0)] * 5])[0]

    assert passes(12.5)
    assert passes(12.5005)
    assert not passes(12.51)
    assert not passes("12.5")
    assert not passes(None)
