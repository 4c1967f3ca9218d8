"""Choosing rules over HTTP: once, told, and refused where the state has moved."""

from uuid import uuid4

import pytest

from backend_api.catalog import Catalog
from tests.conftest import Backend
from tests.makers import INTENT, Registry


@pytest.fixture
def registry(backend: Backend, catalog: Catalog) -> Registry:
    """v1.0.0 in production."""
    made = Registry(backend.engine, catalog)
    made.promoted("v1.0.0")
    return made


def test_a_repeat_is_the_first_answer_and_a_second_choice_is_stale(
    backend: Backend, registry: Registry
) -> None:
    client = backend.client("oncall")
    path = f"/models/{INTENT}/fallback"
    body = {"request_id": str(uuid4()), "reason": "drift since 02:00", "on": True}
    first, repeat = (client.post(path, json=body) for _ in range(2))
    assert first.status_code == repeat.status_code == 200
    assert first.json() == repeat.json()
    assert first.json()["epoch"] == 2 + 1
    other = client.post(path, json={**body, "request_id": str(uuid4())})
    assert other.status_code == 409
    assert other.json()["error"] == "StaleView"
    seen = client.get(f"/deployments/{INTENT}").json()
    assert seen["desired"]["fallback"] is True
    assert seen["fallback"]["reason"] == "drift since 02:00"
    assert seen["desired"]["production"] == "v1.0.0"
    overview = client.get("/overview").json()
    state = next(m["state"] for m in overview["models"] if m["model_name"] == INTENT)
    assert state == "degraded"


@pytest.mark.parametrize(
    ("name", "change", "status"),
    [("horoscope", {}, 404), (INTENT, {"on": "perhaps"}, 400), (INTENT, {"reason": ""}, 400)],
)
def test_what_cannot_be_understood_is_named(
    backend: Backend, name: str, change: dict[str, object], status: int
) -> None:
    body = {"request_id": str(uuid4()), "reason": "because", "on": True, **change}
    answer = backend.client("lead").post(f"/models/{name}/fallback", json=body)
    assert answer.status_code == status
