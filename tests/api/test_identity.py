"""The embedded issuer: signing in by authorisation code with PKCE, and all that must not work."""

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import text
from starlette.testclient import TestClient

from backend_api import db
from backend_api.identity import accounts
from backend_api.identity.issuer import signing
from backend_api.identity.issuer.throttle import LIMITS
from backend_api.identity.issuer.token import is_client
from backend_api.main import create_app
from backend_api.states import Permission, may
from tests import people
from tests.conftest import Backend
from tests.people import CALLBACK, CLIENT, Form, Visit, refused_with, signed_in


@pytest.fixture
def visit(backend: Backend) -> Visit:
    """asha, a lead, at the door."""
    people.add(backend, "asha", "lead")
    return Visit(backend)


def sql(backend: Backend, statement: str, **values: object) -> None:
    with backend.engine.begin() as connection:
        connection.execute(text(statement), values)


def test_a_person_signs_in_and_is_known_with_their_role(backend: Backend, visit: Visit) -> None:
    answer = visit.sign_in("asha")
    assert answer["token_type"] == "Bearer"
    known = visit.http.get("/me", headers={"Authorization": f"Bearer {answer['id_token']}"}).json()
    assert (known["username"], known["role"]) == ("asha", "lead")
    assert known["permissions"] == [p.value for p in Permission if may("lead", p)]


def test_the_id_token_says_what_openid_connect_wants(backend: Backend, visit: Visit) -> None:
    bearer = visit.sign_in("asha")["id_token"]
    found = visit.http.get("/oidc/.well-known/openid-configuration").json()
    assert found["issuer"] == backend.settings.issuer
    keys = KeySet.import_key_set(visit.http.get(found["jwks_uri"]).json())
    token = jwt.decode(bearer, keys, algorithms=["RS256"])
    assert token.claims["iss"] == found["issuer"]
    assert token.claims["aud"] == CLIENT[0]
    assert token.claims["nonce"] == visit.nonce
    assert token.claims["preferred_username"] == "asha"
    assert "role" not in token.claims
    assert token.claims["auth_time"] <= token.claims["iat"] < token.claims["exp"]


def test_the_jwks_holds_no_private_part(visit: Visit) -> None:
    visit.sign_in("asha")
    for key in visit.http.get("/oidc/jwks").json()["keys"]:
        assert set(key) == {"kty", "n", "e", "use", "alg", "kid"}


def test_the_library_that_the_console_signs_in_with_is_content(
    backend: Backend, visit: Visit
) -> None:
    found = visit.http.get("/oidc/.well-known/openid-configuration").json()
    with OAuth2Client(
        *CLIENT, scope="openid profile", redirect_uri=CALLBACK, code_challenge_method="S256"
    ) as client:
        address, state = client.create_authorization_url(
            found["authorization_endpoint"], code_verifier=visit.verifier, nonce="n"
        )
        form = Form(visit.http.get(address).text)
        sent = visit.http.post(
            f"/oidc/{form.action}", data={"username": "asha", "password": people.PASSWORD}
        )
        token = client.fetch_token(
            found["token_endpoint"], authorization_response=sent.headers["location"], state=state,
            code_verifier=visit.verifier,
        )  # fmt: skip
    keys = KeySet.import_key_set(visit.http.get(found["jwks_uri"]).json())
    decoded = jwt.decode(token["id_token"], keys, algorithms=["RS256"])
    claims = CodeIDToken(
        decoded.claims, decoded.header, {"iss": {"values": [found["issuer"]]}},
        {"nonce": "n", "client_id": CLIENT[0], "access_token": token["access_token"]},
    )  # fmt: skip
    claims.validate(leeway=0)


def test_client_secret_counts_in_the_body_too(visit: Visit) -> None:
    code = visit.code("asha")
    answer = visit.http.post(
        "/oidc/token",
        data={
            "grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK,
            "code_verifier": visit.verifier, "client_id": CLIENT[0], "client_secret": CLIENT[1],
        },
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_a_wrong_client_secret_gets_nothing_and_leaves_the_code(visit: Visit) -> None:
    code = visit.code("asha")
    for secret in ("", "test-client-secreT", "x" * 500, "päss"):
        refused = visit.redeem(code, client_secret=secret)
        assert refused.status_code == 401
        assert refused.json()["error"] == "invalid_client"
        assert "id_token" not in refused.json()
    assert visit.redeem(code).status_code == 200


def test_without_a_client_secret_nobody_is_the_client(backend: Backend) -> None:
    unset = backend.settings.model_copy(update={"oidc_client_secret": type(
        backend.settings.oidc_client_secret)("")})  # fmt: skip
    assert not is_client(unset, CLIENT[0], "")
    assert is_client(backend.settings, *CLIENT)


WRONG_HANDS = [
    ({"code_verifier": "v" * 64}, "does not fit"),
    ({"code_verifier": ""}, "missing"),
    ({"code_verifier": "short"}, "43 to 128"),
    ({"redirect_uri": "http://127.0.0.1:8501/elsewhere"}, "redirect_uri"),
]


def test_a_code_in_wrong_hands_is_refused_and_used_up(visit: Visit) -> None:
    for changes, says in WRONG_HANDS:
        code = visit.code("asha")
        refused = visit.redeem(code, **changes)
        assert refused.status_code == 400
        assert refused.json()["error"] == "invalid_grant"
        assert says in refused.json()["error_description"]
        again = visit.redeem(code)
        assert again.json()["error"] == "invalid_grant", "a stolen code is good for one guess"


def test_a_code_is_good_once(visit: Visit) -> None:
    code = visit.code("asha")
    assert visit.redeem(code).status_code == 200
    again = visit.redeem(code)
    assert again.status_code == 400
    assert "used" in again.json()["error_description"]


def test_a_code_is_good_for_a_minute(backend: Backend, visit: Visit) -> None:
    code = visit.code("asha")
    sql(backend, "UPDATE oidc_codes SET expires_at = now() - interval '1 second'")
    assert visit.redeem(code).json()["error"] == "invalid_grant"


def test_codes_are_kept_as_their_hash(backend: Backend, visit: Visit) -> None:
    code = visit.code("asha")
    with backend.engine.connect() as connection:
        rows = connection.execute(text("SELECT * FROM oidc_codes")).all()
    assert len(rows) == 1
    assert code not in str(rows)


def test_another_grant_is_refused(visit: Visit) -> None:
    refused = visit.redeem("x", grant_type="password")
    assert refused.json()["error"] == "unsupported_grant_type"


UNTRUSTED = [
    {"redirect_uri": "http://evil.example/oauth2callback"},
    {"redirect_uri": CALLBACK + "/"},
    {"redirect_uri": CALLBACK + "?next=x"},
    {"redirect_uri": ""},
    {"client_id": "another"},
    {"client_id": ""},
    {"state": "x" * 3000},
    {"nonce": "line\nbreak"},
    {"state": "zero\x01"},
]


def test_whoever_we_do_not_know_gets_no_browser_sent_back(visit: Visit) -> None:
    for changes in UNTRUSTED:
        page = visit.ask(**changes)
        assert page.status_code == 400, changes
        assert "location" not in page.headers
        assert page.headers["content-type"].startswith("text/html")
        assert Form(page.text).fields == {}
        posted = visit.http.post(
            "/oidc/authorize",
            params={**visit.question, **changes},
            data={"username": "asha", "password": people.PASSWORD},
        )
        assert posted.status_code == 400, changes
        assert "location" not in posted.headers


MISTAKES = [
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": ""}, "unsupported_response_type"),
    ({"scope": "profile"}, "invalid_scope"),
    ({"code_challenge": ""}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": ""}, "invalid_request"),
    ({"prompt": "none"}, "login_required"),
]


def test_what_the_console_asks_wrongly_it_is_told(visit: Visit) -> None:
    for changes, error in MISTAKES:
        told = refused_with(visit.ask(**changes))
        assert told["error"] == error, changes
        assert told["error_description"]
        assert told["state"] == "state of the console"


def test_a_wrong_password_is_said_on_the_page_and_the_name_is_kept(visit: Visit) -> None:
    page = visit.fill_in("asha", "wrong horse battery")
    form = Form(page.text)
    assert page.status_code == 401
    assert "User name or password is wrong." in form.text
    assert form.fields["username"] == "asha"
    assert form.fields["password"] == ""
    unknown = Form(visit.fill_in("nobody", "wrong horse battery").text)
    assert unknown.text == form.text, "an unknown name looks the same"


def test_strange_names_are_only_wrong(visit: Visit) -> None:
    for name in ('"><script>alert(1)</script>', "a\x00b", "x" * 5000, "'; --", "ASHA\u0301"):
        page = visit.fill_in(name)
        assert page.status_code == 401, name
        assert "<script>" not in page.text
    assert visit.fill_in("").status_code == 429, "they count as one name"


def test_a_name_counts_without_its_case_and_spaces(visit: Visit) -> None:
    assert visit.code(" Asha ")


def test_the_page_lets_nobody_frame_it_and_loads_nothing(visit: Visit) -> None:
    page = visit.ask()
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' http://127.0.0.1:8501;" in policy
    assert page.headers["cache-control"] == "no-store"
    assert "<script" not in page.text


def test_guessing_is_slowed_down_and_the_right_password_waits_too(
    backend: Backend, visit: Visit
) -> None:
    people.add(backend, "ravi", "viewer")
    for _ in range(LIMITS["pair"]):
        assert visit.fill_in("asha", "wrong horse battery").status_code == 401
    page = visit.fill_in("asha")
    assert page.status_code == 429
    assert 0 < int(page.headers["retry-after"]) <= 300
    assert "Too many wrong passwords" in Form(page.text).text
    assert visit.fill_in("ravi").status_code == 303, "others get in"


def test_who_mistypes_now_and_then_is_never_kept_waiting(visit: Visit) -> None:
    for _ in range(LIMITS["pair"]):
        assert visit.fill_in("asha", "wrong horse battery").status_code == 401
        assert visit.fill_in("asha").status_code == 303


def test_a_disabled_account_stops_at_once(backend: Backend, visit: Visit) -> None:
    asha, code = signed_in(backend, "asha"), visit.code("asha")
    assert asha.get("/overview").status_code == 200
    sql(backend, "UPDATE accounts SET disabled_at = now() WHERE username = 'asha'")
    refused = asha.get("/overview")
    assert refused.status_code == 403
    assert "disabled" in refused.json()["message"]
    assert visit.redeem(code).json()["error"] == "invalid_grant"
    page = visit.fill_in("asha")
    assert page.status_code == 403
    assert "disabled" in Form(page.text).text


def test_a_changed_role_counts_from_the_next_request(backend: Backend, visit: Visit) -> None:
    asha = signed_in(backend, "asha")
    assert asha.get("/me").json()["role"] == "lead"
    sql(backend, "UPDATE accounts SET role = 'viewer' WHERE username = 'asha'")
    assert asha.get("/me").json()["role"] == "viewer"


def test_keys_are_rotated_and_older_sign_ins_still_count(backend: Backend, visit: Visit) -> None:
    before = signed_in(backend, "asha")
    with db.transaction(backend.engine, "tests") as session:
        signing.rotate(session, db.now())
    after = signed_in(backend, "asha")
    assert len(visit.http.get("/oidc/jwks").json()["keys"]) == 2
    assert (before.get("/me").status_code, after.get("/me").status_code) == (200, 200)


def test_a_key_is_forgotten_once_its_last_token_has_expired(backend: Backend) -> None:
    now = db.now()
    with db.transaction(backend.engine, "tests") as session:
        first = signing.current(session, now - signing.ROTATED_EVERY - timedelta(hours=1))
        second = signing.current(session, now - timedelta(minutes=1))
        assert second.kid != first.kid, "an old key is replaced"
        third = signing.rotate(session, now)
        kept = {key["kid"] for key in signing.public(session)["keys"]}
        assert kept == {first.kid, second.kid, third.kid}, "first signed a minute ago"
        fourth = signing.rotate(session, now + signing.TOKEN_LIFETIME + timedelta(minutes=1))
        kept = {key["kid"] for key in signing.public(session)["keys"]}
        assert kept == {third.kid, fourth.kid}


def test_first_accounts_are_made_once_and_each_can_sign_in(backend: Backend) -> None:
    with db.transaction(backend.engine, "tests") as session:
        made = accounts.ensure_first(session, backend.settings.account_issuer, db.now())
    assert [role for _, role, _ in made] == ["viewer", "analyst", "oncall", "lead", "lead", "admin"]
    with db.transaction(backend.engine, "tests") as session:
        assert accounts.ensure_first(session, backend.settings.account_issuer, db.now()) == []
    name, role, password = made[-1]
    bearer = Visit(backend).sign_in(name, password)["id_token"]
    known = Visit(backend).http.get("/me", headers={"Authorization": f"Bearer {bearer}"}).json()
    assert (known["username"], known["role"]) == (name, role)


def test_the_way_back_keeps_what_stood_in_it(backend: Backend, visit: Visit) -> None:
    sent = visit.fill_in("asha")
    assert sent.headers["cache-control"] == "no-store"
    assert set(dict(parse_qsl(urlsplit(sent.headers["location"]).query))) == {"code", "state"}


def test_an_outage_of_the_database_is_said_on_the_page(backend: Backend, visit: Visit) -> None:
    lost = backend.settings.model_copy(
        update={"database_url": "postgresql://nivesh:x@127.0.0.1:9/nivesh"}
    )
    with TestClient(create_app(lost), base_url="http://localhost") as http:
        page = http.post(
            "/oidc/authorize",
            params=visit.question,
            data={"username": "asha", "password": people.PASSWORD},
        )
    assert page.status_code == 503
    form = Form(page.text)
    assert "does not answer" in form.text
    assert form.fields["username"] == "asha"


def test_accounts_outlive_a_change_of_the_address(backend: Backend, visit: Visit) -> None:
    moved = backend.settings.model_copy(
        update={"oidc_issuer": "http://localhost:7/oidc", "backend_port": 7}
    )
    assert moved.embedded
    app = create_app(moved)
    with TestClient(app, base_url="http://localhost:7") as http:
        page = http.post(
            "/oidc/authorize",
            params=visit.question,
            data={"username": "asha", "password": people.PASSWORD},
            follow_redirects=False,
        )
    assert page.status_code == 303, page.text
