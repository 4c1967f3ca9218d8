"""What an admin does to people and machines, over HTTP and from the command line."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import text

from backend_api import db, ledger
from backend_api.errors import Conflict
from backend_api.identity import accounts, tokens
from backend_api.identity.passwords import made_up
from backend_api.operations.order import Order, once
from backend_api.schemas import Account, Explain, LedgerEntry, NewAccount, NewToken
from backend_api.settings import BackendSettings
from backend_api.states import Role
from tests import people
from tests.conftest import Backend
from tests.people import PASSWORD, Visit, signed_in


def write(**values: Any) -> dict[str, Any]:
    return {"request_id": str(uuid4()), "reason": "joins the fraud team", **values}


def entries(backend: Backend, action: str) -> list[LedgerEntry]:
    with db.transaction(backend.engine, None) as session:
        return ledger.page(session, action=action).entries


@pytest.fixture
def admin(backend: Backend) -> httpx2.Client:
    """some-admin, the only one, signed in."""
    return people.badge(backend, "admin")


def add(admin: httpx2.Client, **changes: Any) -> httpx2.Response:
    body = write(**{"username": "meera", "role": "viewer", "password": PASSWORD, **changes})
    return admin.post("/accounts", json={k: v for k, v in body.items() if v is not None})


def test_an_admin_lets_somebody_in(backend: Backend, admin: httpx2.Client) -> None:
    added = add(admin)
    assert added.status_code == 201, added.text
    assert added.json()["username"] == "meera"
    assert signed_in(backend, "meera").get("/me").json()["role"] == "viewer"
    assert [a["username"] for a in admin.get("/accounts").json()] == ["meera", "some-admin"]
    (entry,) = [e for e in entries(backend, "account.add") if e.evidence["username"] == "meera"]
    assert (entry.actor, entry.reason) == ("some-admin", "joins the fraud team")
    assert entry.evidence["role"] == "viewer"


def test_a_repeat_adds_once_and_another_password_is_not_taken_in_silence(
    backend: Backend, admin: httpx2.Client
) -> None:
    body = write(username="meera", role="viewer", password=PASSWORD)
    first, again = admin.post("/accounts", json=body), admin.post("/accounts", json=body)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert len(entries(backend, "account.add")) == 2, "some-admin and meera"
    other = admin.post("/accounts", json={**body, "password": "another password"})
    assert other.status_code == 409
    assert "another password" in other.json()["message"]
    role = admin.post("/accounts", json={**body, "role": "lead"})
    assert role.status_code == 409
    assert signed_in(backend, "meera").get("/me").json()["role"] == "viewer"


def test_what_does_not_make_an_account_is_said(admin: httpx2.Client) -> None:
    assert add(admin).status_code == 201
    bad: list[tuple[dict[str, Any], int, str]] = [
        ({}, 409, "already"),
        ({"username": "Meera"}, 400, "username"),
        ({"username": "m"}, 400, "username"),
        ({"username": "x", "password": "short"}, 400, "password"),
        ({"username": "ci", "role": "machine"}, 400, "token"),
        ({"username": "ci", "role": "king"}, 400, "role"),
        ({"username": "ravi", "password": None}, 400, "password"),
        ({"username": "ravi", "subject": "ravi@example.org"}, 400, "subject"),
        ({"username": "ravi", "reason": ""}, 400, "reason"),
        ({"username": "ravi", "colour": "red"}, 400, "colour"),
    ]
    for changes, status, says in bad:
        answer = add(admin, **changes)
        assert (answer.status_code, changes) == (status, changes)
        assert says in answer.json()["message"]
    assert [a["username"] for a in admin.get("/accounts").json()] == ["meera", "some-admin"]


def test_a_role_is_changed_and_recorded(backend: Backend, admin: httpx2.Client) -> None:
    add(admin)
    meera = signed_in(backend, "meera")
    body = write(role="lead")
    changed = admin.post("/accounts/meera/role", json=body)
    assert changed.status_code == 200, changed.text
    assert changed.json()["role"] == meera.get("/me").json()["role"] == "lead"
    assert admin.post("/accounts/meera/role", json=body).json() == changed.json()
    (entry,) = entries(backend, "account.role")
    assert entry.evidence == {"username": "meera", "from": "viewer", "to": "lead"}
    assert admin.post("/accounts/meera/role", json=write(role="machine")).status_code == 400


def test_somebody_is_shut_out_and_let_in_again(backend: Backend, admin: httpx2.Client) -> None:
    add(admin)
    meera = signed_in(backend, "meera")
    gone = admin.post("/accounts/meera/disable", json=write())
    assert gone.status_code == 200, gone.text
    assert gone.json()["disabled_at"]
    assert meera.get("/me").status_code == 403
    again = admin.post("/accounts/meera/disable", json=write())
    assert again.status_code == 409
    assert "disabled since" in again.json()["message"]
    assert admin.post("/accounts/meera/role", json=write(role="lead")).status_code == 409
    back = add(admin, role="analyst", password="a new password")
    assert back.status_code == 201, back.text
    assert back.json()["disabled_at"] is None
    assert Visit(backend).fill_in("meera", PASSWORD).status_code == 401
    assert Visit(backend).code("meera", "a new password")
    assert meera.get("/me").json()["role"] == "analyst", "it is the same person"
    assert len(entries(backend, "account.restore")) == 1


def test_the_last_admin_stays(backend: Backend, admin: httpx2.Client) -> None:
    for path, body in (("role", write(role="lead")), ("disable", write())):
        kept = admin.post(f"/accounts/some-admin/{path}", json=body)
        assert kept.status_code == 409
        assert "last admin" in kept.json()["message"]
    assert admin.post("/accounts/some-admin/role", json=write(role="admin")).status_code == 200
    add(admin, role="admin")
    assert admin.post("/accounts/some-admin/role", json=write(role="lead")).status_code == 200
    assert admin.get("/accounts").status_code == 403, "some-admin is a lead now"


def test_two_admins_who_demote_each_other_leave_one(backend: Backend) -> None:
    for attempt in range(10):
        names = (f"a{attempt}", f"b{attempt}")
        with backend.engine.begin() as connection:
            connection.execute(text("UPDATE accounts SET role = 'viewer'"))
        with db.transaction(backend.engine, "tests") as session:
            for name in names:
                order = Order("tests", "made for a test", uuid4(), db.now())
                accounts.insert(
                    session, order, backend.settings.account_issuer, name, Role.ADMIN, None, name
                )
        start = threading.Barrier(2)

        def demote(name: str, start: threading.Barrier = start) -> str:
            body = Explain(request_id=uuid4(), reason="one of us is enough")
            start.wait(timeout=10)
            try:
                once(
                    backend.engine, "demote", body, name, db.now(),
                    lambda s, o: accounts.set_role(s, o, name, Role.VIEWER), Account,
                )  # fmt: skip
            except Conflict as refused:
                return refused.message
            return "done"

        with ThreadPoolExecutor(2) as pool:
            said = sorted(pool.map(demote, names), key=len)
        assert said[0] == "done"
        assert "last admin" in said[1]


def test_unknown_people_and_machines_are_not_found(admin: httpx2.Client) -> None:
    for path, body in (
        ("/accounts/nobody/role", write(role="lead")),
        ("/accounts/nobody/disable", write()),
        ("/tokens/nothing/revoke", write()),
    ):
        answer = admin.post(path, json=body)
        assert answer.status_code == 404
        assert "lists them" in answer.json()["hint"]


def test_a_token_is_made_shown_once_and_revoked(backend: Backend, admin: httpx2.Client) -> None:
    body = write(name="nightly-training", role="machine", days=30)
    made = admin.post("/tokens", json=body)
    assert made.status_code == 201, made.text
    secret = made.json()["secret"]
    assert secret.startswith("nvs_")
    machine = {"Authorization": f"Bearer {secret}"}
    assert httpx2.get(f"{backend.url}/me", headers=machine).json()["username"] == "nightly-training"
    again = admin.post("/tokens", json=body)
    assert again.json() == {**made.json(), "secret": None}, "the same answer, without the secret"
    (listed,) = admin.get("/tokens").json()
    assert listed["secret"] is None
    assert listed["last_used_at"] is not None
    taken = admin.post("/tokens", json=write(name="nightly-training", role="viewer"))
    assert taken.status_code == 409
    assert admin.post("/tokens/nightly-training/revoke", json=write()).status_code == 200
    assert httpx2.get(f"{backend.url}/me", headers=machine).status_code == 401
    assert admin.post("/tokens/nightly-training/revoke", json=write()).status_code == 409
    assert [e.action for e in entries(backend, "token.")] == ["token.revoke", "token.create"]


def test_no_secret_is_kept_or_written_down(
    backend: Backend, admin: httpx2.Client, capfd: pytest.CaptureFixture[str]
) -> None:
    password = made_up()
    body = write(username="meera", role="viewer", password=password)
    admin.post("/accounts", json=body)
    admin.post("/accounts", json={**body, "request_id": "no id"})
    bearer = Visit(backend).sign_in("meera", password)["id_token"]
    secret = admin.post("/tokens", json=write(name="ci", role="machine")).json()["secret"]
    httpx2.get(f"{backend.url}/me", headers={"Authorization": f"Bearer {secret}"})
    with backend.engine.connect() as connection:
        tables = connection.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ).all()
        kept = {t: str(connection.execute(text(f'SELECT * FROM "{t}"')).all()) for t in tables}
    kept["log"] = "".join(capfd.readouterr())
    assert "meera" in kept["requests"]
    assert '"path": "/accounts"' in kept["log"] or "path=/accounts" in kept["log"]
    for place, text_of_it in kept.items():
        for hidden in (password, bearer, secret, backend.settings.oidc_client_secret):
            plain = hidden if isinstance(hidden, str) else hidden.get_secret_value()
            assert plain not in text_of_it, place
    assert kept["accounts"].count("$argon2id$") == 1, "meera's"


def test_the_command_line_adds_straight_on_the_database(backend: Backend) -> None:
    body = NewAccount(
        request_id=uuid4(), reason="on call from Monday", username="omar", role=Role.ONCALL,
        password=PASSWORD,
    )  # fmt: skip
    accounts.add(backend.engine, backend.settings, body, "cli:root", db.now())
    assert signed_in(backend, "omar").get("/me").json()["role"] == "oncall"
    token = NewToken(request_id=uuid4(), reason="for the nightly job", name="ci", role=Role.MACHINE)
    secret = tokens.make(backend.engine, token, "cli:root", db.now()).secret
    header = {"Authorization": f"Bearer {secret}"}
    assert httpx2.get(f"{backend.url}/me", headers=header).json()["role"] == "machine"
    assert {e.actor for e in entries(backend, "token.create")} == {"cli:root"}


def test_with_a_provider_elsewhere_an_account_is_a_subject(backend: Backend) -> None:
    settings = backend.settings.model_copy(update={"oidc_issuer": "https://login.example.org"})

    def body(**values: Any) -> NewAccount:
        return NewAccount(
            request_id=uuid4(), reason="joins", username="meera", role=Role.LEAD, **values
        )

    with pytest.raises(accounts.BadRequest, match="keeps the passwords"):
        accounts.add(backend.engine, settings, body(password=PASSWORD), "some-admin", db.now())
    accounts.add(backend.engine, settings, body(subject="00u7"), "some-admin", db.now())
    again = body(subject="00u7").model_copy(update={"username": "meera2"})
    with pytest.raises(Conflict, match="is meera here already"):
        accounts.add(backend.engine, settings, again, "some-admin", db.now())
    with backend.engine.connect() as connection:
        row = connection.execute(
            text("SELECT issuer, subject, password_hash FROM accounts WHERE username = 'meera'")
        ).one()
    assert tuple(row) == ("https://login.example.org", "00u7", None)
    assert Visit(backend).fill_in("meera").status_code == 401, "not at our own door"


def test_settings_find_their_issuer_and_their_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OIDC_ISSUER", "OIDC_EMBEDDED", "OIDC_CLIENT_SECRET", "BACKEND_PORT"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "OIDC_CLIENT_SECRET").write_text("from a file\n")

    def made(**values: Any) -> BackendSettings:
        return BackendSettings(_secrets_dir=tmp_path, DATABASE_URL="postgresql://x/y", **values)

    assert made().oidc_client_secret.get_secret_value() == "from a file"
    assert "from a file" not in repr(made())
    assert made().issuer == "http://localhost:8080/oidc"
    ours = {
        "http://localhost:8080/oidc": True,
        "http://127.0.0.1:8080/oidc": True,
        "http://localhost:8081/oidc": False,
        "https://login.example.org/realms/nivesh": False,
    }
    for issuer, embedded in ours.items():
        assert made(OIDC_ISSUER=issuer).embedded is embedded
    behind_proxy = made(OIDC_ISSUER="https://console.example.org/oidc", OIDC_EMBEDDED=True)
    assert behind_proxy.embedded
    two = made(OIDC_REDIRECT_URIS=" http://a/oauth2callback, http://b/oauth2callback,")
    assert two.redirect_uris == {"http://a/oauth2callback", "http://b/oauth2callback"}
