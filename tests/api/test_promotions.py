"""Asking, approving, and everything that must not get through, over HTTP."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import text

from backend_api import db, ledger
from backend_api.catalog import Catalog
from backend_api.states import VersionStatus
from backend_api.watch import review_requests
from tests.conftest import Backend
from tests.makers import INTENT, Registry, good_metrics


@pytest.fixture
def registry(backend: Backend, catalog: Catalog) -> Registry:
    """v1.0.0 in production, v1.1.0 validated."""
    made = Registry(backend.engine, catalog)
    made.promoted("v1.0.0")
    made.validated("v1.1.0")
    return made


def write(**values: Any) -> dict[str, Any]:
    return {"request_id": str(uuid4()), "reason": "better on new phrases", **values}


def ask(client: httpx2.Client, **values: Any) -> httpx2.Response:
    body = write(**{"version": "v1.1.0", "expected_production": "v1.0.0", **values})
    return client.post(f"/models/{INTENT}/promotions", json=body)


def decide(
    client: httpx2.Client, promotion_id: str, verb: str = "approve", **values: Any
) -> httpx2.Response:
    seen = client.get(f"/promotions/{promotion_id}").json()
    body = write(**{"evidence_hash": seen["evidence_hash"], **values})
    return client.post(f"/promotions/{promotion_id}/{verb}", json=body)


def actions(backend: Backend) -> list[str]:
    with db.transaction(backend.engine, "reader") as session:
        return [e.action for e in ledger.page(session, limit=100).entries]


def test_one_asks_another_approves_and_the_version_serves(
    backend: Backend, registry: Registry
) -> None:
    asked = ask(backend.client("analyst"))
    assert asked.status_code == 201, asked.text
    approved = decide(backend.client("lead"), asked.json()["promotion_id"])
    assert approved.status_code == 200, approved.text
    assert registry.production() == "v1.1.0"
    assert registry.status("v1.0.0") == "archived"
    detail = backend.client("viewer").get(f"/models/{INTENT}/versions/v1.1.0").json()
    assert detail["promotion"]["decided_by"] == "test-lead"
    assert detail["version"]["status"] == "production"
    assert {"promotion.request", "promotion.approve", "model.promote"} <= set(actions(backend))


def test_ones_own_request_needs_another_lead(backend: Backend, registry: Registry) -> None:
    lead = backend.client("lead")
    promotion_id = ask(lead).json()["promotion_id"]
    refused = decide(lead, promotion_id)
    assert refused.status_code == 403
    assert "another lead" in refused.json()["message"]
    assert registry.production() == "v1.0.0"


def test_break_glass_is_marked_and_due_for_review(backend: Backend, registry: Registry) -> None:
    lead = backend.client("lead")
    promotion_id = ask(lead).json()["promotion_id"]
    assert decide(lead, promotion_id, break_glass=True).status_code == 200
    seen = lead.get(f"/promotions/{promotion_id}").json()
    assert seen["break_glass"]
    assert seen["review_due_at"] is not None
    assert "promotion.break_glass" in actions(backend)


def test_a_repeated_click_is_answered_alike_and_done_once(
    backend: Backend, registry: Registry
) -> None:
    analyst, body = backend.client("analyst"), write(version="v1.1.0", expected_production="v1.0.0")
    first = analyst.post(f"/models/{INTENT}/promotions", json=body)
    again = analyst.post(f"/models/{INTENT}/promotions", json=body)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert actions(backend).count("promotion.request") == 2, "one for each of the two versions"
    other = analyst.post(f"/models/{INTENT}/promotions", json={**body, "reason": "another one"})
    assert other.status_code == 409
    assert "request_id" in other.json()["message"]


def test_a_stale_page_gets_the_new_state(backend: Backend, registry: Registry) -> None:
    refused = ask(backend.client("analyst"), expected_production="v0.9.0")
    assert refused.status_code == 409
    assert refused.json()["details"]["production"] == "v1.0.0"


def test_a_shut_gate_holds_back_and_says_which(
    backend: Backend, registry: Registry, catalog: Catalog
) -> None:
    registry.validated("v1.2.0", metrics={**good_metrics(catalog, INTENT), "accuracy": 0.97})
    refused = ask(backend.client("analyst"), version="v1.2.0")
    assert refused.status_code == 409
    assert refused.json()["error"] == "PromotionBlocked"
    assert [g["name"] for g in refused.json()["details"]["gates"]] == ["criteria"]
    assert "short by 0.02" in refused.json()["message"]


def test_a_version_that_was_not_validated_is_not_promoted(
    backend: Backend, registry: Registry
) -> None:
    registry.register("v1.2.0")
    refused = ask(backend.client("analyst"), version="v1.2.0")
    assert refused.status_code == 409
    assert "only a validated version" in refused.json()["message"]


def test_an_approval_is_void_when_its_evidence_moved(backend: Backend, registry: Registry) -> None:
    lead = backend.client("lead")
    promotion_id = ask(backend.client("analyst")).json()["promotion_id"]
    with db.transaction(backend.engine, "mallory") as session:
        session.execute(
            text("UPDATE model_registry SET metrics = metrics || '{\"accuracy\": 0.999}'"
                 " WHERE version = 'v1.1.0'")
        )  # fmt: skip
    refused = decide(lead, promotion_id)
    assert refused.status_code == 409
    assert "metrics changed" in refused.json()["message"]
    with db.transaction(backend.engine, "watch") as session:
        review_requests(session, registry.catalog, INTENT, db.now())
    assert lead.get(f"/promotions/{promotion_id}").json()["status"] == "void"


def test_a_wrong_hash_approves_nothing(backend: Backend, registry: Registry) -> None:
    promotion_id = ask(backend.client("analyst")).json()["promotion_id"]
    refused = decide(backend.client("lead"), promotion_id, evidence_hash="0" * 64)
    assert refused.status_code == 409
    assert registry.production() == "v1.0.0"


def test_an_expired_request_is_refused_and_closed(backend: Backend, registry: Registry) -> None:
    promotion_id = ask(backend.client("analyst")).json()["promotion_id"]
    with db.transaction(backend.engine, "tests") as session:
        session.execute(text("UPDATE promotions SET expires_at = now() - interval '1 second'"))
    refused = decide(backend.client("lead"), promotion_id)
    assert refused.status_code == 409
    assert "expired" in refused.json()["message"]


def test_reject_and_withdraw_close_a_request(backend: Backend, registry: Registry) -> None:
    analyst, lead = backend.client("analyst"), backend.client("lead")
    first = ask(analyst).json()["promotion_id"]
    stranger = decide(backend.client("oncall"), first, "withdraw")
    assert stranger.status_code == 403
    assert decide(analyst, first, "withdraw").status_code == 200
    second = ask(analyst).json()["promotion_id"]
    assert decide(lead, second, "reject").status_code == 200
    late = decide(lead, second)
    assert late.status_code == 409
    assert registry.status("v1.1.0") == "validated"


def test_a_second_request_for_a_version_is_refused(backend: Backend, registry: Registry) -> None:
    assert ask(backend.client("analyst")).status_code == 201
    again = ask(backend.client("oncall"))
    assert again.status_code == 409
    assert "asked for" in again.json()["message"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "body"),
        (b"[]", "body"),
        (b'{"version": "v1.1.0"}', "request_id"),
        (b'{"request_id": "x", "reason": "because", "version": "v1.1.0"}', "request_id"),
    ],
)
def test_bad_input_is_refused_in_the_one_shape(
    backend: Backend, registry: Registry, body: bytes, says: str
) -> None:
    answer = backend.client("analyst").post(
        f"/models/{INTENT}/promotions", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "message", "hint", "details"}
    assert says in answer.json()["message"]
    assert answer.headers["x-request-id"]


def test_unknown_things_and_wrong_methods_say_what_there_is(backend: Backend) -> None:
    viewer = backend.client("viewer")
    unknown = viewer.get("/models/intent/versions")
    assert unknown.status_code == 404
    assert INTENT in unknown.json()["hint"]
    assert viewer.get("/nowhere").json()["error"] == "NotFound"
    wrong = viewer.delete("/overview")
    assert wrong.status_code == 405
    assert wrong.json()["hint"]
    long = backend.client("analyst").post(
        f"/models/{INTENT}/promotions", content=b"x" * (1024 * 1024 + 1)
    )
    assert long.status_code == 413


def test_break_glass_is_reviewed_once_by_another_lead(backend: Backend, registry: Registry) -> None:
    lead, other = backend.client("lead"), backend.client("lead", "second-lead")
    promotion_id = ask(lead).json()["promotion_id"]
    decide(lead, promotion_id, break_glass=True)

    def review(client: httpx2.Client) -> httpx2.Response:
        return client.post(f"/promotions/{promotion_id}/review", json=write())

    own = review(lead)
    assert own.status_code == 403
    assert "another lead must review" in own.json()["message"]
    assert review(other).status_code == 200
    seen = lead.get(f"/promotions/{promotion_id}").json()
    assert (seen["reviewed_by"], seen["review"]) == (
        "second-lead", "better on new phrases",
    )  # fmt: skip
    assert "promotion.review" in actions(backend)
    assert review(other).status_code == 409


def test_what_another_lead_approved_needs_no_review(backend: Backend, registry: Registry) -> None:
    promotion_id = ask(backend.client("analyst")).json()["promotion_id"]
    lead = backend.client("lead")
    assert decide(lead, promotion_id, break_glass=True).status_code == 200
    seen = lead.get(f"/promotions/{promotion_id}").json()
    assert not seen["break_glass"], "nobody's own request was let through"
    refused = lead.post(f"/promotions/{promotion_id}/review", json=write())
    assert refused.status_code == 409


def test_an_approval_is_void_when_the_version_is_no_longer_validated(
    backend: Backend, registry: Registry
) -> None:
    promotion_id = ask(backend.client("analyst")).json()["promotion_id"]
    registry.validated("v1.2.0")
    registry.stage("v1.1.0", VersionStatus.VALIDATED)
    refused = decide(backend.client("lead"), promotion_id)
    assert refused.status_code == 409
    assert "status was 'validated' and is 'staging'" in refused.json()["message"]
    assert registry.production() == "v1.0.0"


def test_one_rollout_at_a_time(backend: Backend, registry: Registry) -> None:
    analyst, lead = backend.client("analyst"), backend.client("lead")
    registry.validated("v1.2.0")
    first = ask(analyst, strategy="canary", share=10).json()["promotion_id"]
    second = ask(analyst, version="v1.2.0").json()["promotion_id"]
    assert decide(lead, first).status_code == 200
    late = decide(lead, second)
    assert late.status_code == 409
    assert "v1.1.0 is the canary" in late.json()["message"]
    assert decide(analyst, second, "withdraw").status_code == 200
    again = ask(analyst, version="v1.2.0")
    assert [g["name"] for g in again.json()["details"]["gates"]] == ["rollout"]


def test_a_canary_of_everything_is_no_canary(backend: Backend, registry: Registry) -> None:
    refused = ask(backend.client("analyst"), strategy="canary", share=100)
    assert refused.status_code == 400
    assert "share" in refused.json()["message"]


def test_requests_are_read_page_by_page(backend: Backend, registry: Registry) -> None:
    analyst, ids = backend.client("analyst"), []
    for _ in range(3):
        ids.append(ask(analyst).json()["promotion_id"])
        decide(analyst, ids[-1], "withdraw")

    def page(**params: Any) -> list[str]:
        return [p["id"] for p in analyst.get("/promotions", params=params).json()]

    newest = page(limit=2)
    assert newest == [ids[2], ids[1]]
    assert page(limit=2, before=newest[-1])[0] == ids[0]
    assert analyst.get("/promotions", params={"limit": -1}).status_code == 400


def test_versions_are_read_page_by_page(backend: Backend, registry: Registry) -> None:
    def page(**params: Any) -> list[str]:
        answer = backend.client("viewer").get(f"/models/{INTENT}/versions", params=params)
        return [v["version"] for v in answer.json()]

    assert page() == ["v1.1.0", "v1.0.0"]
    assert page(limit=1) == ["v1.1.0"]
    assert page(before="v1.1.0") == ["v1.0.0"]


def test_validation_is_ordered_for_what_the_caller_saw(
    backend: Backend, registry: Registry
) -> None:
    analyst, path = backend.client("analyst"), f"/models/{INTENT}/versions/v1.1.0/validate"
    stale = analyst.post(path, json=write(expected_status="staging"))
    assert stale.status_code == 409
    assert stale.json()["details"]["status"] == "validated"
    registry.validated("v1.2.0")
    displaced = analyst.post(path, json=write(expected_status="validated"))
    assert "only a staged version" in displaced.json()["message"]


def test_a_zero_byte_is_refused_before_the_database_sees_it(
    backend: Backend, registry: Registry
) -> None:
    refused = ask(backend.client("analyst"), reason="before\0after")
    assert refused.status_code == 400
    assert "zero byte" in refused.json()["message"]
    path = backend.client("viewer").get("/ledger", params={"model": "a\0b"})
    assert path.status_code == 400
