"""Rules: right on what the models are asked to show, careful elsewhere, and of their shape."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_api.catalog import load
from inference.fallback import RULES
from inference.fallback.credit import REFER
from ops.settings import PROJECT

CATALOG = load(PROJECT / "models.yaml")
CASES = [
    (name, case.request, case.expect)
    for name, entry in CATALOG.models.items()
    for case in entry.validation.cases
]
# What the models themselves answer (training/*/serving.py), and what marks a rule.
SHAPES = {
    "intent_classifier": {"intent", "confidence", "alternatives"},
    "financial_ner": {"entities", "confidence"},
    "credit_risk": {"risk_band", "probability", "confidence"},
    "anomaly_detection": {"is_anomaly", "score", "confidence", "found_by"},
}


def answer(model: str, row: dict[str, Any]) -> dict[str, Any]:
    """The checked answer to one row."""
    RULES[model].check(row)
    return RULES[model].answer([row])[0]


def test_each_model_of_the_catalogue_has_rules() -> None:
    assert RULES.keys() == CATALOG.models.keys() == SHAPES.keys()
    assert {entry.fallback for entry in CATALOG.models.values()} == {"automatic"}


@pytest.mark.parametrize(("model", "request_row", "expect"), CASES)
def test_validation_requests_get_an_answer_of_the_models_shape(
    model: str, request_row: dict[str, Any], expect: dict[str, Any]
) -> None:
    found = answer(model, request_row)
    assert found.pop("source") == "fallback"
    assert found.keys() - {"advice"} == SHAPES[model]
    assert 0.0 < found["confidence"] <= 0.9
    if model == "financial_ner":
        for entity in found["entities"]:
            assert request_row["text"][entity["start"] : entity["end"]] == entity["text"]
        labels = [(e["text"], e["label"]) for e in found["entities"]]
        assert labels == [(e["text"], e["label"]) for e in expect["entities"]]
    elif model != "credit_risk":
        assert expect.items() <= found.items()


def test_intents_have_three_alternatives_and_doubt_is_out_of_scope() -> None:
    found = answer(
        "intent_classifier", {"query": "mera SIP kab todna chahiye, withdraw kaise kare"}
    )
    assert found["intent"] == "withdraw_investment"
    assert len(found["alternatives"]) == 3
    assert answer("intent_classifier", {"query": "qwerty"})["intent"] == "out_of_scope"


GOOD = {
    "monthly_income": 200_000, "proposed_emi": 1_000, "existing_emis": 0, "credit_score": 850,
    "delinquencies_24m": 0, "enquiries_6m": 0, "credit_utilisation": 0.1,
}  # fmt: skip


def test_credit_never_lets_an_application_through_and_refers_it_to_a_person() -> None:
    found = answer("credit_risk", GOOD)
    assert (found["risk_band"], found["advice"]) == ("medium", REFER)


@pytest.mark.parametrize(
    "change",
    [
        {"proposed_emi": 100_001}, {"existing_emis": 120_000}, {"credit_score": 640},
        {"delinquencies_24m": 2}, {"enquiries_6m": 6}, {"credit_utilisation": 0.95},
    ],
)  # fmt: skip
def test_one_bad_sign_is_enough_for_the_worst_band(change: dict[str, float]) -> None:
    found = answer("credit_risk", {**GOOD, **change})
    assert (found["risk_band"], found["advice"]) == ("high", REFER)


USUAL = {
    "amount": 500, "hour": 12, "usual_amount": 600, "balance_before": 50_000, "new_payee": False,
    "new_device": False, "failed_attempts_24h": 0, "transactions_1h": 1, "km_from_last": 2,
    "minutes_since_last": 60,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, False), ({"amount": 60_000}, False), ({"amount": 60_000, "hour": 3}, True),
        ({"amount": 45_000, "new_payee": True}, True),
        ({"amount": 20_000, "new_device": True}, True), ({"failed_attempts_24h": 3}, True),
        ({"transactions_1h": 15}, True), ({"km_from_last": 1_400}, True),
        ({"km_from_last": 1_400, "minutes_since_last": 1_000}, False),
    ],
)  # fmt: skip
def test_payments_far_from_the_habits_are_held_up(change: dict[str, float], found: bool) -> None:
    assert answer("anomaly_detection", {**USUAL, **change})["is_anomaly"] is found


@pytest.mark.parametrize(
    ("model", "row", "said"),
    [
        ("intent_classifier", {}, "query is missing"),
        ("intent_classifier", {"query": 7}, "query is of type int"),
        ("intent_classifier", {"query": " "}, "query has 1 characters"),
        ("financial_ner", {"text": "x" * 5_001}, "text has 5,001 characters"),
        ("credit_risk", {**GOOD, "monthly_income": None}, "monthly_income is missing"),
        ("credit_risk", {**GOOD, "credit_score": "good"}, "credit_score is of type str"),
        ("credit_risk", {**GOOD, "existing_emis": 10**400}, "existing_emis is out of all bounds"),
        ("anomaly_detection", {**USUAL, "new_device": 1}, "new_device is of type int"),
        ("anomaly_detection", {**USUAL, "user_id": 5}, "user_id is of type int"),
    ],
)
def test_what_a_rule_cannot_read_is_named(model: str, row: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        RULES[model].check(row)


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40)
FIELDS = ["query", "text", "user_id", *GOOD, *USUAL]


@given(st.sampled_from(sorted(RULES)), st.dictionaries(st.sampled_from(FIELDS), values))
def test_any_row_is_answered_or_refused_by_name(model: str, row: dict[str, Any]) -> None:
    said = ""
    try:
        RULES[model].check(row)
    except ValueError as error:
        said = str(error)
    if said:
        assert said.split(" ", 1)[0] in FIELDS
    else:
        assert SHAPES[model] < RULES[model].answer([row])[0].keys()
