"""The token endpoint: a code and proof of who asked for it, against an ID token."""

import base64
import binascii
import hmac
import secrets
from datetime import datetime
from typing import Annotated
from urllib.parse import unquote_plus

from fastapi import APIRouter, Form, Header
from fastapi.responses import JSONResponse
from joserfc.jwk import RSAKey

from backend_api import db
from backend_api.identity.issuer import codes, signing
from backend_api.identity.issuer.context import Here
from backend_api.settings import BackendSettings
from backend_api.tables import AccountRow, OidcCodeRow

router = APIRouter()
_HEADERS = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def _refused(error: str, description: str, status: int = 400) -> JSONResponse:
    # As OAuth has it (RFC 6749, 5.2): clients' libraries read this shape, not ours.
    headers = {**_HEADERS, "WWW-Authenticate": "Basic"} if status == 401 else _HEADERS
    body = {"error": error, "error_description": description}
    return JSONResponse(body, status, headers=headers)


def _basic(header: str) -> tuple[str, str]:
    try:
        name, _, secret = base64.b64decode(header[6:], validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret


def is_client(settings: BackendSettings, client_id: str, secret: str) -> bool:
    """Whether these are the console's own credentials; nobody's while no secret is set."""
    expected = settings.oidc_client_secret.get_secret_value()
    # RFC 6749 has both parts form-encoded before Basic; many clients do not, so either counts.
    same = [
        hmac.compare_digest(form.encode(), expected.encode())
        for form in (secret, unquote_plus(secret))
    ]
    return bool(expected) and any(same) and client_id == settings.oidc_client_id


@router.post("/token")
def token(
    here: Here,
    authorization: Annotated[str, Header()] = "",
    grant_type: Annotated[str, Form()] = "",
    code: Annotated[str, Form()] = "",
    redirect_uri: Annotated[str, Form()] = "",
    code_verifier: Annotated[str, Form()] = "",
    client_id: Annotated[str, Form()] = "",
    client_secret: Annotated[str, Form()] = "",
) -> JSONResponse:
    """RFC 6749, 4.1.3, with RFC 7636, 4.5."""
    if authorization.lower().startswith("basic "):
        client_id, client_secret = _basic(authorization)
    if not is_client(here.settings, client_id, client_secret):
        return _refused("invalid_client", "Client id or secret is wrong.", 401)
    if grant_type != "authorization_code":
        return _refused("unsupported_grant_type", "Only authorization_code is answered.")
    now = db.now()
    # Committed before it is judged: a code that was tried wrongly is not good for a second try.
    with db.transaction(here.engine, "issuer") as session:
        row = codes.take(session, code, now)
    if row is None:
        return _refused("invalid_grant", "The code is unknown, used or expired.")
    problem = codes.mismatch(row, client_id, redirect_uri, code_verifier)
    if problem is not None:
        return _refused("invalid_grant", problem)
    with db.transaction(here.engine, "issuer") as session:
        account = session.get_one(AccountRow, row.account_id)
        key = signing.current(session, now)
    if account.disabled_at is not None:
        return _refused("invalid_grant", "The account is disabled.")
    return _granted(here.settings, row, account, key, now)


def _granted(
    settings: BackendSettings, code: OidcCodeRow, account: AccountRow, key: RSAKey, now: datetime
) -> JSONResponse:
    signed = signing.id_token(
        key,
        issuer=settings.issuer,
        subject=account.subject,
        audience=code.client_id,
        username=account.username,
        nonce=code.nonce,
        signed_in_at=code.expires_at - codes.LIFETIME,
        now=now,
    )
    return JSONResponse(
        {
            "id_token": signed,
            # OAuth wants one. It opens nothing here: the ID token is what we are shown.
            "access_token": secrets.token_urlsafe(32),
            "token_type": "Bearer",
            "expires_in": int(signing.TOKEN_LIFETIME.total_seconds()),
            "scope": code.scope,
        },
        headers=_HEADERS,
    )
