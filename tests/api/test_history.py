"""Who was live then, and what answered a request, over HTTP."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from backend_api import db
from backend_api.catalog import Catalog
from backend_api.states import Role, Strategy
from tests.conftest import Backend
from tests.makers import INTENT, Registry


@pytest.fixture
def registry(backend: Backend, catalog: Catalog) -> Registry:
    """v1.0.0 in production with the canary v1.1.0 at 10 % beside it."""
    made = Registry(backend.engine, catalog)
    made.promoted("v1.0.0")
    made.validated("v1.1.0")
    made.approve(made.request("v1.1.0", strategy=Strategy.CANARY, share=10))
    return made


def logged(
    backend: Backend, version: str, arm: str, at: datetime | None = None, twin: UUID | None = None,
    prediction: UUID | None = None,
) -> UUID:  # fmt: skip
    """An answer in the prediction log; its id."""
    made, moment = prediction or uuid7(), at or db.now()
    with db.transaction(backend.engine, "tests") as session:
        session.execute(text("SELECT ensure_prediction_partition(:day)"), {"day": moment.date()})
        session.execute(
            text(
                "INSERT INTO model_predictions (prediction_id, predicted_at, model_name, version,"
                " arm, entity_key, input, output, confidence, latency_ms, status, twin_id, agrees)"
                " VALUES (:id, :at, :model, :version, :arm, 'user-7', '{\"query\": \"my salary\"}',"
                " '{\"intent\": \"savings_goal\"}', 0.93, 4.2, 'ok', :twin, :agrees)"
            ),
            {"id": made, "at": moment, "model": INTENT, "version": version, "arm": arm,
             "twin": twin, "agrees": None if twin is None else True},
        )  # fmt: skip
    return made


def ask(backend: Backend, prediction: object, role: Role = Role.ANALYST) -> httpx2.Response:
    return backend.client(role).get(f"/predictions/{prediction}")


def test_every_model_or_one_is_told_and_a_time_without_a_zone_is_utc(
    backend: Backend, registry: Registry, catalog: Catalog
) -> None:
    viewer = backend.client(Role.VIEWER)
    every = viewer.get("/history/at").json()
    assert [one["model_name"] for one in every] == list(catalog.models)
    now = db.now()
    naive = now.replace(tzinfo=None).isoformat()
    (one,) = viewer.get("/history/at", params={"model": INTENT, "at": naive}).json()
    assert datetime.fromisoformat(one["at"]) == now
    assert (one["canary"]["version"], one["canary"]["share"]) == ("v1.1.0", 10)
    assert one["canary"]["approval"]["promotion"]["requested_by"] == "asha"


@pytest.mark.parametrize(
    ("params", "status", "says"),
    [
        ({"model": "nope"}, 404, "nope"),
        ({"at": "yesterday"}, 400, "at"),
        ({"at": "2999-01-01T00:00:00Z"}, 400, "lies in the future"),
        ({"at": "0001-01-01T00:00:00+05:30"}, 400, "no calendar has"),
    ],
)
def test_what_cannot_be_answered_is_said(
    backend: Backend, params: dict[str, str], status: int, says: str
) -> None:
    answer = backend.client(Role.VIEWER).get("/history/at", params=params)
    assert (answer.status_code, says in answer.json()["message"]) == (status, True)


def test_an_answer_is_found_with_what_was_decided_then(
    backend: Backend, registry: Registry
) -> None:
    found = ask(backend, logged(backend, "v1.1.0", "canary")).json()
    assert found["sentence"] == (
        "v1.1.0 answered as the canary in 4.2 ms with confidence 0.93. Its share was 10 % then."
    )
    assert (found["input"], found["output"]) == (
        {"query": "my salary"}, {"intent": "savings_goal"}
    )  # fmt: skip
    assert found["entity_key"] == "user-7"
    assert found["decided"]["production"]["version"] == "v1.0.0"
    assert found["decided"]["epoch"] > 0


def test_what_was_asked_and_answered_is_for_those_who_may_read_it(
    backend: Backend, registry: Registry
) -> None:
    twin = logged(backend, "v1.0.0", "production")
    logged(backend, "v1.2.0", "shadow", twin=twin)
    for role in Role:
        answer = ask(backend, twin, role)
        may = role in (Role.ANALYST, Role.ONCALL, Role.LEAD)
        assert answer.status_code == 200
        assert answer.json()["withheld"] == (not may)
        for secret in ("my salary", "savings_goal", "user-7"):
            assert (secret in answer.text) == may, role


def test_the_shadows_answer_stands_beside(backend: Backend, registry: Registry) -> None:
    twin = logged(backend, "v1.0.0", "production")
    shadow = logged(
        backend, "v1.2.0", "shadow", at=db.now() + timedelta(milliseconds=80), twin=twin
    )
    pair = ask(backend, twin).json()["pair"]
    assert (pair["prediction_id"], pair["version"], pair["agrees"]) == (
        str(shadow), "v1.2.0", True,
    )  # fmt: skip
    of_shadow = ask(backend, shadow).json()
    assert (of_shadow["twin_id"], of_shadow["pair"]) == (str(twin), None)
    assert "nobody got its answer" in of_shadow["sentence"]


def test_an_id_that_is_not_of_our_making_is_found_too(backend: Backend, registry: Registry) -> None:
    old = logged(backend, "v1.0.0", "production", db.now() - timedelta(days=3), prediction=uuid4())
    found = ask(backend, old).json()
    assert "What was decided then" not in found["sentence"]
    assert found["decided"]["sentence"] == "Nothing had been decided for this model yet."


def test_what_is_not_there_says_why(backend: Backend, registry: Registry) -> None:
    old = UUID(int=int((db.now() - timedelta(days=200)).timestamp() * 1000) << 80 | 7 << 76)
    for prediction, status, reason in (
        ("not-an-id", 400, None),
        (uuid4(), 404, "unknown"),
        (uuid7(), 404, "not_delivered"),
        (UUID(int=old.int | 2 << 62), 404, "not_kept"),
    ):
        answer = ask(backend, prediction)
        assert answer.status_code == status, answer.text
        assert answer.json()["details"].get("reason") == reason
        assert answer.json()["hint"]
