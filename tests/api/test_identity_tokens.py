"""ID tokens and machine tokens that must not count, and those that must."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from fastapi import FastAPI
from joserfc import jws, jwt
from joserfc.jwk import KeySet, OctKey, RSAKey
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from starlette.testclient import TestClient

from backend_api import db
from backend_api.catalog import Catalog
from backend_api.identity import accounts, keys, tokens
from backend_api.identity.issuer import signing
from backend_api.main import create_app
from backend_api.schemas import NewAccount
from backend_api.settings import BackendSettings
from tests import people
from tests.conftest import Backend
from tests.makers import INTENT, Registry
from tests.people import CLIENT, Visit

SHAPE = {"error", "message", "hint", "details"}


def ours(backend: Backend) -> RSAKey:
    """The issuer's own key, which no outsider has."""
    with db.transaction(backend.engine, "tests") as session:
        return signing.current(session, db.now())


def claims(backend: Backend, **changes: Any) -> dict[str, Any]:
    """What a good ID token of asha says; None leaves a claim out."""
    with backend.engine.connect() as connection:
        subject = connection.scalar(text("SELECT subject FROM accounts WHERE username = 'asha'"))
    now = int(db.now().timestamp())
    good = {
        "iss": backend.settings.issuer, "sub": subject, "aud": CLIENT[0], "iat": now,
        "exp": now + 600,
    }  # fmt: skip
    return {k: v for k, v in {**good, **changes}.items() if v is not None}


def signed(key: RSAKey, body: dict[str, Any], algorithm: str = "RS256", **header: Any) -> str:
    return jwt.encode(
        {"alg": algorithm, "kid": key.kid, **header}, body, key, algorithms=[algorithm]
    )


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def asked(backend: Backend, bearer: str) -> httpx2.Response:
    return httpx2.get(
        f"{backend.url}/me", headers={"Authorization": f"Bearer {bearer}"}, timeout=20
    )


def changed_payload(backend: Backend) -> str:
    head, _, signature = signed(ours(backend), claims(backend)).split(".")
    return f"{head}.{part(claims(backend, sub='somebody else'))}.{signature}"


def with_public_key_as_secret(backend: Backend) -> str:
    # By hand, since the library refuses to do it.
    key = ours(backend)
    content = f"{part({'alg': 'HS256', 'kid': key.kid})}.{part(claims(backend))}"
    mac = hmac.digest(key.as_pem(private=False), content.encode(), "sha256")
    return f"{content}.{part(mac)}"


def carrying_its_own_key(backend: Backend) -> str:
    stranger = RSAKey.generate_key(2048, auto_kid=True)
    return signed(stranger, claims(backend), jwk=stranger.as_dict(private=False))


def of_a_stranger_with_our_kid(backend: Backend) -> str:
    stranger = RSAKey.generate_key(2048)
    return signed(stranger, claims(backend), kid=ours(backend).kid)


def signed_list(backend: Backend) -> str:
    key = ours(backend)
    return jws.serialize_compact({"alg": "RS256", "kid": key.kid}, b"[1]", key, ["RS256"])


def at(**delta: float) -> int:
    return int((datetime.now(UTC) + timedelta(**delta)).timestamp())


FORGED: dict[str, Callable[[Backend], str]] = {
    "expired": lambda b: signed(ours(b), claims(b, exp=at(seconds=-30))),
    "without expiry": lambda b: signed(ours(b), claims(b, exp=None)),
    "expiry as text": lambda b: signed(ours(b), claims(b, exp="2099-01-01")),
    "expiry not a number": lambda b: signed(ours(b), claims(b, exp=float("nan"))),
    "dated in the future": lambda b: signed(ours(b), claims(b, iat=at(minutes=5))),
    "without date": lambda b: signed(ours(b), claims(b, iat=None)),
    "not valid yet": lambda b: signed(ours(b), claims(b, nbf=at(minutes=5))),
    "other issuer": lambda b: signed(ours(b), claims(b, iss="https://accounts.example")),
    "without issuer": lambda b: signed(ours(b), claims(b, iss=None)),
    "issuer with a slash": lambda b: signed(ours(b), claims(b, iss=b.settings.issuer + "/")),
    "other audience": lambda b: signed(ours(b), claims(b, aud="another-application")),
    "without audience": lambda b: signed(ours(b), claims(b, aud=None)),
    "one audience of several": lambda b: signed(ours(b), claims(b, aud=[CLIENT[0], "other"])),
    "made for another": lambda b: signed(ours(b), claims(b, azp="other")),
    "without subject": lambda b: signed(ours(b), claims(b, sub=None)),
    "subject a number": lambda b: signed(ours(b), claims(b, sub=7)),
    "unsigned": lambda b: f"{part({'alg': 'none'})}.{part(claims(b))}.",
    "unsigned, in capitals": lambda b: f"{part({'alg': 'NONE'})}.{part(claims(b))}.",
    "without algorithm": lambda b: f"{part({'kid': ours(b).kid})}.{part(claims(b))}.{part(b'x')}",
    "signature cut off": lambda b: signed(ours(b), claims(b)).rsplit(".", 1)[0] + ".",
    "another algorithm of the same key": lambda b: signed(
        RSAKey.import_key({k: v for k, v in ours(b).as_dict(private=True).items() if k != "alg"}),
        claims(b),
        "PS256",
    ),
    "public key as shared secret": with_public_key_as_secret,
    "payload changed": changed_payload,
    "key in its own header": carrying_its_own_key,
    "our key's id, another key": of_a_stranger_with_our_kid,
    "words": lambda _: "let me in",
    "dots": lambda _: "..",
    "not JSON": lambda _: "e30x.e30.e30",
    "a list": lambda _: f"{part([1])}.{part([1])}.{part(b'x')}",
    "claims a list": signed_list,
    "long": lambda _: "a" * 20_000,
    "unknown machine token": lambda _: "nvs_" + "x" * 43,
    "prefix of a machine token": lambda _: "nvs_",
}


@pytest.fixture
def asha(backend: Backend) -> Backend:
    """A backend where asha is an analyst."""
    people.add(backend, "asha", "analyst")
    return backend


def test_a_good_token_counts(asha: Backend) -> None:
    assert asked(asha, signed(ours(asha), claims(asha))).json()["username"] == "asha"
    both = claims(asha, aud=[CLIENT[0], "other"], azp=CLIENT[0])
    assert asked(asha, signed(ours(asha), both)).status_code == 200
    late = claims(asha, exp=at(seconds=-3))
    assert asked(asha, signed(ours(asha), late)).status_code == 200, "clocks differ a little"


def test_a_token_that_does_not_hold_is_refused(asha: Backend) -> None:
    answers = {kind: asked(asha, forge(asha)) for kind, forge in FORGED.items()}
    assert {k: a.status_code for k, a in answers.items()} == dict.fromkeys(FORGED, 401)
    for kind, answer in answers.items():
        assert set(answer.json()) == SHAPE, kind
        assert answer.json()["error"] == "Unauthenticated", kind
        assert answer.json()["message"], kind
        assert answer.json()["hint"], kind
        assert answer.headers["www-authenticate"] == "Bearer", kind


def test_other_headers_are_no_sign_in(backend: Backend) -> None:
    for header in (None, "", "Bearer", "Basic YXNoYTpwYXNz", "Token abc", "nvs_abc"):
        headers = {} if header is None else {"Authorization": header}
        answer = httpx2.get(f"{backend.url}/me", headers=headers, timeout=20)
        assert answer.status_code == 401, header
        assert set(answer.json()) == SHAPE
        assert "Authorization: Bearer" in answer.json()["hint"]


def test_a_stranger_is_told_what_an_admin_needs(asha: Backend) -> None:
    bearer = signed(ours(asha), claims(asha, sub="subject-7", preferred_username="meera"))
    answer = asked(asha, bearer)
    assert answer.status_code == 403
    assert answer.json()["message"] == "meera is signed in, but has no account here."
    assert "admin" in answer.json()["hint"]
    assert answer.json()["details"]["subject"] == "subject-7"


# A provider elsewhere


@pytest.fixture
def elsewhere(asha: Backend, database_url: str) -> Callable[[str], BackendSettings]:
    """Settings of a backend whose issuer is elsewhere."""
    return lambda issuer: asha.settings.model_copy(
        update={"oidc_issuer": issuer, "backend_port": 1, "oidc_embedded": None}
    )


def test_id_tokens_of_a_provider_elsewhere_count_by_its_published_keys(
    asha: Backend, elsewhere: Callable[[str], BackendSettings]
) -> None:
    settings = elsewhere(asha.settings.issuer)
    assert not settings.embedded
    app: FastAPI = create_app(settings)
    with TestClient(app) as client:
        bearer = {"Authorization": f"Bearer {Visit(asha).sign_in('asha')['id_token']}"}
        stranger = client.get("/me", headers=bearer)
        assert stranger.status_code == 403, "asha is known at our own door, not by this provider"
        body = NewAccount(
            request_id=uuid4(), reason="joins", username="asha-there", role=people.Role.LEAD,
            subject=stranger.json()["details"]["subject"],
        )  # fmt: skip
        accounts.add(asha.engine, settings, body, "tests", db.now())
        known = client.get("/me", headers=bearer).json()
        assert (known["username"], known["role"]) == ("asha-there", "lead")
        assert client.get("/oidc/jwks").status_code == 404, "it signs nobody in itself"


def test_a_provider_that_does_not_answer_is_an_outage_and_not_a_refusal(
    asha: Backend, elsewhere: Callable[[str], BackendSettings]
) -> None:
    bearer = {"Authorization": f"Bearer {signed(ours(asha), claims(asha))}"}
    with TestClient(create_app(elsewhere("http://127.0.0.1:9/oidc"))) as client:
        answer = client.get("/me", headers=bearer)
    assert answer.status_code == 503
    assert "http://127.0.0.1:9/oidc" in answer.json()["message"]


def test_a_provider_that_calls_itself_otherwise_is_not_believed(asha: Backend) -> None:
    other = asha.settings.issuer.replace("127.0.0.1", "localhost")
    with pytest.raises(keys.Unavailable, match="calls itself"):
        keys.fetch(other)


def test_keys_that_could_also_sign_are_left_out() -> None:
    secret, rsa = OctKey.generate_key(256), RSAKey.generate_key(2048, {"use": "sig"})
    other = RSAKey.generate_key(2048, {"use": "enc"})
    jwks = {"keys": [k.as_dict(private=False) for k in (rsa, other)] + [secret.as_dict(), {}]}
    assert [key.kid for key in keys.key_set(jwks)] == [rsa.kid or rsa.thumbprint()]


class Provider:
    """Counts how often it is asked for its keys."""

    def __init__(self) -> None:
        self.asked, self.down, self.keys = 0, False, [RSAKey.generate_key(2048, auto_kid=True)]

    def __call__(self) -> KeySet:
        self.asked += 1
        if self.down:
            raise keys.Unavailable("It does not answer.")
        return KeySet(list(self.keys))


def test_keys_are_asked_for_when_a_new_one_is_named_and_no_more_often() -> None:
    provider, now = Provider(), datetime(2026, 11, 24, tzinfo=UTC)
    cache, kid = keys.Keys(provider), provider.keys[0].kid
    for _ in range(10):
        assert cache.having(kid, now)
    assert provider.asked == 1
    for number in range(100):
        cache.having(f"made up {number}", now + timedelta(seconds=1))
    assert provider.asked == 1, "asked a second ago"
    new = RSAKey.generate_key(2048, auto_kid=True)
    provider.keys.append(new)
    later = now + keys.AT_MOST_EVERY
    assert new in list(cache.having(new.kid, later))
    assert provider.asked == 2
    cache.having(new.kid, later + keys.FRESH_FOR + timedelta(seconds=1))
    assert provider.asked == 3, "a key that was withdrawn must not count for ever"


def test_an_outage_of_the_provider_leaves_known_keys_good() -> None:
    provider, now = Provider(), datetime(2026, 11, 24, tzinfo=UTC)
    cache, kid = keys.Keys(provider), provider.keys[0].kid
    cache.having(kid, now)
    provider.down = True
    later = now + timedelta(days=1)
    assert cache.having(kid, later)
    with pytest.raises(keys.Unavailable):
        cache.having("unknown", later + keys.AT_MOST_EVERY)
    provider.down = False
    assert cache.having(kid, later + 2 * keys.AT_MOST_EVERY)


# Machines


def machine(backend: Backend, days: int = 1) -> str:
    with db.transaction(backend.engine, "tests") as session:
        return tokens.create_token(
            session, name=f"ci-{uuid4().hex[:8]}", holder=tokens.Machine(people.Role.MACHINE),
            days=days, created_by="tests", now=db.now(),
        )  # fmt: skip


def test_a_machine_is_known_by_its_token(backend: Backend) -> None:
    known = asked(backend, machine(backend)).json()
    assert known["role"] == "machine"
    assert known["subject"].startswith("token:ci-")


def test_a_machine_token_that_has_ended_is_refused(backend: Backend) -> None:
    ends = {
        "expires_at = now() - interval '1 second'": "expired",
        "revoked_at = now()": "revoked",
        "token_hash = name": "not known",
    }
    for change, says in ends.items():
        secret = machine(backend)
        assert asked(backend, secret).status_code == 200
        with backend.engine.begin() as connection:
            connection.execute(text(f"UPDATE tokens SET {change}"))
        answer = asked(backend, secret)
        assert answer.status_code == 401
        assert says in answer.json()["message"]


def test_the_use_of_a_token_is_noted_but_not_each_time(backend: Backend) -> None:
    secret = machine(backend)

    def last_used() -> datetime | None:
        with backend.engine.connect() as connection:
            found: datetime | None = connection.scalar(text("SELECT last_used_at FROM tokens"))
            return found

    assert last_used() is None
    asked(backend, secret)
    first = last_used()
    assert first is not None
    asked(backend, secret)
    assert last_used() == first
    with backend.engine.begin() as connection:
        connection.execute(text("UPDATE tokens SET last_used_at = now() - interval '6 minutes'"))
    asked(backend, secret)
    again = last_used()
    assert again is not None
    assert again > first


# People at a terminal


def own(backend: Backend, username: str) -> str:
    with db.transaction(backend.engine, "tests") as session:
        return tokens.create_token(
            session, name=f"{username}-laptop", holder=tokens.Person(username), days=1,
            created_by="tests", now=db.now(),
        )  # fmt: skip


def test_a_persons_token_is_that_person_with_the_role_of_the_moment(asha: Backend) -> None:
    secret = own(asha, "asha")
    assert asked(asha, secret).json() == asked(asha, signed(ours(asha), claims(asha))).json()
    with asha.engine.begin() as connection:
        connection.execute(text("UPDATE accounts SET role = 'viewer'"))
    assert asked(asha, secret).json()["role"] == "viewer"
    with asha.engine.begin() as connection:
        connection.execute(text("UPDATE accounts SET disabled_at = now()"))
    assert asked(asha, secret).status_code == 403


def test_no_machine_gets_a_role_that_decides(backend: Backend) -> None:
    for role in (people.Role.LEAD, people.Role.ADMIN):
        body = {"request_id": str(uuid4()), "reason": "nightly", "name": f"ci-{role}", "role": role}
        answer = backend.client("admin").post("/tokens", json=body)
        assert answer.status_code == 400
        assert "a person with an account" in answer.json()["message"]
        with pytest.raises(IntegrityError, match="decide_nothing"), backend.engine.begin() as by:
            by.execute(
                text(
                    "INSERT INTO tokens (id, name, role, token_hash, created_by)"
                    " VALUES (gen_random_uuid(), 'by hand', :role, 'x', 'sql')"
                ),
                {"role": role},
            )


def test_nobody_approves_by_token_what_they_asked_for(backend: Backend, catalog: Catalog) -> None:
    people.add(backend, "ravi", "lead")
    registry = Registry(backend.engine, catalog)
    registry.validated("v1.0.0")
    bearer = {"Authorization": f"Bearer {Visit(backend).sign_in('ravi')['id_token']}"}
    body = {"request_id": str(uuid4()), "reason": "better", "version": "v1.0.0",
            "expected_production": None, "strategy": "full"}  # fmt: skip
    where = f"{backend.url}/models/{INTENT}/promotions"
    made = httpx2.post(where, json=body, headers=bearer, timeout=20).json()["promotion_id"]
    bearer = {"Authorization": f"Bearer {own(backend, 'ravi')}"}
    seen = httpx2.get(f"{backend.url}/promotions/{made}", headers=bearer, timeout=20).json()
    decide = {"request_id": str(uuid4()), "reason": "mine", "evidence_hash": seen["evidence_hash"]}
    where = f"{backend.url}/promotions/{made}/approve"
    answer = httpx2.post(where, json=decide, headers=bearer, timeout=20)
    assert answer.status_code == 403
    assert "another lead must approve it" in answer.json()["message"]
