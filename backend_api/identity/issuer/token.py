"""The token endpoint: a code and proof of who asked for it, against an ID token."""

import base64
import binascii
import hmac
import secrets
from typing import Annotated
from urllib.parse import unquote_plus

from fastapi import APIRouter, Form, Header
from fastapi.responses import JSONResponse
from sqlalchemy import Engine

from backend_api import db
from backend_api.identity.issuer import codes, signing
from backend_api.settings import BackendSettings
from backend_api.tables import AccountRow

_HEADERS = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def refused(error: str, description: str, status: int = 400) -> JSONResponse:
    """An error as OAuth has it (RFC 6749, 5.2): clients' libraries read this shape, not ours."""
    headers = {**_HEADERS, "WWW-Authenticate": "Basic"} if status == 401 else _HEADERS
    body = {"error": error, "error_description": description}
    return JSONResponse(body, status, headers=headers)


def _basic(header: str) -> tuple[str, str]:
    try:
        name, _, secret = base64.b64decode(header[6:], validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret


def _is_client(settings: BackendSettings, client_id: str, secret: str) -> bool:
    expected = settings.oidc_client_secret.get_secret_value()
    # RFC 6749 has both parts form-encoded before Basic; many clients do not, so either counts.
    same = [
        hmac.compare_digest(form.encode(), expected.encode())
        for form in (secret, unquote_plus(secret))
    ]
    return bool(expected) and any(same) and client_id == settings.oidc_client_id


def token_router(settings: BackendSettings, engine: Engine) -> APIRouter:
    """``POST /token``."""
    router = APIRouter()

    @router.post("/token")
    def token(
        authorization: Annotated[str, Header()] = "",
        grant_type: Annotated[str, Form()] = "",
        code: Annotated[str, Form()] = "",
        redirect_uri: Annotated[str, Form()] = "",
        code_verifier: Annotated[str, Form()] = "",
        client_id: Annotated[str, Form()] = "",
        client_secret: Annotated[str, Form()] = "",
    ) -> JSONResponse:
        if authorization.lower().startswith("basic "):
            client_id, client_secret = _basic(authorization)
        if not _is_client(settings, client_id, client_secret):
            return refused("invalid_client", "Client id or secret is wrong.", 401)
        if grant_type != "authorization_code":
            return refused("unsupported_grant_type", "Only authorization_code is answered.")
        now = db.now()
        # Committed before it is judged: a code that was tried wrongly is not good for a second try.
        with db.transaction(engine, "issuer") as session:
            row = codes.take(session, code, now)
        if row is None:
            return refused("invalid_grant", "The code is unknown, used or expired.")
        problem = codes.mismatch(row, client_id, redirect_uri, code_verifier)
        if problem is not None:
            return refused("invalid_grant", problem)
        with db.transaction(engine, "issuer") as session:
            account = session.get_one(AccountRow, row.account_id)
            key = signing.current(session, now)
        if account.disabled_at is not None:
            return refused("invalid_grant", "The account is disabled.")
        return JSONResponse(
            {
                "id_token": signing.id_token(
                    key, issuer=settings.issuer, subject=account.subject, audience=client_id,
                    username=account.username, nonce=row.nonce,
                    signed_in_at=row.expires_at - codes.LIFETIME, now=now,
                ),
                # OAuth wants one. Nothing here is opened by it: the ID token is what we are shown.
                "access_token": secrets.token_urlsafe(32),
                "token_type": "Bearer",
                "expires_in": int(signing.TOKEN_LIFETIME.total_seconds()),
                "scope": row.scope,
            },
            headers=_HEADERS,
        )  # fmt: skip

    return router
