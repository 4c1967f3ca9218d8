"""The shadow over HTTP: a lead begins and raises it, on-call lowers and ends it."""

from typing import Any
from uuid import uuid4

import pytest

from backend_api.catalog import Catalog
from tests.conftest import Backend
from tests.makers import INTENT, Registry


@pytest.fixture
def registry(backend: Backend, catalog: Catalog) -> Registry:
    """v1.0.0 in production, v1.1.0 registered."""
    made = Registry(backend.engine, catalog)
    made.promoted("v1.0.0")
    made.register("v1.1.0")
    return made


def put(backend: Backend, role: str, share: int, seen: tuple[str | None, int], **more: Any) -> Any:
    """The answer to a request to set the share of v1.1.0."""
    body = {
        "request_id": str(uuid4()), "reason": "compare", "version": "v1.1.0", "share": share,
        "expected_version": seen[0], "expected_share": seen[1], **more,
    }  # fmt: skip
    return backend.client(role).post(f"/models/{INTENT}/shadow", json=body)


def test_who_may_begin_raise_lower_and_end(backend: Backend, registry: Registry) -> None:
    assert put(backend, "oncall", 20, (None, 0)).status_code == 403
    assert put(backend, "oncall", 20, (None, 0), version="v1.9.0").status_code == 403
    assert put(backend, "lead", 20, (None, 0)).status_code == 200
    assert put(backend, "oncall", 30, ("v1.1.0", 20)).status_code == 403
    assert put(backend, "oncall", 20, ("v1.1.0", 20), version="v1.0.0").status_code == 403
    assert put(backend, "oncall", 10, ("v1.1.0", 20)).status_code == 200
    stale = put(backend, "oncall", 5, ("v1.1.0", 20))
    assert (stale.status_code, stale.json()["error"]) == (409, "StaleView")
    assert stale.json()["details"] == {"version": "v1.1.0", "share": 10}
    seen = backend.client("viewer").get(f"/deployments/{INTENT}").json()
    assert seen["desired"]["shadow_share"] == 10
    assert seen["shadow"]["version"] == "v1.1.0"
    assert put(backend, "oncall", 0, ("v1.1.0", 10)).status_code == 200
    assert backend.client("viewer").get(f"/deployments/{INTENT}").json()["shadow"] is None


def test_what_cannot_be_is_refused(backend: Backend, registry: Registry) -> None:
    assert put(backend, "lead", 101, (None, 0)).status_code == 400
    assert put(backend, "lead", 20, (None, 0), version="v7.0.0").status_code == 404
    assert put(backend, "lead", 20, (None, 0), version="v1.0.0").status_code == 409
    assert put(backend, "lead", 0, (None, 0)).status_code == 409
