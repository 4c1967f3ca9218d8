"""What was decided at a moment: the pure part."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_api.rules import history as rule

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def change(minute: int, *, transaction: int | None = None, **changes: Any) -> rule.Change:
    values: dict[str, Any] = {
        "at": NOON + timedelta(minutes=minute),
        "transaction_at": NOON + timedelta(minutes=minute if transaction is None else transaction),
        "changed_by": "ravi", "baseline": False, "epoch": minute, "production": "v1.0.0",
        "canary": None, "canary_share": 0, "target": None, "degraded": None, "fallback": False,
        "shadow": None, "shadow_share": 0, "held_at": None, "held_by": None, "held_reason": None,
    }  # fmt: skip
    return rule.Change(**{**values, **changes})


@given(
    values=st.lists(st.sampled_from(["v1.0.0", "v1.1.0", None]), min_size=1),
    minute=st.floats(-2, 60, allow_nan=False),
)
def test_a_run_holds_its_moment_and_everything_of_it_is_alike(
    values: list[str | None], minute: float
) -> None:
    changes = [change(place, production=value) for place, value in enumerate(values)]
    moment = NOON + timedelta(minutes=minute)
    place = rule.index_at(changes, moment)
    if place is None:
        assert moment < changes[0].at
        return
    found = rule.run(changes, place, lambda c: c.production)
    assert found.first.at <= moment
    inside = [c for c in changes if found.first.at <= c.at <= found.last.at]
    assert {c.production for c in inside} == {changes[place].production}
    outside = [c for c in changes if c.epoch in (found.first.epoch - 1, found.last.epoch + 1)]
    assert all(c.production != changes[place].production for c in outside)
    assert found.until is None or found.until > changes[place].at


def test_what_a_transaction_did_on_its_way_was_never_to_be_seen() -> None:
    one, between, other = change(1), change(2, transaction=3), change(3)
    assert rule.settled([one, between, other]) == [one, other]
    assert rule.settled([]) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "v1.0.0 was in production and answered every request."),
        ({"production": None}, "Nothing was in production."),
        ({"canary": "v1.1.0", "canary_share": 10}, "with 90 % of the requests, the canary v1.1.0"),
        ({"fallback": True}, "Rules answered every request; v1.0.0 was in production and"),
        ({"fallback": True, "production": None}, "Rules answered every request."),
    ],
)
def test_who_answered_is_said(changes: dict[str, Any], says: str) -> None:
    assert says in rule.sentence(change(0, **changes))


def test_agreement_is_of_the_decision_and_not_of_another() -> None:
    seen = [rule.Sighting(epoch, NOON + timedelta(minutes=epoch, seconds=2), ("a", "b"))
            for epoch in (1, 3, 9)]  # fmt: skip
    serving = rule.Run(change(2), change(5), None)
    early = rule.agreement(serving, seen, NOON + timedelta(minutes=2))
    late = rule.agreement(serving, seen, NOON + timedelta(minutes=4))
    assert (early.by_then, late.by_then) == (False, True)
    assert late.at == NOON + timedelta(minutes=3, seconds=2)
    assert late.sentence == "All 2 workers served it by then, 62.0 s after the decision."
    assert rule.agreement(serving, [], NOON).sentence == (
        "It was not recorded that all workers ever served it."
    )


@pytest.mark.parametrize(
    ("action", "evidence", "holds"),
    [
        ("model.promote", {}, False),
        ("model.roll_back", {"to": "v1.0.0"}, True),
        ("model.roll_back", {"to": "v0.9.0"}, False),
        ("canary.share", {"from": 10, "to": 50}, False),
        ("fallback.on", {}, False),
        ("sql.update model_deployments", {"is": {}}, True),
    ],
)
def test_a_ledger_row_that_tells_it_otherwise_is_named(
    action: str, evidence: dict[str, object], holds: bool
) -> None:
    found = rule.doubt(change(1), 17, action, "v1.1.0", evidence)
    assert (found is None) == holds
    assert holds or str(found).startswith("Ledger row 17 says ")
