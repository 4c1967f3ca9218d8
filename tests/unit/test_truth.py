"""The decision beside each place: what differs is named, what cannot be read is said to be that."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_api.rules.mirror import Picture
from backend_api.rules.truth import TAKING_UP, Answers, Read, View, compare
from backend_api.schemas import Desired, Observed, Place, Truth
from backend_api.states import Health, Repair

NOW = datetime(2026, 1, 25, 3, 0, tzinfo=UTC)
DESIRED = Desired(
    model_name="intent_classifier", epoch=4, production="v1.1.0", canary=None, canary_share=0,
    staging=[], target="v1.0.0", salt="", degraded=None, changed_at=NOW - timedelta(hours=1),
    changed_by="asha",
)  # fmt: skip
CANARY = DESIRED.model_copy(update={"canary": "v1.2.0", "canary_share": 10})
WORKER = Observed(
    replica_id="a", host="host", pid=1, live=True, heartbeat_at=NOW, epoch=4, production="v1.1.0",
    canary=None, canary_share=0, error=None, acknowledged_at=NOW, agrees=True, loaded={},
)  # fmt: skip
BEHIND = WORKER.model_copy(update={"agrees": False, "epoch": 3, "production": "v1.0.0"})
SILENT = WORKER.model_copy(update={"live": False, "heartbeat_at": NOW - timedelta(minutes=5)})
PICTURE = Picture(
    {"production": 2}, {1: "Archived", 2: "Production"}, {1: "archived", 2: "production"}
)
MOVED = replace(PICTURE, aliases={"production": 1})
READ = Read(PICTURE, PICTURE, NOW - timedelta(seconds=20), None)
ANSWERED = [Answers("v1.1.0", "production", 300, 90)]
SPLIT = [Answers("v1.1.0", "production", 2700, 900), Answers("v1.2.0", "canary", 300, 100)]
EQUAL = View("intent_classifier", DESIRED, [WORKER, WORKER], READ, ANSWERED, 5, NOW)


def seen(**changes: Any) -> Truth:
    return compare(replace(EQUAL, **changes))


def place(truth: Truth, name: str) -> Place:
    return next(one for one in truth.places if one.name == name)


def test_where_all_say_the_same_it_is_fine() -> None:
    found = seen()
    assert (found.state, found.differences) == (Health.OK, [])
    assert [one.state for one in found.places] == [Health.OK] * 4
    assert seen(desired=CANARY, answers=SPLIT).state == Health.OK


@pytest.mark.parametrize(
    ("change", "where", "says", "repair"),
    [
        ({"mlflow": replace(READ, seen=MOVED)}, "mlflow",
         "alias 'production' points to 1, should be 2.", Repair.MIRROR),
        ({"mlflow": replace(READ, seen=replace(PICTURE, stages={2: "Production"}))}, "mlflow",
         "version 1 is missing in MLflow; register its run again.", None),
        ({"mlflow": replace(READ, seen=MOVED, pending=1, stuck=True)}, "mlflow", "alias",
         Repair.MIRROR),
        ({"workers": [WORKER, BEHIND]}, "workers",
         "host · 1: production is v1.0.0, decided v1.1.0; epoch is 3, decided 4.", Repair.RELOAD),
        ({"workers": [BEHIND.model_copy(update={"error": "other bytes"})]}, "workers",
         "host · 1 serves v1.0.0: other bytes", Repair.RELOAD),
        ({"workers": [BEHIND.model_copy(update={"fallback": True})]}, "workers",
         "answers by rules, as is not decided", Repair.RELOAD),
        ({"answers": [*ANSWERED, Answers("v1.0.0", "production", 12, 4)]}, "answers",
         "v1.0.0 as production answered 12 of 312 requests", Repair.RELOAD),
        ({"answers": [Answers("fallback", "fallback", 12, 4)]}, "answers",
         "rules answered 12 of 12 requests", Repair.RELOAD),
        ({"desired": CANARY, "answers": [SPLIT[0], replace(SPLIT[1], users=400)]}, "answers",
         "400 of 1,300 users got the canary, but its share is 10 %", Repair.HOLD),
        ({"desired": DESIRED.model_copy(update={"degraded": "no active production row"})}, "rows",
         "The decision is incomplete: no active production row.", Repair.HOLD),
    ],
)  # fmt: skip
def test_each_difference_is_named_with_its_repair(
    change: dict[str, Any], where: str, says: str, repair: Repair | None
) -> None:
    found = seen(**change)
    assert found.state == Health.DEGRADED
    (only,) = found.differences
    assert (only.place, only.repair) == (where, repair)
    assert says in only.sentence
    assert place(found, where).state == Health.DEGRADED


@pytest.mark.parametrize(
    ("change", "where", "state", "says"),
    [
        ({"mlflow": replace(READ, error="MLflow does not answer.")}, "mlflow", Health.DOWN,
         "MLflow does not answer."),
        ({"mlflow": replace(READ, seen=MOVED, error="MLflow does not answer.")}, "mlflow",
         Health.DOWN, "does not answer"),
        ({"mlflow": replace(READ, seen=None, at=None)}, "mlflow", Health.UNKNOWN, "not read yet"),
        ({"mlflow": replace(READ, seen=MOVED, pending=1)}, "mlflow", Health.UNKNOWN, "on its way"),
        ({"workers": []}, "workers", Health.DOWN, "No worker is live"),
        ({"workers": [SILENT]}, "workers", Health.DOWN, "No worker is live"),
        ({"workers": [WORKER, SILENT]}, "workers", Health.UNKNOWN, "1 fell silent"),
        ({"workers": [BEHIND],
          "desired": DESIRED.model_copy(update={"changed_at": NOW - TAKING_UP / 2})},
         "workers", Health.UNKNOWN, "taking the decision up"),
        ({"answers": None}, "answers", Health.UNKNOWN, "long enough"),
        ({"answers": []}, "answers", Health.UNKNOWN, "No request was answered lately"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_neither_agreement_nor_difference(
    change: dict[str, Any], where: str, state: Health, says: str
) -> None:
    found = seen(**change)
    assert (found.state, found.differences) == (state, [])
    assert says in place(found, where).sentence
    assert place(found, where).state == state


def test_an_outage_of_mlflow_keeps_the_time_of_the_last_good_reading() -> None:
    found = seen(mlflow=replace(READ, error="MLflow does not answer."))
    assert place(found, "mlflow").read_at == READ.at
    assert place(found, "rows").read_at == NOW


def test_chosen_rules_that_answer_are_no_difference() -> None:
    ruled = DESIRED.model_copy(update={"fallback": True})
    worker = WORKER.model_copy(update={"fallback": True})
    answers = [Answers("fallback", "fallback", 12, 4)]
    assert seen(desired=ruled, workers=[worker], answers=answers).differences == []


@given(users=st.integers(0, 200), share=st.integers(1, 99))
def test_chance_alone_of_few_users_is_no_difference(users: int, share: int) -> None:
    want = DESIRED.model_copy(update={"canary": "v1.2.0", "canary_share": share})
    canary = round(users * share / 100)
    answers = [
        Answers("v1.1.0", "production", users, users - canary),
        Answers("v1.2.0", "canary", users, canary),
    ]
    assert seen(desired=want, answers=answers).differences == []
