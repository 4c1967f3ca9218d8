"""What comes out of the networks, as an answer and as values to watch for drift."""

import json

import numpy as np
import pytest

from shared.reference import make
from tests.unit.training.test_requests import ANOMALY, CREDIT, INTENT, good, handler


@pytest.mark.parametrize(
    ("chance", "band", "confidence"),
    [(0.0, "low", 1.0), (0.1199, "low", 0.8801), (0.12, "medium", 0.88), (0.39, "medium", 0.61),
     (0.40, "high", 0.60), (0.5, "high", 0.5), (1.0, "high", 1.0)],
)  # fmt: skip
def test_credit_bands(chance: float, band: str, confidence: float) -> None:
    answer = handler(CREDIT).decode([np.array([chance])], [good(CREDIT)])[0]
    assert answer["risk_band"] == band
    assert answer["probability"] == chance
    assert answer["confidence"] == pytest.approx(confidence)


@pytest.mark.parametrize(
    ("known", "strange", "found", "by", "confidence"),
    [(0.1, 0.2, False, None, 0.8), (0.5, 0.1, True, "known", 0.5), (0.9, 0.6, True, "known", 0.9),
     (0.3, 0.8, True, "strange", 0.8), (0.49, 0.49, False, None, 0.51)],
)  # fmt: skip
def test_the_higher_of_two_scores_decides(
    known: float, strange: float, found: bool, by: str | None, confidence: float
) -> None:
    answer = handler(ANOMALY).decode([np.array([known]), np.array([strange])], [good(ANOMALY)])[0]
    assert answer["is_anomaly"] is found
    assert answer["found_by"] == by
    assert answer["score"] == max(known, strange)
    assert answer["confidence"] == pytest.approx(confidence)


def test_the_best_intent_and_what_comes_after_it() -> None:
    answer = handler(INTENT).decode([np.array([[0.2, 0.8]], dtype=np.float32)], [good(INTENT)])[0]
    assert answer["intent"] == "save"
    assert answer["confidence"] == pytest.approx(0.8)
    assert [other["intent"] for other in answer["alternatives"]] == ["pay"]


OUTPUTS = {
    INTENT: [np.array([[0.2, 0.8]], dtype=np.float32)],
    CREDIT: [np.array([0.3], dtype=np.float32)],
    ANOMALY: [np.array([0.3], dtype=np.float32), np.array([0.6], dtype=np.float32)],
}


@pytest.mark.parametrize("model", OUTPUTS)
def test_answers_are_json_and_carry_a_confidence(model: str) -> None:
    answer = handler(model).decode(OUTPUTS[model], [good(model)])[0]
    assert json.loads(json.dumps(answer)) == answer
    assert 0.0 <= answer["confidence"] <= 1.0


@pytest.mark.parametrize("model", OUTPUTS)
def test_what_is_watched_is_in_a_record_of_request_and_answer(model: str) -> None:
    own, request = handler(model), good(model)
    record = {"input": request, "output": own.decode(OUTPUTS[model], [request])[0]}
    watched = own.watched()
    profile = make(watched, [record] * 3)
    missing = watched.keys() - {f.name for f in profile.features}
    assert missing == {
        name for name, source in watched.items()
        if source.path[0] == "input" and request.get(source.path[1]) is None
    }  # fmt: skip
    assert any(f.is_output for f in profile.features)
    assert all(profile.counts[profile.slices[f.name]][f.wrong] == 0 for f in profile.features)


def test_an_absent_field_is_watched_as_absent() -> None:
    own, request = handler(ANOMALY), {**good(ANOMALY), "new_device": True}
    answer = own.decode(OUTPUTS[ANOMALY], [request])[0]
    usual = {**request, "usual_amount": 900.0}
    profile = make(own.watched(), [{"input": r, "output": answer} for r in (request, usual)])
    by_name = {f.name: f for f in profile.features}
    amount, device = by_name["usual_amount"], by_name["new_device"]
    assert profile.counts[profile.slices["usual_amount"]][amount.empty] == 1
    assert (device.type, device.categories) == ("flag", ("false", "true"))
    assert by_name["channel"].categories == ("upi",)
