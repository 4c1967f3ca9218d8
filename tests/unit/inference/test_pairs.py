"""When two answers to one request are the same answer."""

from typing import Any

import pytest

from inference.pairs import agree, apart

ENTITY = {"text": "Rs 450", "label": "AMOUNT", "start": 8, "end": 14, "confidence": 0.9}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"intent": "a", "confidence": 0.9}, {"intent": "a", "confidence": 0.2}, True),
        ({"intent": "a", "confidence": 0.9}, {"intent": "b", "confidence": 0.9}, False),
        ({"intent": "a", "alternatives": [1]}, {"intent": "a", "alternatives": []}, True),
        ({"entities": [ENTITY]}, {"entities": [{**ENTITY, "confidence": 0.1}]}, True),
        ({"entities": [ENTITY]}, {"entities": [{**ENTITY, "end": 13}]}, False),
        ({"entities": [ENTITY]}, {"entities": []}, False),
        ({"entities": []}, {"entities": []}, True),
        # A label decides, and the number behind it does not.
        ({"band": "low", "probability": 0.01}, {"band": "low", "probability": 0.11}, True),
        ({"is_anomaly": True, "score": 0.9}, {"is_anomaly": False, "score": 0.89}, False),
        ({"is_anomaly": True}, {"is_anomaly": 1}, True),
        # Without one, numbers do.
        ({"value": 100.0}, {"value": 104.0}, True),
        ({"value": 100.0}, {"value": 106.0}, False),
        ({"value": 0.01}, {"value": 0.05}, True),
        ({"value": [1.0, 2.0]}, {"value": [1.0]}, False),
        ({"value": float("nan")}, {"value": 1.0}, False),
        ({"value": 1.0}, {"worth": 1.0}, False),
        ({"value": 3}, {"value": 4}, False),
        ({"value": None}, {"value": 1.0}, False),
    ],
)  # fmt: skip
def test_answers_are_the_same_or_not(one: Any, other: Any, same: bool) -> None:
    assert agree(one, other) is same
    assert agree(other, one) is same


def test_how_much_surer_the_second_is() -> None:
    assert apart({"confidence": 0.5}, {"confidence": 0.75}) == 0.25
    assert apart({"confidence": 0.5}, {}) is None
    assert apart({"confidence": None}, {"confidence": 0.75}) is None
