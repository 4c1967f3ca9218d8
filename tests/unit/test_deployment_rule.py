"""Do workers agree, has a version proved good, and what is wrong with a model?"""

from datetime import UTC, datetime, timedelta

import pytest

from backend_api.rules.deployment import agrees, condition, is_live, proved
from backend_api.schemas import Desired, Hold, LoadedVersion, Mirror, Observed, Traffic
from backend_api.states import GateState, Health
from tests.makers import digest

NOW = datetime(2026, 1, 25, 3, 0, tzinfo=UTC)
DESIRED = Desired(
    model_name="intent_classifier", epoch=4, production="v1.1.0", canary=None, canary_share=0,
    staging=[], target="v1.0.0", salt="", degraded=None, changed_at=NOW, changed_by="asha",
)  # fmt: skip
WORKER = Observed(
    replica_id="a", host="host", pid=1, live=True, heartbeat_at=NOW, epoch=4, production="v1.1.0",
    canary=None, canary_share=0, error=None, acknowledged_at=NOW, agrees=True,
    loaded={"v1.0.0": LoadedVersion(state="ready", digest=digest(1))},
)  # fmt: skip
EQUAL = Mirror(
    state=Health.OK, difference=None, error=None, pending=0, checked_at=NOW, equal_at=NOW
)
QUIET = Traffic(
    minutes=5, requests=100, errors=0, fallbacks=0, p50_ms=2.0, p95_ms=9.0, by_arm={}, last_at=NOW
)


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": 3},
        {"production": "v1.0.0"},
        {"canary": "v1.2.0"},
        {"canary_share": 10},
        {"error": "the artefact has other bytes"},
    ],
)
def test_a_worker_agrees_only_on_everything(change: dict[str, object]) -> None:
    assert agrees(DESIRED, WORKER)
    assert not agrees(DESIRED, WORKER.model_copy(update=change))


def test_where_rules_were_chosen_a_worker_agrees_by_answering_by_them() -> None:
    chosen = DESIRED.model_copy(update={"fallback": True})
    ruled = WORKER.model_copy(update={"fallback": True})
    # They are chosen just when no version can be loaded.
    broken = {"production": None, "error": "the artefact has other bytes"}
    assert agrees(chosen, ruled.model_copy(update=broken))
    assert not agrees(chosen, WORKER)
    assert not agrees(chosen, ruled.model_copy(update={"epoch": 3}))
    assert not agrees(DESIRED, ruled)


def test_rules_that_answer_are_said_whoever_chose_them() -> None:
    ruled = WORKER.model_copy(update={"fallback": True})
    chosen = DESIRED.model_copy(update={"fallback": True})
    state, said = condition(chosen, [ruled], None, EQUAL, QUIET)
    assert (state, said) == (
        Health.DEGRADED, "Rules answer on all workers, since somebody decided so.",
    )  # fmt: skip
    lost = ruled.model_copy(update={"agrees": False, "production": None})
    state, said = condition(DESIRED, [lost, WORKER], None, EQUAL, QUIET)
    assert (state, said) == (
        Health.DEGRADED, "Rules answer on 1 of 2 workers: no version is loaded there.",
    )  # fmt: skip


def test_a_worker_is_live_up_to_the_time_out() -> None:
    assert is_live(NOW - timedelta(seconds=10), None, NOW, 10)
    assert not is_live(NOW - timedelta(seconds=10.001), None, NOW, 10)
    assert not is_live(NOW, NOW, NOW, 10), "it said goodbye"


@pytest.mark.parametrize(
    ("change", "state", "says"),
    [
        ({}, Health.OK, "v1.1.0 serves on 1 of 1 workers"),
        ({"desired": None}, Health.UNKNOWN, "Nothing is in production"),
        ({"observed": []}, Health.DOWN, "No inference worker"),
        ({"traffic": QUIET.model_copy(update={"errors": 2})}, Health.DOWN, "2.0% of 100"),
        ({"traffic": QUIET.model_copy(update={"p95_ms": 501.0})}, Health.DOWN, "p95 is 501 ms"),
        (
            {"desired": DESIRED.model_copy(update={"degraded": "no active production row"})},
            Health.DEGRADED,
            "no active production row",
        ),
        (
            {"observed": [WORKER.model_copy(update={"agrees": False, "error": "altered bytes"})]},
            Health.DEGRADED,
            "altered bytes",
        ),
        (
            {"mirror": EQUAL.model_copy(update={"difference": "alias differs."})},
            Health.DEGRADED,
            "MLflow disagrees",
        ),
        ({"hold": Hold(at=NOW, by="omar", reason="p95")}, Health.DEGRADED, "On hold"),
    ],
)
def test_the_worst_finding_speaks(change: dict[str, object], state: Health, says: str) -> None:
    values: dict[str, object] = {
        "desired": DESIRED, "observed": [WORKER], "hold": None, "mirror": EQUAL, "traffic": QUIET,
    }  # fmt: skip
    found, sentence = condition(**{**values, **change})  # type: ignore[arg-type]
    assert found == state
    assert says in sentence


def test_few_requests_prove_no_outage() -> None:
    few = QUIET.model_copy(update={"requests": 19, "errors": 19})
    assert condition(DESIRED, [WORKER], None, EQUAL, few)[0] == Health.OK


@pytest.mark.parametrize(
    ("change", "served", "state"),
    [
        ({}, 0.0, GateState.PASS),
        ({"errors": 1}, 0.0, GateState.PASS),
        ({"errors": 2}, 900.0, GateState.FAIL),
        ({"p95_ms": 500.1}, 900.0, GateState.FAIL),
        ({"requests": 19}, 59.9, GateState.UNKNOWN),
        ({"requests": 19}, 60.0, GateState.PASS),
        ({"requests": 19, "errors": 1}, 900.0, GateState.UNKNOWN),
        ({"requests": 0, "p95_ms": None}, 60.0, GateState.PASS),
    ],
)
def test_a_version_proves_good_by_answers_or_by_quiet_time(
    change: dict[str, object], served: float, state: GateState
) -> None:
    assert proved(QUIET.model_copy(update=change), served, quiet=60.0)[0] == state
