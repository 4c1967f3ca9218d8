"""Freezes over HTTP: they shut promotions, and nothing else."""

from datetime import timedelta
from uuid import uuid4

import httpx2
import pytest

from backend_api import db
from backend_api.catalog import Catalog
from backend_api.errors import PromotionBlocked
from backend_api.states import Strategy
from tests.conftest import Backend
from tests.makers import INTENT, Registry


def make(backend: Backend, **changes: object) -> httpx2.Response:
    body = {
        "request_id": str(uuid4()), "reason": "nobody is here", "name": "Weekend",
        "first": (db.now() - timedelta(hours=1)).isoformat(), "minutes": 120,
    }  # fmt: skip
    return backend.client("lead").post("/freezes", json=body | changes)


@pytest.fixture
def registry(backend: Backend, catalog: Catalog) -> Registry:
    """v1.0.0 was in production and verified, v1.1.0 is; v1.2.0 is validated."""
    made = Registry(backend.engine, catalog)
    made.promoted("v1.0.0")
    made.promoted("v1.1.0")
    made.validated("v1.2.0")
    return made


def test_a_freeze_shuts_promotions_and_never_a_rollback(
    backend: Backend, registry: Registry
) -> None:
    assert make(backend).status_code == 201
    with pytest.raises(PromotionBlocked, match="Promotions are frozen until"):
        registry.request("v1.2.0")
    assert registry.roll_back().version == "v1.0.0"


def test_a_freeze_does_not_void_what_was_asked_before_it(
    backend: Backend, registry: Registry
) -> None:
    asked = registry.request("v1.2.0")
    made = make(backend).json()
    with pytest.raises(PromotionBlocked, match="frozen"):
        registry.approve(asked)
    window = backend.client("viewer").get("/freezes").json()[0]
    assert window["status"]["closed"]
    lift = {"request_id": str(uuid4()), "reason": "the audit is over"}
    answer = backend.client("lead").post(f"/freezes/{window['id']}/lift", json=lift)
    assert answer.json()["sentence"] == "Weekend freezes nothing any more."
    assert registry.approve(asked).version == "v1.2.0"
    assert made["sentence"] == "Weekend freezes promotions of every model."
    again = {"request_id": str(uuid4()), "reason": "once more"}
    assert (
        backend.client("lead").post(f"/freezes/{window['id']}/lift", json=again).status_code == 409
    )


def test_a_canary_is_not_raised_in_a_freeze_but_may_be_lowered(
    backend: Backend, registry: Registry
) -> None:
    registry.approve(registry.request("v1.2.0", strategy=Strategy.CANARY, share=10))
    make(backend, model_name=INTENT)

    def shift(share: int) -> httpx2.Response:
        body = {
            "request_id": str(uuid4()), "reason": "as planned", "expected_canary": "v1.2.0",
            "expected_share": 10, "share": share,
        }  # fmt: skip
        return backend.client("lead").post(f"/models/{INTENT}/traffic", json=body)

    raised = shift(50)
    assert raised.status_code == 409
    assert "frozen" in raised.json()["message"]
    assert shift(5).status_code == 200


def test_another_models_freeze_holds_nothing_here(backend: Backend, registry: Registry) -> None:
    make(backend, model_name="credit_risk")
    assert registry.approve(registry.request("v1.2.0")).version == "v1.2.0"


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"rule": "every saturday"}, 400, "is no recurrence rule"),
        ({"zone": "Mars/Olympus"}, 400, "There is no time zone"),
        ({"minutes": 200_000}, 400, "62 days"),
        ({"first": "2026-03-07T00:00:00"}, 400, "first"),
        ({"model_name": "horoscope"}, 404, "horoscope"),
    ],
)
def test_a_window_that_cannot_be_is_refused_with_what_to_mend(
    backend: Backend, change: dict[str, object], status: int, says: str
) -> None:
    answer = make(backend, **change)
    assert (answer.status_code, says in answer.json()["message"]) == (status, True)
    assert backend.client("viewer").get("/freezes").json() == []
