"""Canary, share, rollback and hold, over HTTP."""

import subprocess
import sys
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import text

from backend_api.catalog import Catalog
from backend_api.states import Strategy, VersionStatus
from tests.conftest import Backend
from tests.makers import INTENT, Registry


def post(client: httpx2.Client, path: str, **values: Any) -> httpx2.Response:
    body = {"request_id": str(uuid4()), "reason": "p95 doubled since 03:10", **values}
    return client.post(f"/models/{INTENT}/{path}", json=body)


@pytest.fixture
def registry(backend: Backend, catalog: Catalog) -> Registry:
    """v1.0.0 was in production and verified, v1.1.0 is, v1.2.0 is validated."""
    made = Registry(backend.engine, catalog)
    made.promoted("v1.0.0")
    made.promoted("v1.1.0")
    made.validated("v1.2.0")
    return made


@pytest.fixture
def canary(registry: Registry) -> Registry:
    """v1.2.0 gets 10 %."""
    registry.approve(registry.request("v1.2.0", strategy=Strategy.CANARY, share=10))
    return registry


def desired(backend: Backend) -> dict[str, Any]:
    found: dict[str, Any] = backend.client("viewer").get(f"/deployments/{INTENT}").json()
    want: dict[str, Any] = found["desired"]
    return {**want, "hold": found["hold"], "readiness": found["readiness"]}


def shift(client: httpx2.Client, share: int, was: int = 10) -> httpx2.Response:
    return post(client, "traffic", expected_canary="v1.2.0", expected_share=was, share=share)


def test_on_call_rolls_back_and_a_hold_is_set(backend: Backend, registry: Registry) -> None:
    oncall = backend.client("oncall")
    answer = post(oncall, "rollback", expected_production="v1.1.0")
    assert answer.status_code == 200, answer.text
    now = desired(backend)
    assert (now["production"], now["epoch"]) == ("v1.0.0", answer.json()["epoch"])
    assert now["hold"]["by"] == "token:test-oncall"
    assert now["target"] is None, "v1.1.0 was rolled back, so it is no way back"
    assert registry.status("v1.1.0") == "rolled_back"


def test_a_second_rollback_from_the_same_page_is_stale(
    backend: Backend, registry: Registry
) -> None:
    oncall = backend.client("oncall")
    assert post(oncall, "rollback", expected_production="v1.1.0").status_code == 200
    again = post(oncall, "rollback", expected_production="v1.1.0")
    assert again.status_code == 409
    assert again.json()["details"]["production"] == "v1.0.0"


def test_a_hold_blocks_promotion_until_a_lead_lifts_it(
    backend: Backend, registry: Registry
) -> None:
    post(backend.client("oncall"), "rollback", expected_production="v1.1.0")
    analyst = backend.client("analyst")
    blocked = post(analyst, "promotions", version="v1.2.0", expected_production="v1.0.0")
    assert blocked.status_code == 409
    assert blocked.json()["details"]["gates"][0]["name"] == "hold"
    assert post(backend.client("oncall"), "hold/lift").status_code == 403
    assert post(backend.client("lead"), "hold/lift").status_code == 200
    asked = post(analyst, "promotions", version="v1.2.0", expected_production="v1.0.0")
    assert asked.status_code == 201


def test_a_rollback_ends_the_canary(backend: Backend, canary: Registry) -> None:
    assert desired(backend)["canary"] == "v1.2.0"
    post(backend.client("oncall"), "rollback", expected_production="v1.1.0")
    now = desired(backend)
    assert (now["production"], now["canary"], now["canary_share"]) == ("v1.0.0", None, 0)
    assert canary.status("v1.2.0") == "rolled_back"


def test_only_a_lead_raises_a_canary_and_on_call_may_lower_it(
    backend: Backend, canary: Registry
) -> None:
    oncall, lead = backend.client("oncall"), backend.client("lead")
    assert shift(oncall, 50).status_code == 403
    assert shift(lead, 50).status_code == 200
    assert desired(backend)["canary_share"] == 50
    assert shift(oncall, 5, was=50).status_code == 200
    assert desired(backend)["canary_share"] == 5
    stale = shift(lead, 60, was=50)
    assert stale.status_code == 409
    assert stale.json()["details"] == {"canary": "v1.2.0", "share": 5}


def test_a_share_of_nothing_aborts_for_good(backend: Backend, canary: Registry) -> None:
    assert shift(backend.client("oncall"), 0).status_code == 200
    assert desired(backend)["canary"] is None
    assert canary.status("v1.2.0") == "rolled_back"
    gone = shift(backend.client("lead"), 10, was=0)
    assert gone.status_code == 409


def test_a_share_of_everything_is_production(backend: Backend, canary: Registry) -> None:
    assert shift(backend.client("lead"), 100).status_code == 200
    now = desired(backend)
    assert (now["production"], now["canary"]) == ("v1.2.0", None)


def test_a_rollback_to_a_version_that_failed_before_is_refused(
    backend: Backend, canary: Registry
) -> None:
    shift(backend.client("oncall"), 0)
    refused = post(backend.client("oncall"), "rollback", expected_production="v1.1.0", to="v1.2.0")
    assert refused.status_code == 409
    assert "v1.0.0" in refused.json()["hint"]
    assert desired(backend)["production"] == "v1.1.0"


def test_nothing_to_go_back_to_is_said_with_the_way_out(backend: Backend, catalog: Catalog) -> None:
    nothing = post(backend.client("oncall"), "rollback", expected_production=None)
    assert nothing.status_code == 409
    Registry(backend.engine, catalog).promoted("v1.0.0")
    first = post(backend.client("oncall"), "rollback", expected_production="v1.0.0")
    assert first.status_code == 409
    assert "no earlier version" in first.json()["message"]


@pytest.mark.parametrize("role", ["viewer", "analyst", "admin", "machine"])
def test_others_cannot_roll_back(backend: Backend, registry: Registry, role: str) -> None:
    refused = post(backend.client(role), "rollback", expected_production="v1.1.0")
    assert refused.status_code == 403
    assert registry.production() == "v1.1.0"


def test_a_rollback_with_nothing_behind_ends_the_canary_and_keeps_production(
    backend: Backend, catalog: Catalog
) -> None:
    registry = Registry(backend.engine, catalog)
    registry.promoted("v1.1.0")
    registry.validated("v1.2.0")
    registry.approve(registry.request("v1.2.0", strategy=Strategy.CANARY, share=10))
    answer = post(backend.client("oncall"), "rollback", expected_production="v1.1.0")
    assert answer.status_code == 200, answer.text
    assert "goes back from v1.2.0 to v1.1.0" in answer.json()["sentence"]
    now = desired(backend)
    assert (now["production"], now["canary"], now["epoch"]) == (
        "v1.1.0", None, answer.json()["epoch"],
    )  # fmt: skip
    assert now["hold"] is not None
    assert registry.status("v1.2.0") == "rolled_back"


def test_a_rollback_to_production_itself_ends_only_its_canary(
    backend: Backend, canary: Registry
) -> None:
    post(backend.client("oncall"), "rollback", expected_production="v1.1.0", to="v1.1.0")
    now = desired(backend)
    assert (now["production"], now["canary"], now["target"]) == ("v1.1.0", None, "v1.0.0")


def test_pressing_twice_does_not_go_back_twice(backend: Backend, catalog: Catalog) -> None:
    registry = Registry(backend.engine, catalog)
    for version in ("v1.0.0", "v1.1.0", "v1.2.0"):
        registry.promoted(version)
    oncall = backend.client("oncall")
    assert post(oncall, "rollback", expected_production=None).status_code == 200
    again = post(oncall, "rollback", expected_production=None)
    assert again.status_code == 409
    assert "was rolled back already and serves v1.1.0" in again.json()["message"]
    meant = post(oncall, "rollback", expected_production="v1.1.0")
    assert meant.status_code == 200
    assert registry.production() == "v1.0.0"


def test_only_a_lead_makes_a_canary_production_whatever_its_share(
    backend: Backend, canary: Registry
) -> None:
    # As typed by hand: the database takes any share up to 100.
    with backend.engine.begin() as connection:
        connection.execute(
            text("UPDATE model_deployments SET traffic_percentage = 100"
                 " WHERE environment = 'canary'")
        )  # fmt: skip
    assert shift(backend.client("oncall"), 100, was=100).status_code == 403
    assert shift(backend.client("lead"), 100, was=100).status_code == 200
    assert desired(backend)["production"] == "v1.2.0"


def test_a_target_that_is_staged_once_more_stays_the_way_back(
    backend: Backend, registry: Registry
) -> None:
    registry.stage("v1.0.0", VersionStatus.ARCHIVED)
    assert desired(backend)["target"] == "v1.0.0"
    assert post(backend.client("oncall"), "rollback", expected_production="v1.1.0").is_success
    now = desired(backend)
    assert (now["production"], now["staging"]) == ("v1.0.0", [])


def test_who_is_staged_takes_the_place_of_who_was(backend: Backend, registry: Registry) -> None:
    registry.register("v1.3.0")
    registry.register("v1.4.0")
    registry.stage("v1.3.0")
    registry.stage("v1.4.0")
    assert desired(backend)["staging"] == ["v1.4.0"]
    assert registry.status("v1.3.0") == "registered", "it may be staged once more"
    assert registry.status("v1.2.0") == "validated", "what was proved stays proved"
    registry.approve(registry.request("v1.2.0", strategy=Strategy.CANARY, share=10))
    assert desired(backend)["staging"] == ["v1.4.0"], "another's canary takes no place here"


def test_a_rollback_needs_neither_mlflow_nor_its_client() -> None:
    code = "import sys, backend_api.operations.rollback as r; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
