"""Endpoints of the embedded issuer, below ``/oidc``."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from backend_api import db
from backend_api.errors import BadRequest, ConsoleError
from backend_api.identity.issuer import ask as asking
from backend_api.identity.issuer import codes, signing, token
from backend_api.identity.issuer.ask import Ask
from backend_api.identity.issuer.context import Here
from backend_api.identity.issuer.page import page
from backend_api.settings import BackendSettings

router = APIRouter(prefix="/oidc", include_in_schema=False)
router.include_router(token.router)


@router.get("/.well-known/openid-configuration")
def discovery(here: Here) -> dict[str, Any]:
    """The document of OpenID Connect Discovery 1.0 for what we do, and no more."""
    issuer = here.settings.issuer
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [signing.ALGORITHM],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce",
                             "name", "preferred_username"],
    }  # fmt: skip


@router.get("/jwks")
def jwks(here: Here) -> dict[str, Any]:
    """The keys that our signatures are checked with."""
    with db.transaction(here.engine, "issuer") as session:
        signing.current(session, db.now())
        return signing.public(session)


def _ask(
    client_id: str = "",
    redirect_uri: str = "",
    response_type: str = "",
    scope: str = "",
    state: str = "",
    nonce: str = "",
    prompt: str = "",
    code_challenge: str = "",
    code_challenge_method: str = "",
) -> Ask:
    return Ask(
        client_id, redirect_uri, response_type, scope, state, nonce, prompt, code_challenge,
        code_challenge_method,
    )  # fmt: skip


Asked = Annotated[Ask, Depends(_ask)]


@router.get("/authorize")
def show(here: Here, ask: Asked) -> Response:
    """The sign-in page."""
    return _turned_away(here.settings, ask) or page(ask=ask)


@router.post("/authorize")
def sign_in(
    request: Request,
    here: Here,
    ask: Asked,
    username: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
) -> Response:
    """The page's form: back to the console with a code, or the page again with what is wrong."""
    turned_away = _turned_away(here.settings, ask)
    if turned_away is not None:
        return turned_away
    now, address = db.now(), request.client.host if request.client else ""
    try:
        account = here.door.account(username, password, address, now)
        with db.transaction(here.engine, "issuer") as session:
            code = codes.issue(session, account.id, ask, now)
    except ConsoleError as problem:
        seconds = problem.details.get("seconds")
        headers = {"Retry-After": str(seconds)} if seconds else {}
        return page(problem, ask=ask, username=username[:63], headers=headers)
    return _see_other(asking.back(ask, code=code))


def _turned_away(settings: BackendSettings, ask: Ask) -> Response | None:
    problem = asking.untrusted(ask, settings.oidc_client_id, settings.redirect_uris)
    if problem is not None:
        return page(BadRequest(problem, "Go back to the console and sign in from there."))
    refused = asking.refusal(ask)
    if refused is not None:
        error, description = refused
        return _see_other(asking.back(ask, error=error, error_description=description))
    return None


def _see_other(address: str) -> RedirectResponse:
    return RedirectResponse(address, 303, headers={"Cache-Control": "no-store"})
