"""People at the embedded issuer's door: accounts, and the whole sign-in as a browser does it."""

import base64
import hashlib
import secrets
from functools import cache
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2

from backend_api import db
from backend_api.identity import passwords
from backend_api.identity.issuer import signing
from backend_api.states import Role
from shared.trust import certificates
from tests.bearers import account
from tests.conftest import Backend

PASSWORD = "correct horse battery"
CALLBACK = "http://127.0.0.1:8501/oauth2callback"
CLIENT = ("nivesh-console", "test-client-secret")


class Form(HTMLParser):
    """The form of a page, and what the page says is wrong."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action, self.fields, self.text = "", dict[str, str](), ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = found["action"]
        if tag == "input":
            self.fields[found["name"]] = found.get("value", "")

    def handle_data(self, data: str) -> None:
        self.text += data


@cache
def _hash() -> str:
    return passwords.hashed(PASSWORD)


def _insert(
    backend: Backend, username: str, role: Role | str, hashed: str | None, subject: str | None
) -> None:
    issuer = backend.settings.account_issuer
    account(backend.engine, issuer, username, Role(role), hashed, subject)


def add(backend: Backend, username: str, role: Role | str) -> None:
    """An account of the embedded issuer, with ``PASSWORD``."""
    _insert(backend, username, role, _hash(), None)


class Visit:
    """One attempt to sign in, step by step."""

    def __init__(self, backend: Backend) -> None:
        self.http = httpx2.Client(base_url=backend.url, timeout=20, verify=certificates())
        backend.clients.append(self.http)
        self.verifier, self.nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)

    @property
    def question(self) -> dict[str, str]:
        """What the console sends the browser to the issuer with."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return {
            "response_type": "code", "client_id": CLIENT[0], "redirect_uri": CALLBACK,
            "scope": "openid profile", "state": "state of the console", "nonce": self.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }  # fmt: skip

    def ask(self, **changes: str) -> httpx2.Response:
        """Open the sign-in page; ``changes`` with an empty value leave a parameter out."""
        params = {k: v for k, v in {**self.question, **changes}.items() if v}
        return self.http.get("/oidc/authorize", params=params)

    def fill_in(self, username: str, password: str = PASSWORD) -> httpx2.Response:
        """Open the page, fill in its form and send it to where the form says."""
        form = Form(self.ask().text)
        assert set(form.fields) == {"username", "password"}
        return self.http.post(
            f"/oidc/{form.action}", data={"username": username, "password": password}
        )

    def code(self, username: str, password: str = PASSWORD) -> str:
        """The code that the browser carries back to the console."""
        sent = self.fill_in(username, password)
        assert sent.status_code == 303, sent.text
        back = urlsplit(sent.headers["location"])
        assert f"{back.scheme}://{back.netloc}{back.path}" == CALLBACK
        answer = dict(parse_qsl(back.query))
        assert answer["state"] == "state of the console"
        return answer["code"]

    def redeem(self, code: str, **changes: str) -> httpx2.Response:
        """What the console asks the issuer behind the browser's back."""
        secret = changes.pop("client_secret", CLIENT[1])
        body = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK,
            "code_verifier": self.verifier, **changes,
        }  # fmt: skip
        return self.http.post("/oidc/token", data=body, auth=(CLIENT[0], secret))

    def sign_in(self, username: str, password: str = PASSWORD) -> dict[str, Any]:
        """The token endpoint's answer at the end of all of it."""
        answer = self.redeem(self.code(username, password))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def refused_with(answer: httpx2.Response) -> dict[str, str]:
    """The error that the browser is sent back to the console with."""
    assert answer.status_code == 303, answer.text
    return {k: v[0] for k, v in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def signed_in(backend: Backend, username: str) -> httpx2.Client:
    """A client that carries the ID token of somebody who has just signed in."""
    return carrying(backend, Visit(backend).sign_in(username)["id_token"])


def badge(backend: Backend, role: Role | str) -> httpx2.Client:
    """A client that carries an ID token of somebody with the role, without the way to the door."""
    name, now = f"some-{role}", db.now()
    _insert(backend, name, role, None, name)
    with db.transaction(backend.engine, "tests") as session:
        bearer = signing.id_token(
            signing.current(session, now), issuer=backend.settings.issuer, subject=name,
            audience=CLIENT[0], username=name, nonce=None, signed_in_at=now, now=now,
        )  # fmt: skip
    return carrying(backend, bearer)


def carrying(backend: Backend, bearer: str) -> httpx2.Client:
    """A client that sends the token with each request."""
    made = httpx2.Client(
        base_url=backend.url, headers={"Authorization": f"Bearer {bearer}"}, timeout=20,
        verify=certificates(),
    )  # fmt: skip
    backend.clients.append(made)
    return made
