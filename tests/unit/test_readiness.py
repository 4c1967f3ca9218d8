"""How ready is the way back? Never fine where something could not be measured."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_api.rules.readiness import STALE, Facts, Target, readiness
from backend_api.rules.sent import Sent, SentField, refused
from backend_api.schemas import LoadedVersion, Observed, Rehearsal
from backend_api.states import GateState, Health
from tests.makers import digest

NOW = datetime(2026, 1, 25, 3, 0, tzinfo=UTC)
SCHEMA = {
    "query": {"type": "string", "required": True, "max_length": 100},
    "age": {"type": "integer", "required": False, "minimum": 18, "maximum": 120},
}
TARGET = Target("v1.0.0", digest(1), NOW, SCHEMA)
SERVING = Target("v1.1.0", digest(2), NOW, SCHEMA)
WORKER = Observed(
    replica_id="a", host="host", pid=1, live=True, heartbeat_at=NOW, epoch=4, production="v1.1.0",
    canary=None, canary_share=0, error=None, acknowledged_at=NOW, agrees=True,
    loaded={"v1.0.0": LoadedVersion(state="ready", digest=digest(1))},
)  # fmt: skip
COLD = WORKER.model_copy(update={"replica_id": "b", "loaded": {}})
SILENT = WORKER.model_copy(update={"replica_id": "c", "live": False})
ALTERED = WORKER.model_copy(
    update={"loaded": {"v1.0.0": LoadedVersion(state="ready", digest=digest(9))}}
)
SENT = Sent(40, {"query": SentField({"string": 40}, longest=60)})
PASSED = Rehearsal(
    version="v1.0.0", asked_by="watch", asked_at=NOW - timedelta(hours=1), ended_at=NOW,
    result=GateState.PASS, sentence="v1.0.0 answered all.", seconds=0.8, workers=[],
)  # fmt: skip
GOOD = Facts(
    target=TARGET, workers=[WORKER, WORKER], now=NOW, last=(0.2, NOW - timedelta(days=2)),
    production=SERVING, sent=SENT, key="user_id", rehearsal=PASSED,
)  # fmt: skip


def rehearsed(**changes: Any) -> Rehearsal:
    return PASSED.model_copy(update=changes)


def test_with_everything_measured_and_good_it_is_fine() -> None:
    found = readiness(GOOD)
    assert {item.name: item.state for item in found.items} == dict.fromkeys(
        ("verified", "warm", "digest", "signature", "requests", "rehearsed", "seconds"), Health.OK
    )
    assert (found.state, found.warm, found.replicas, found.digest_checked) == (
        Health.OK, 2, 2, True,
    )  # fmt: skip
    assert found.sentence == "v1.0.0 is warm on 2 of 2 workers: rollback is immediate."


@pytest.mark.parametrize(
    ("change", "item", "state", "says"),
    [
        ({"workers": []}, "warm", Health.DOWN, "no worker is live"),
        ({"workers": [SILENT]}, "warm", Health.DOWN, "no worker is live"),
        ({"workers": [WORKER, COLD]}, "warm", Health.DEGRADED, "warm on 1 of 2"),
        ({"workers": [WORKER, ALTERED]}, "digest", Health.DOWN, "1 of 2 workers hold other bytes"),
        ({"workers": [COLD]}, "digest", Health.UNKNOWN, "none has checked"),
        ({"target": replace(TARGET, digest=None)}, "digest", Health.UNKNOWN, "without a digest"),
        ({"target": replace(TARGET, verified_at=None)}, "verified", Health.UNKNOWN, "never seen"),
        ({"target": replace(TARGET, schema=None)}, "signature", Health.UNKNOWN, "not known"),
        ({"target": replace(TARGET, schema=None)}, "requests", Health.UNKNOWN, "not known"),
        ({"production": None}, "signature", Health.UNKNOWN, "not known"),
        (
            {"production": replace(SERVING, schema={**SCHEMA, "city": {"type": "string"}})},
            "signature", Health.DEGRADED, "field 'city' is no longer accepted",
        ),
        ({"sent": None}, "requests", Health.UNKNOWN, "No request was logged"),
        ({"sent": Sent(0, {})}, "requests", Health.UNKNOWN, "No request was logged"),
        (
            {"sent": Sent(40, {**SENT.fields, "city": SentField({"string": 3})})},
            "requests", Health.DEGRADED, "city is sent, and is no field of it",
        ),
        ({"rehearsal": None}, "rehearsed", Health.UNKNOWN, "never rehearsed"),
        ({"rehearsal": rehearsed(version="v0.9.0")}, "rehearsed", Health.UNKNOWN, "never"),
        ({"rehearsal": rehearsed(result=None)}, "rehearsed", Health.UNKNOWN, "at this moment"),
        (
            {"rehearsal": rehearsed(result=GateState.FAIL, sentence="host · 1: it is wrong.")},
            "rehearsed", Health.DOWN, "failed. host · 1: it is wrong.",
        ),
        ({"rehearsal": rehearsed(result=GateState.UNKNOWN)}, "rehearsed", Health.UNKNOWN, "could"),
        (
            {"rehearsal": rehearsed(asked_at=NOW - STALE - timedelta(seconds=1))},
            "rehearsed", Health.UNKNOWN, "over 7 days old",
        ),
        ({"rehearsal": None, "last": None}, "seconds", Health.UNKNOWN, "not known"),
    ],
)  # fmt: skip
def test_each_thing_that_is_bad_or_unknown_is_named_and_not_fine(
    change: dict[str, Any], item: str, state: Health, says: str
) -> None:
    found = readiness(replace(GOOD, **change))
    named = next(one for one in found.items if one.name == item)
    assert named.state == state
    assert says in named.sentence
    assert found.state != Health.OK
    assert found.digest_checked == all(
        i.state == Health.OK for i in found.items if i.name == "digest"
    )


def test_without_a_target_nothing_is_known() -> None:
    found = readiness(replace(GOOD, target=None))
    assert (found.state, found.items, found.warm) == (Health.UNKNOWN, [], 0)
    assert "nothing to go back to" in found.sentence


def test_the_newer_of_rollback_and_rehearsal_tells_the_time() -> None:
    def said(facts: Facts) -> str:
        return readiness(facts).items[-1].sentence

    assert "answered after 0.8 s" in said(GOOD)
    assert "after 0.2 s" in said(replace(GOOD, last=(0.2, NOW)))
    assert "after 0.2 s" in said(replace(GOOD, rehearsal=rehearsed(seconds=None)))


@given(
    worst=st.sampled_from([
        {"sent": None}, {"rehearsal": None}, {"production": None}, {"workers": [COLD]},
        {"workers": []}, {"target": replace(TARGET, digest=None)},
    ]),
    also=st.sampled_from([
        {}, {"last": None}, {"rehearsal": rehearsed(result=GateState.FAIL)}, {"sent": Sent(0, {})},
    ]),
)  # fmt: skip
def test_no_mixture_with_something_unknown_is_fine(
    worst: dict[str, Any], also: dict[str, Any]
) -> None:
    found = readiness(replace(replace(GOOD, **also), **worst))
    assert found.state != Health.OK
    assert found.sentence in [item.sentence for item in found.items if item.state == found.state]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, []),
        ({"age": SentField({"integer": 40}, 18, 120)}, []),
        ({"age": SentField({})}, []),
        ({"user_id": SentField({"string": 40})}, []),
        ({"query": SentField({"string": 38})}, ["query is required, and 2 of 40 lack it"]),
        ({"query": SentField({"integer": 40})}, ["query is sent as integer, and it takes string"]),
        ({"age": SentField({"number": 2, "integer": 1})}, ["age is sent as number, and it takes"]),
        ({"age": SentField({"integer": 40}, 17, 60)}, ["age is sent past its minimum of 18"]),
        ({"age": SentField({"integer": 40}, 20, 121)}, ["age is sent past its maximum of 120"]),
        ({"query": SentField({"string": 40}, longest=101)}, ["past its max length of 100"]),
        ({"city": SentField({"string": 1})}, ["city is sent, and is no field of it"]),
    ],
)
def test_what_clients_send_is_held_against_the_schema(
    fields: dict[str, SentField], says: list[str]
) -> None:
    found = refused(SCHEMA, Sent(40, {**SENT.fields, **fields}), "user_id")
    assert len(found) == len(says)
    assert all(part in sentence for part, sentence in zip(says, found, strict=True))
