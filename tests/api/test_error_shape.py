"""Every kind of error has the one shape, the right status, and says what to do."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from backend_api import errors
from backend_api.main import create_app
from backend_api.settings import BackendSettings
from tests.conftest import Backend
from tests.makers import INTENT

SHAPE = {"error", "message", "hint", "details"}
JSON = {"Content-Type": "application/json"}
ASK = f"/models/{INTENT}/promotions"
TRAFFIC = f"/models/{INTENT}/traffic"


def ask(**values: object) -> bytes:
    """A good request for a promotion but for ``values``."""
    good = {
        "request_id": str(uuid4()), "reason": "better on new phrases", "version": "v1.1.0",
        "expected_production": None,
    }  # fmt: skip
    return json.dumps({**good, **values}).encode()


def shift(share: str) -> bytes:
    """A change of the canary's share, as text, so that it can hold what JSON should not."""
    return (
        f'{{"request_id": "{uuid4()}", "reason": "p95 doubled", "expected_canary": "v1.1.0",'
        f' "expected_share": 10, "share": {share}}}'
    ).encode()


def pieces(size: int) -> Iterator[bytes]:
    """A body without a stated length."""
    for _ in range(size // 1000):
        yield b"x" * 1000


@dataclass(frozen=True)
class Case:
    """A request, and what it must be answered with."""

    method: str
    path: str
    status: int
    error: str
    says: str
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = tuple(JSON.items())


def get(path: str, status: int, error: str, says: str) -> Case:
    return Case("GET", path, status, error, says)


def post(path: str, body: bytes, status: int, error: str, says: str, **rest: object) -> Case:
    return Case("POST", path, status, error, says, body, **rest)  # type: ignore[arg-type]


BAD, GONE = "BadRequest", "NotFound"
CASES = {
    # nothing there
    "no such route": get("/nowhere", 404, GONE, "/nowhere"),
    "no such route below one": get("/overview/more", 404, GONE, "/overview/more"),
    "unknown model": get("/models/intent/versions", 404, GONE, "intent"),
    "unknown model, written to": post("/models/x/promotions", ask(), 404, GONE, "x"),
    "unknown version": get(f"/models/{INTENT}/versions/v9.9.9", 404, GONE, "v9.9.9"),
    "unknown promotion": get(f"/promotions/{uuid4()}", 404, GONE, "request"),
    "unknown job": get(f"/jobs/{uuid4()}", 404, GONE, "job"),
    # the wrong way
    "wrong method": Case("DELETE", "/overview", 405, BAD, "Method Not Allowed"),
    "written to what is read": post("/ledger", b"{}", 405, BAD, "Method Not Allowed"),
    "read what is written to": get(f"/models/{INTENT}/rollback", 405, BAD, "Not Allowed"),
    # what is no JSON
    "broken JSON": post(ASK, b'{"version": ', 400, BAD, "JSON"),
    "no body": post(ASK, b"", 400, BAD, "body"),
    "a list": post(ASK, b"[]", 400, BAD, "body"),
    "a number": post(ASK, b"7", 400, BAD, "body"),
    "null": post(ASK, b"null", 400, BAD, "body"),
    "not UTF-8": post(ASK, b'{"version": "\xff\xfe"}', 400, BAD, "body"),
    "nested without end": post(ASK, b"[" * 100_000, 400, BAD, "body"),
    "a form": post(
        ASK,
        b"version=v1.1.0",
        400,
        BAD,
        "body",
        headers=(("Content-Type", "application/x-www-form-urlencoded"),),
    ),
    "plain text": post(ASK, ask(), 400, BAD, "body", headers=(("Content-Type", "text/plain"),)),
    # what does not fit
    "nothing in it": post(ASK, b"{}", 400, BAD, "request_id"),
    "wrong type": post(ASK, ask(version=7), 400, BAD, "version"),
    "a list for a text": post(ASK, ask(reason=["because"]), 400, BAD, "reason"),
    "no id": post(ASK, ask(request_id="first"), 400, BAD, "request_id"),
    "unknown field": post(ASK, ask(colour="red"), 400, BAD, "colour"),
    "unknown choice": post(ASK, ask(strategy="bold"), 400, BAD, "strategy"),
    "no reason": post(ASK, ask(reason=""), 400, BAD, "reason"),
    "a long reason": post(ASK, ask(reason="x" * 2001), 400, BAD, "reason"),
    "zero byte": post(ASK, ask(reason="be\0cause"), 400, BAD, "zero byte"),
    "half a character": post(ASK, ask(reason="be\ud800cause"), 400, BAD, "reason"),
    "share too large": post(TRAFFIC, shift("101"), 400, BAD, "share"),
    "share negative": post(TRAFFIC, shift("-1"), 400, BAD, "share"),
    "share not whole": post(TRAFFIC, shift("12.5"), 400, BAD, "share"),
    "share not a number": post(TRAFFIC, shift("NaN"), 400, BAD, "share"),
    "share without end": post(TRAFFIC, shift("Infinity"), 400, BAD, "share"),
    "share beyond measure": post(TRAFFIC, shift("1e999"), 400, BAD, "share"),
    "share of a thousand digits": post(TRAFFIC, shift("9" * 1000), 400, BAD, "share"),
    # in the address
    "limit of zero": get("/ledger?limit=0", 400, BAD, "limit"),
    "limit of words": get("/ledger?limit=many", 400, BAD, "limit"),
    "limit below zero": get("/promotions?limit=-1", 400, BAD, ""),
    "unknown status": get("/promotions?status=lost", 400, BAD, "status"),
    "no id in the address": get("/promotions/first", 400, BAD, "promotion_id"),
    "zero byte in the address": get("/deployments/%00", 400, BAD, "zero byte"),
    "zero byte in the query": get("/ledger?actor=%00", 400, BAD, "zero byte"),
    # too much
    "a large body": post(ASK, b"x" * (1024 * 1024 + 1), 413, "PayloadTooLarge", "bytes"),
    # what the state forbids
    "a version that is not there": post(ASK, ask(), 404, GONE, "v1.1.0"),
}


def check(answer: httpx2.Response, case: Case) -> None:
    body = answer.json()
    assert set(body) == SHAPE
    assert (answer.status_code, body["error"]) == (case.status, case.error)
    assert case.says in body["message"] + body["hint"]
    assert body["message"].endswith(".")
    assert isinstance(body["details"], dict)
    assert "Traceback" not in answer.text
    assert answer.headers["x-request-id"]
    assert answer.headers["content-type"] == "application/json"


def test_every_bad_request_is_answered_in_the_one_shape(backend: Backend) -> None:
    lead, wrong = backend.client("lead"), dict[str, str]()
    for name, case in CASES.items():
        answer = lead.request(case.method, case.path, content=case.body, headers=dict(case.headers))
        try:
            check(answer, case)
        except (AssertionError, ValueError, KeyError) as error:
            wrong[name] = f"{answer.status_code} {answer.text[:300]}: {error}"
    assert wrong == {}


def test_a_body_that_grows_without_end_is_cut_off(backend: Backend) -> None:
    lead = backend.client("lead")
    answer = lead.post(ASK, content=pieces(2 * 1024 * 1024), headers=JSON)
    check(answer, post(ASK, b"", 413, "PayloadTooLarge", "bytes"))


def test_credentials_and_rights_have_the_shape_too(backend: Backend) -> None:
    nobody = httpx2.get(f"{backend.url}/overview")
    check(nobody, get("/overview", 401, "Unauthenticated", "sign-in"))
    assert nobody.headers["www-authenticate"] == "Bearer"
    viewer = backend.client("viewer").get("/accounts")
    check(viewer, get("/accounts", 403, "Forbidden", "viewer"))


def test_a_conflict_says_what_the_state_is(backend: Backend) -> None:
    lead, body = backend.client("lead"), json.loads(ask())
    rollback = {k: body[k] for k in ("request_id", "reason")} | {"expected_production": "v1.0.0"}
    answer = lead.post(f"/models/{INTENT}/rollback", json=rollback)
    assert answer.status_code == 409, answer.text
    assert set(answer.json()) == SHAPE


@pytest.fixture
def lost(tmp_path: Path, backend: Backend) -> FastAPI:
    """A backend whose database is not there."""
    settings: BackendSettings = backend.settings.model_copy(
        update={"database_url": "postgresql://nivesh:x@127.0.0.1:9/nivesh"}
    )
    return create_app(settings)


def test_an_outage_of_the_database_is_said(lost: FastAPI) -> None:
    with TestClient(lost, raise_server_exceptions=False) as client:
        answer = client.get("/overview", headers={"Authorization": "Bearer nvs_any"})
        check(answer, get("/overview", 503, "Unavailable", "database"))
        page = client.get("/oidc/jwks")
        check(page, get("/oidc/jwks", 503, "Unavailable", "database"))


def test_our_own_mistake_has_the_shape_and_tells_nothing(backend: Backend) -> None:
    app = create_app(backend.settings)

    @app.get("/mistake")
    def mistake() -> None:
        raise RuntimeError("password=hunter2")

    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/mistake")
    check(answer, get("/mistake", 500, "ConsoleError", "log"))
    assert "hunter2" not in answer.text


def test_each_error_of_the_tree_has_a_status_and_the_shape() -> None:
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.ConsoleError)
    ]
    assert len(kinds) >= 10
    for kind in kinds:
        assert 400 <= kind.status < 600
        assert set(kind("It is so.", "Do this.", seen=1).body) == SHAPE
        assert f"{kind.__name__} " in (errors.__doc__ or "")
        assert str(kind.status) in (errors.__doc__ or "")
