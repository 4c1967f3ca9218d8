"""Who may do what: every route of the application, by everybody, against the design's table."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from fastapi.routing import iter_route_contexts
from sqlalchemy import text

from backend_api import db
from backend_api.catalog import Catalog
from backend_api.main import create_app
from backend_api.states import Role
from tests import people
from tests.conftest import Backend
from tests.labelled import Log, sheet
from tests.makers import INTENT, Registry

# Spelled out again, not taken from the code: the code is what is on trial.
VIEWER, ANALYST, ONCALL, LEAD, ADMIN = "viewer", "analyst", "oncall", "lead", "admin"
MACHINE = "machine"
PEOPLE = (VIEWER, ANALYST, ONCALL, LEAD, ADMIN)
READ = {*PEOPLE, MACHINE}
REGISTER = REQUEST = {ANALYST, ONCALL, LEAD, MACHINE}
ROLL_BACK = RESPOND = {ONCALL, LEAD}
READ_PREDICTIONS = {ANALYST, ONCALL, LEAD}
APPROVE = {LEAD}
MANAGE = {ADMIN}
PUBLIC = READ | {"anonymous"}
CALLERS = sorted(PUBLIC)

MATRIX: dict[str, set[str]] = {
    # who and what is up
    "GET /health": PUBLIC,
    "GET /docs": PUBLIC,
    "GET /docs/oauth2-redirect": PUBLIC,
    "GET /redoc": PUBLIC,
    "GET /openapi.json": PUBLIC,
    "GET /me": READ,
    # the embedded issuer: whoever comes here is not known yet
    "GET /oidc/.well-known/openid-configuration": PUBLIC,
    "GET /oidc/jwks": PUBLIC,
    "GET /oidc/authorize": PUBLIC,
    "POST /oidc/authorize": PUBLIC,
    # reading
    "GET /overview": READ,
    "GET /ledger": READ,
    "GET /history/at": READ,
    # what was asked and answered stands in it for analysts, on-call and leads only
    "GET /predictions/{prediction_id}": READ,
    "GET /ledger/verify": READ,
    "GET /deployments": READ,
    "GET /deployments/{name}": READ,
    "GET /jobs/{job_id}": READ,
    "GET /models/{name}/versions": READ,
    "GET /models/{name}/versions/{version}": READ,
    "GET /promotions": READ,
    "GET /promotions/{promotion_id}": READ,
    # versions
    "POST /models/{name}/versions": REGISTER,
    "POST /models/{name}/versions/{version}/stage": REGISTER,
    "POST /models/{name}/versions/{version}/validate": REGISTER,
    "POST /models/{name}/versions/{version}/quantize": REGISTER,
    "POST /models/{name}/versions/{version}/reject": APPROVE,
    # promotions
    "POST /models/{name}/promotions": REQUEST,
    "POST /promotions/{promotion_id}/withdraw": REQUEST,
    "POST /promotions/{promotion_id}/approve": APPROVE,
    "POST /promotions/{promotion_id}/reject": APPROVE,
    "POST /promotions/{promotion_id}/review": APPROVE,
    # traffic; raising a share is a lead's, see below
    "POST /models/{name}/rollback": ROLL_BACK,
    "POST /models/{name}/traffic": ROLL_BACK,
    "POST /models/{name}/fallback": ROLL_BACK,
    "POST /models/{name}/shadow": ROLL_BACK,
    "POST /models/{name}/hold/lift": APPROVE,
    "POST /models/{name}/mirror/repair": ROLL_BACK,
    "POST /models/{name}/workers/reload": ROLL_BACK,
    "POST /models/{name}/hold": ROLL_BACK,
    "POST /models/{name}/rehearse": ROLL_BACK,
    "GET /models/{name}/truth": READ,
    # times at which nothing is promoted
    "GET /freezes": READ,
    "POST /freezes": APPROVE,
    "POST /freezes/{window_id}/lift": APPROVE,
    # canaries on their way
    "GET /models/{name}/rollout": READ,
    "GET /models/{name}/rollout/price": READ,
    "POST /models/{name}/rollout/dry-run": READ_PREDICTIONS,
    "POST /models/{name}/rollout/pause": ROLL_BACK,
    "POST /models/{name}/rollout/resume": APPROVE,
    "POST /models/{name}/rollout/step": APPROVE,
    "POST /models/{name}/rollout/promote": APPROVE,
    "POST /models/{name}/rollout/abort": ROLL_BACK,
    "POST /models/{name}/rollout/plan": APPROVE,
    "POST /models/{name}/walk-down": ROLL_BACK,
    # labels, accuracy and incidents
    "POST /labels": READ_PREDICTIONS,
    "POST /labels/csv": READ_PREDICTIONS,
    "GET /models/{name}/accuracy": READ,
    "GET /models/{name}/predictions": READ_PREDICTIONS,
    "POST /models/{name}/retrain": REGISTER,
    "GET /models/{name}/retrainings": READ,
    "GET /incidents": READ,
    "GET /incidents/{incident_id}": READ,
    "POST /incidents/{incident_id}/{verb}": RESPOND,
    # drift: bins hold what was asked and answered
    "GET /models/{name}/drift": READ,
    "GET /models/{name}/drift/features/{feature:path}": READ_PREDICTIONS,
    "GET /drift/results": READ,
    "POST /drift/results/{result_id}/alarm": READ_PREDICTIONS,
    "POST /models/{name}/versions/{version}/reference": REGISTER,
    "POST /models/{name}/versions/{version}/recount": REGISTER,
    "POST /models/{name}/versions/{version}/texts": READ_PREDICTIONS,
    "GET /models/{name}/versions/{version}/texts": READ_PREDICTIONS,
    "GET /models/{name}/versions/{version}/texts/results": READ_PREDICTIONS,
    "POST /models/{name}/versions/{version}/drift-report": READ_PREDICTIONS,
    "GET /drift/reports": READ_PREDICTIONS,
    "GET /drift/reports/{job_id}": READ_PREDICTIONS,
    # access
    "GET /accounts": MANAGE,
    "POST /accounts": MANAGE,
    "POST /accounts/{username}/role": MANAGE,
    "POST /accounts/{username}/disable": MANAGE,
    "GET /tokens": MANAGE,
    "POST /tokens": MANAGE,
    "POST /tokens/{name}/revoke": MANAGE,
}
# Asks for the console's own credentials, by OAuth's rules: see test_identity.py.
OWN_RULES = {"POST /oidc/token"}
PLACES = {
    "{name}": INTENT, "{version}": "v9.9.9", "{username}": "nobody",
    "{promotion_id}": str(uuid4()), "{job_id}": str(uuid4()),
    "{prediction_id}": str(uuid4()), "{incident_id}": str(uuid4()), "{verb}": "acknowledge",
    "{feature:path}": "age", "{result_id}": "1",
}  # fmt: skip


@dataclass
class Crowd:
    """One client for each kind of caller."""

    backend: Backend
    clients: dict[str, httpx2.Client]

    def send(self, route: str, caller: str, body: Any = None) -> httpx2.Response:
        """The route's request, at things that do not exist."""
        method, path = route.split(" ")
        for place, value in PLACES.items():
            path = path.replace(place, value)
        return self.clients[caller].request(method, path, json=body if method == "POST" else None)

    def rows(self) -> dict[str, int]:
        """Rows of everything that a request could leave behind."""
        tables = ("ledger", "requests", "accounts", "promotions", "jobs", "outbox", "tokens")
        with self.backend.engine.connect() as connection:
            return {t: connection.scalar(text(f"SELECT count(*) FROM {t}")) or 0 for t in tables}


@pytest.fixture
def crowd(backend: Backend) -> Crowd:
    """Each role as a person with an ID token, a machine with a token, and somebody unknown."""
    clients = {role: people.badge(backend, role) for role in (VIEWER, ANALYST, ONCALL, LEAD, ADMIN)}
    anonymous = httpx2.Client(base_url=backend.url, timeout=20)
    backend.clients.append(anonymous)
    return Crowd(
        backend, {**clients, MACHINE: backend.client(Role.MACHINE), "anonymous": anonymous}
    )


def test_every_route_stands_in_the_table_and_nothing_else(backend: Backend) -> None:
    app = create_app(backend.settings)
    routes = {
        f"{method} {context.path}"
        for context in iter_route_contexts(app.routes)
        for method in context.methods or {"ANY"}
        if method != "HEAD"
    }
    app.state.engine.dispose()
    assert routes == set(MATRIX) | OWN_RULES


def test_what_the_table_denies_is_denied_before_anything_else_happens(crowd: Crowd) -> None:
    before = crowd.rows()
    found, expected = {}, {}
    for route, allowed in MATRIX.items():
        for caller in set(CALLERS) - allowed:
            for body in (None, {}, {"request_id": str(uuid4()), "reason": "because I may"}):
                answer = crowd.send(route, caller, body)
                expected[route, caller, str(body)[:20]] = 401 if caller == "anonymous" else 403
                found[route, caller, str(body)[:20]] = answer.status_code
                assert set(answer.json()) == {"error", "message", "hint", "details"}
    assert found == expected
    assert crowd.rows() == before


def test_what_the_table_allows_is_not_refused(crowd: Crowd) -> None:
    refused = [
        (route, caller, answer.status_code)
        for route, allowed in MATRIX.items()
        for caller in allowed
        if (answer := crowd.send(route, caller, {})).status_code in (401, 403)
        or answer.status_code >= 500
    ]
    assert refused == []


def test_a_refusal_names_the_role_and_the_right(crowd: Crowd) -> None:
    answer = crowd.send("POST /accounts", LEAD, {})
    assert answer.json()["message"] == (
        "some-lead is lead, which may not manage accounts, tokens and settings."
    )
    assert answer.json()["details"] == {"role": "lead", "permission": "MANAGE_ACCOUNTS"}


def test_a_made_up_token_opens_nothing(crowd: Crowd) -> None:
    crowd.clients["anonymous"].headers["Authorization"] = "Bearer nvs_made-up"
    opened = [
        route
        for route, allowed in MATRIX.items()
        if "anonymous" not in allowed and crowd.send(route, "anonymous", {}).status_code != 401
    ]
    assert opened == []


# What a role decides, on things that do exist


@pytest.fixture
def asked(crowd: Crowd, catalog: Catalog) -> str:
    """v1.0.0 serves, v1.1.0 is validated and asked for by an analyst; the request's id."""
    registry = Registry(crowd.backend.engine, catalog)
    registry.promoted("v1.0.0")
    registry.validated("v1.1.0")
    return str(registry.request("v1.1.0", by="some-analyst"))


def decide(crowd: Crowd, caller: str, asked: str) -> httpx2.Response:
    client = crowd.clients[caller]
    seen = client.get(f"/promotions/{asked}").json()["evidence_hash"]
    body = {"request_id": str(uuid4()), "reason": "better on new phrases", "evidence_hash": seen}
    return client.post(f"/promotions/{asked}/approve", json=body)


def test_nobody_but_a_lead_lets_a_version_through(
    crowd: Crowd, asked: str, catalog: Catalog
) -> None:
    for caller in (VIEWER, ANALYST, ONCALL, ADMIN, MACHINE):
        assert decide(crowd, caller, asked).status_code == 403, caller
        assert crowd.clients[VIEWER].get(f"/promotions/{asked}").json()["status"] == "pending"
    assert Registry(crowd.backend.engine, catalog).production() == "v1.0.0"
    assert decide(crowd, LEAD, asked).status_code == 200
    assert Registry(crowd.backend.engine, catalog).production() == "v1.1.0"


def test_a_machine_asks_and_decides_nothing(crowd: Crowd, asked: str, catalog: Catalog) -> None:
    registry = Registry(crowd.backend.engine, catalog)
    registry._made = 2
    registry.validated("v1.2.0")
    machine = crowd.clients[MACHINE]
    body = {
        "request_id": str(uuid4()), "reason": "trained last night", "version": "v1.2.0",
        "expected_production": "v1.0.0",
    }  # fmt: skip
    made = machine.post(f"/models/{INTENT}/promotions", json=body)
    assert made.status_code == 201, made.text
    assert decide(crowd, MACHINE, made.json()["promotion_id"]).status_code == 403
    seen = machine.get(f"/promotions/{made.json()['promotion_id']}").json()
    assert seen["requested_by"] == "token:test-machine"


def test_on_call_lowers_a_share_and_does_not_raise_it(crowd: Crowd, catalog: Catalog) -> None:
    registry = Registry(crowd.backend.engine, catalog)
    registry.promoted("v1.0.0")
    registry.validated("v1.1.0")
    registry.approve(registry.request("v1.1.0", strategy="canary", share=20))

    def shift(caller: str, expected: int, share: int) -> httpx2.Response:
        body = {
            "request_id": str(uuid4()), "reason": "p95 doubled", "expected_canary": "v1.1.0",
            "expected_share": expected, "share": share,
        }  # fmt: skip
        return crowd.clients[caller].post(f"/models/{INTENT}/traffic", json=body)

    assert shift(ONCALL, 20, 30).status_code == 403
    assert shift(ONCALL, 0, 30).status_code == 403
    assert shift(ONCALL, 90, 50).status_code == 409, "a share that it claims to have seen"
    assert shift(ONCALL, 20, 10).status_code == 200
    raised = shift(LEAD, 10, 30)
    assert raised.status_code not in (401, 403), raised.text


# Nobody but analysts, on-call and leads sees what was asked


def test_no_answer_carries_what_was_asked_to_who_may_not_see_it(
    crowd: Crowd, asked: str, catalog: Catalog
) -> None:
    secret = "my PAN is ABCDE1234F"
    log = Log(crowd.backend.engine, version="v1.0.0")
    (one,) = log.answered(
        db.now() - timedelta(hours=1), [{"intent": "savings", "quoted": secret}],
        inputs=[{"query": secret, "user_id": secret}],
    )  # fmt: skip
    sent = crowd.clients[ANALYST].post(
        "/labels/csv", content=sheet([(one, secret)]), headers={"Content-Type": "text/csv"}
    )
    assert sent.json()["taken"] == 1
    assert secret in crowd.clients[ANALYST].get(f"/predictions/{one}").text
    places = {**PLACES, "{prediction_id}": str(one), "{version}": "v1.0.0",
              "{promotion_id}": asked}  # fmt: skip
    seen = {}
    for route in MATRIX:
        method, path = route.split(" ")
        for place, value in places.items():
            path = path.replace(place, value)
        for caller in (VIEWER, ADMIN, MACHINE, "anonymous") if method == "GET" else ():
            answer = crowd.clients[caller].get(path, params={"limit": 100})
            seen[route, caller] = secret in answer.text
    assert len(seen) > 50
    assert [place for place, found in seen.items() if found] == []
