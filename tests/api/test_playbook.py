"""A candidate for an incident: ordered by one click, or by the playbook in models.yaml, once."""

import json
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from backend_api import db, incidents, watch
from backend_api.catalog import Catalog, RetrainingPlan
from backend_api.operations import retraining
from backend_api.schemas import Incident
from backend_api.states import IncidentKind
from tests.conftest import Backend
from tests.makers import INTENT, Registry
from tests.profiles import Counted, judging, number, profile

MOVED = [0, 5, 10, 15, 20, 30, 60, 90, 150, 250, 370, 0, 0, 0]
BY_ITSELF = RetrainingPlan(on=[IncidentKind.DRIFT, IncidentKind.ACCURACY_DROP], days=14)


@pytest.fixture
def registry(backend: Backend, catalog: Catalog) -> Registry:
    """v1.1.0 is in production, made by a run."""
    made = Registry(backend.engine, catalog)
    made.promoted("v1.1.0")
    return made


@pytest.fixture
def drifted(backend: Backend, registry: Registry) -> Counted:
    """It stands at high drift, and an incident says so."""
    made = Counted(backend.engine, profile(number("words"), number("characters")))
    for back in range(1, 10):
        made.day(back, words=MOVED) if back < 4 else made.day(back)
    judge(backend)
    return made


def judge(backend: Backend) -> None:
    with db.transaction(backend.engine, "watch") as session:
        session.execute(text("DELETE FROM heartbeats"))
    watch.judge_drift(backend.engine, INTENT, judging())


def play(backend: Backend, plan: RetrainingPlan = BY_ITSELF) -> None:
    with db.transaction(backend.engine, "watch") as session:
        retraining.tend(session, INTENT, plan, db.now(), "watch")


def incident(backend: Backend) -> Incident:
    with db.transaction(backend.engine, None) as session:
        found = incidents.under_way(session, INTENT, IncidentKind.DRIFT)
    assert found is not None
    return found


def ordered(backend: Backend) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        backend.client("viewer").get(f"/models/{INTENT}/retrainings").json()
    )
    return found


def lines(backend: Backend) -> list[tuple[str, str]]:
    return [(event.kind, event.actor) for event in incident(backend).events]


def test_a_playbook_orders_one_candidate_per_incident(
    backend: Backend, registry: Registry, drifted: Counted
) -> None:
    play(backend)
    play(backend)
    (job,) = ordered(backend)
    assert (job["version"], job["created_by"], job["state"]) == ("v1.1.0", "watch", "queued")
    assert lines(backend) == [("opened", "watch"), ("retraining", "watch")]
    page = backend.client("viewer").get("/ledger", params={"action": "version.retrain.ordered"})
    (row,) = page.json()["entries"]
    assert (row["actor"], row["version"]) == ("watch", "v1.1.0")
    assert row["evidence"] == {
        "days": 14, "quick": False, "job": job["id"], "incident": str(incident(backend).id),
    }  # fmt: skip
    with backend.engine.connect() as connection:
        arguments = connection.scalar(
            text("SELECT args FROM procrastinate_jobs WHERE args ->> 'job_id' = :job"),
            {"job": job["id"]},
        )
    assert arguments["days"] == "14"
    # Its end changes nothing: the incident had its one.
    with backend.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET state = 'failed', finished_at = now()"))
    play(backend)
    assert len(ordered(backend)) == 1
    assert registry.production() == "v1.1.0"


def test_as_it_comes_nothing_is_ordered_by_itself(
    backend: Backend, catalog: Catalog, drifted: Counted
) -> None:
    assert all(entry.retraining.on == [] for entry in catalog.models.values())
    play(backend, catalog.get(INTENT).retraining)
    play(backend, RetrainingPlan(on=[IncidentKind.ACCURACY_DROP]))
    assert ordered(backend) == []


def test_what_is_over_or_about_another_version_is_left_alone(
    backend: Backend, registry: Registry, drifted: Counted
) -> None:
    registry.promoted("v1.2.0")
    play(backend)
    assert ordered(backend) == []


def test_nothing_is_trained_on_data_that_have_to_be_mended_first(
    backend: Backend, drifted: Counted
) -> None:
    empty = text(
        """UPDATE drift_results SET evidence = jsonb_set(evidence, '{odd}', cast(:odd AS jsonb))"""
    )
    odd = {
        "feature": "words", "kind": "empty", "share": 0.2, "reference_share": 0.0, "count": 200,
        "sentence": "words: 20.0% of the values are missing.",
    }  # fmt: skip
    with backend.engine.begin() as connection:
        connection.execute(empty, {"odd": json.dumps([odd])})
    play(backend)
    play(backend)
    assert ordered(backend) == []
    assert lines(backend) == [("opened", "watch"), ("retraining_waits", "watch")]
    assert "words: 20.0% of the values are missing." in incident(backend).events[-1].sentence
    # A changed world is none of it.
    with backend.engine.begin() as connection:
        connection.execute(empty, {"odd": json.dumps([odd | {"kind": "above"}])})
    play(backend)
    assert len(ordered(backend)) == 1


def test_a_cause_that_is_gone_orders_nothing(backend: Backend, drifted: Counted) -> None:
    with backend.engine.begin() as connection:
        connection.execute(text("UPDATE incidents SET holds = false"))
    play(backend)
    assert ordered(backend) == []


def test_what_a_playbook_cannot_do_is_said_once(backend: Backend, drifted: Counted) -> None:
    with backend.engine.begin() as connection:
        connection.execute(text("UPDATE model_registry SET run_id = NULL"))
    play(backend)
    play(backend)
    assert lines(backend) == [("opened", "watch"), ("retraining_refused", "watch")]
    assert "was registered from no run" in incident(backend).events[-1].sentence
    assert ordered(backend) == []


def test_a_person_orders_it_for_the_incident_and_the_playbook_does_not_again(
    backend: Backend, drifted: Counted
) -> None:
    body = {"request_id": str(uuid4()), "reason": "a new branch", "days": 30,
            "incident_id": str(incident(backend).id)}  # fmt: skip
    analyst = backend.client("analyst")
    for _ in range(2):
        answer = analyst.post(f"/models/{INTENT}/retrain", json=body)
        assert answer.status_code == 202, answer.text
    play(backend)
    assert len(ordered(backend)) == 1
    assert lines(backend) == [("opened", "watch"), ("retraining", "token:test-analyst")]


def test_an_incident_of_another_model_or_of_none_is_refused(
    backend: Backend, drifted: Counted, catalog: Catalog
) -> None:
    Registry(backend.engine, catalog, "credit_risk").promoted("v1.0.0")
    body = {"request_id": str(uuid4()), "reason": "a new branch",
            "incident_id": str(incident(backend).id)}  # fmt: skip
    answer = backend.client("analyst").post("/models/credit_risk/retrain", json=body)
    assert (answer.status_code, answer.json()["message"]) == (
        400, "The incident is about intent_classifier, and not about credit_risk.",
    )  # fmt: skip
    body |= {"request_id": str(uuid4()), "incident_id": str(uuid4())}
    assert backend.client("analyst").post(f"/models/{INTENT}/retrain", json=body).status_code == 404
    assert ordered(backend) == []
