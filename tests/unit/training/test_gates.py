"""Acceptance criteria and the reference profile, from values alone."""

import math

import pytest

from training import catalogue, reference
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


def test_a_profile_counts_each_row_once() -> None:
    rows: list[dict[str, float | str | None]] = [
        {"size": float(place), "kind": "abc"[place % 3] if place % 10 else None}
        for place in range(100)
    ]
    profile = reference.profile(rows)
    size, kind = profile["features"]["size"], profile["features"]["kind"]
    assert profile["rows"] == 100
    assert (size["kind"], kind["kind"]) == ("numeric", "categorical")
    assert len(size["edges"]) == 11
    assert size["counts"][0] == size["counts"][-1] == 0, "nothing lies outside its own quantiles"
    assert sum(size["counts"]) + size["null_count"] == 100
    assert kind["categories"] == ["a", "b", "c", "OTHER"]
    assert kind["counts"] == [30, 30, 30, 0]
    assert kind["null_count"] == 10


def test_a_profile_keeps_twenty_categories() -> None:
    rows: list[dict[str, float | str | None]] = [
        {"city": f"city {place % 30:02d}"} for place in range(90)
    ]
    city = reference.profile(rows)["features"]["city"]
    assert len(city["categories"]) == 21
    assert city["counts"][-1] == 30


@pytest.mark.parametrize("values", [[5.0] * 40, [None] * 39 + [2.0]])
def test_a_profile_of_one_value_counts_it(values: list[float | None]) -> None:
    size = reference.profile([{"size": value} for value in values])["features"]["size"]
    assert sum(size["counts"]) + size["null_count"] == 40


def test_a_profile_of_nothing_but_gaps_is_one() -> None:
    size = reference.profile([{"size": None}] * 40)["features"]["size"]
    assert size == {"kind": "numeric", "edges": [], "counts": [0], "null_count": 40}
