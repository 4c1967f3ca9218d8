"""What a rehearsal found, and when the next one is due."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend_api.catalog import ValidationCase, ValidationPlan
from backend_api.rules.rehearsal import Asked, Judged, Reply, is_due, judge
from backend_api.states import GateState

NOW = datetime(2026, 1, 25, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)
PLAN = ValidationPlan(
    cases=[ValidationCase(request={"query": "EMI?"}, expect={"intent": "emi_due_date"})]
)
A, B = Asked("a", "host", 1), Asked("b", "host", 2)
RIGHT: dict[str, Any] = {
    "ms": 3.0, "error": None, "body": {"intent": "emi_due_date", "confidence": 0.99},
}  # fmt: skip
RECENT: dict[str, Any] = {"ms": 2.0, "error": None}


def reply(case: dict[str, Any] = RIGHT, *sample: dict[str, Any], seconds: float = 0.4) -> Reply:
    return Reply(seconds, {"cases": [case], "sample": list(sample) or [RECENT, RECENT]})


def judged(*asked: Asked, **replies: Reply) -> Judged:
    return judge(PLAN, "v1.0.0", list(asked), replies, 2, 30)


def test_right_answers_on_every_worker_pass_and_tell_the_time() -> None:
    found = judged(A, B, a=reply(), b=reply(seconds=0.9))
    assert (found.result, found.seconds) == (GateState.PASS, 0.9)
    assert found.sentence == (
        "v1.0.0 answered 1 query and 2 recent requests on 2 of 2 workers within 0.9 s, p95 3 ms."
    )
    assert [(w.asked, w.errors, w.p95_ms, w.problem) for w in found.workers] == [
        (3, 0, 3.0, None), (3, 0, 3.0, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answered", "says"),
    [
        (reply({**RIGHT, "body": {"intent": "other", "confidence": 0.9}}), "gave {'intent'"),
        (reply({**RIGHT, "body": {"intent": "emi_due_date", "confidence": 0.2}}), "has confidence"),
        (reply({**RIGHT, "error": "ValueError", "body": None}), "'EMI?' failed: ValueError"),
        (reply(RIGHT, RECENT, {"ms": 1.0, "error": "field age is refused"}),
         "1 of 2 recent requests failed, the first by field age is refused"),
        (reply({**RIGHT, "ms": 450.0}), "p95 is 450 ms, must be under 200 ms"),
        (Reply(0.1, {"trouble": "the artefact has other bytes"}), "the artefact has other bytes"),
        (Reply(0.1, {"cases": [], "sample": []}), "it answered 0 of 1 queries"),
    ],
)  # fmt: skip
def test_one_worker_that_answers_wrongly_fails_it(answered: Reply, says: str) -> None:
    found = judged(A, B, a=reply(), b=answered)
    assert found.result == GateState.FAIL
    assert says in found.sentence
    assert found.sentence.startswith("host · 2: v1.0.0 does not stand:")
    assert [w.problem is None for w in found.workers] == [True, False]


def test_a_worker_that_says_nothing_leaves_it_unmeasured() -> None:
    found = judged(A, B, a=reply())
    assert (found.result, found.seconds) == (GateState.UNKNOWN, None)
    assert found.sentence == "host · 2: it did not answer within 30 s."
    assert judged(A, B).sentence == "2 workers, the first host · 1: it did not answer within 30 s."
    assert judged().result == GateState.UNKNOWN


def test_a_wrong_answer_counts_for_more_than_silence() -> None:
    found = judged(A, B, a=reply({**RIGHT, "error": "ValueError", "body": None}))
    assert found.result == GateState.FAIL
    assert found.seconds is None


def test_a_worker_that_said_goodbye_is_not_waited_for() -> None:
    gone = Asked("b", "host", 2, gone=True)
    found = judged(A, gone, a=reply())
    assert (found.result, len(found.workers)) == (GateState.PASS, 1)


def test_without_recent_requests_the_sentence_says_so() -> None:
    found = judge(PLAN, "v1.0.0", [A], {"a": Reply(0.1, {"cases": [RIGHT], "sample": []})}, 0, 30)
    assert found.result == GateState.PASS
    assert "no recent request, for there was none," in found.sentence


@pytest.mark.parametrize(
    ("last", "result", "every", "due"),
    [
        (None, None, DAY, True),
        (None, None, timedelta(0), False),
        (NOW - 2 * DAY, GateState.PASS, timedelta(0), False),
        (NOW - DAY, GateState.PASS, DAY, True),
        (NOW - DAY + timedelta(seconds=1), GateState.PASS, DAY, False),
        (NOW - timedelta(hours=2), GateState.FAIL, DAY, False),
        (NOW - timedelta(hours=1), GateState.UNKNOWN, DAY, True),
        (NOW - timedelta(minutes=59), None, DAY, False),
    ],
)
def test_it_is_due_by_its_period_and_sooner_after_nothing_was_measured(
    last: datetime | None, result: GateState | None, every: timedelta, due: bool
) -> None:
    assert is_due(last, result, every, NOW) == due
