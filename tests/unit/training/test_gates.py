"""Acceptance criteria, from values alone."""

import math

import pytest

from training import catalogue
from training.gates import Criterion, evaluate

ACCURACY = Criterion("accuracy", ">", 0.99, "Accuracy")
ALARMS = Criterion("fpr", "<", 0.01, "False positive rate")


@pytest.mark.parametrize(
    ("criterion", "value", "passed", "shortfall", "sentence"),
    [
        (ACCURACY, 0.995, True, 0.0, "Accuracy must be > 0.99, and is 0.9950"),
        (ACCURACY, 0.9, False, 0.09, "and is 0.9000: it misses by 0.0900"),
        (ACCURACY, 0.99, False, 0.0, "and is exactly that"),
        (ALARMS, 0.004, True, 0.0, "and is 0.0040"),
        (ALARMS, 0.03, False, 0.02, "and is 0.0300: it misses by 0.0200"),
        (ACCURACY, math.nan, False, None, "and was not measured"),
        (ACCURACY, None, False, None, "and was not measured"),
    ],
)
def test_a_verdict_says_by_how_much(
    criterion: Criterion, value: float | None, passed: bool, shortfall: float | None, sentence: str
) -> None:
    metrics = {} if value is None else {criterion.metric: value}
    (judged,) = evaluate([criterion], metrics)
    assert judged.passed is passed
    assert judged.shortfall == (None if shortfall is None else pytest.approx(shortfall))
    assert judged.sentence.endswith(sentence)


def test_an_unknown_operator_is_refused() -> None:
    with pytest.raises(ValueError, match="criterion 'accuracy' has op '=='; use one of > >="):
        Criterion("accuracy", "==", 1.0, "Accuracy")


def test_the_runbooks_bars_are_the_catalogues() -> None:
    bars = {
        model: {(c.metric, c.op, c.value) for c in catalogue.criteria(model)}
        for model in ("intent_classifier", "financial_ner", "credit_risk", "anomaly_detection")
    }
    assert bars["intent_classifier"] == {("accuracy", ">", 0.99), ("f1", ">", 0.95)}
    assert bars["credit_risk"] == {("auc_roc", ">", 0.85)}
    assert bars["anomaly_detection"] == {("fpr", "<", 0.01), ("detection_rate", ">", 0.95)}
    assert {bar[1:] for bar in bars["financial_ner"]} == {(">", 0.90)}
