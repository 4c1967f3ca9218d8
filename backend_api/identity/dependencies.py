"""How routes learn who is asking."""

from collections.abc import Callable
from typing import Annotated

from fastapi import FastAPI, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from backend_api import db
from backend_api.errors import Unauthenticated
from backend_api.identity import tokens
from backend_api.identity.verify import Caller, require
from backend_api.settings import BackendSettings
from backend_api.states import Permission

BEARER = HTTPBearer(
    auto_error=False,
    description="The ID token of a person who signed in, or a machine's token (`nvs_...`).",
)


def caller(
    request: Request, sent: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)]
) -> Caller:
    """Who is asking, with the role that they have at this moment.

    Raises:
        Unauthenticated: nobody whom we know.
    """
    if sent is None:
        raise Unauthenticated(
            "This needs a sign-in.",
            "Send the header 'Authorization: Bearer' with an ID token or a machine's token.",
        )
    # A transaction of its own, over before the request's work begins: never two at a time.
    with db.transaction(request.app.state.engine, "backend_api") as session:
        return tokens.verify(session, sent.credentials, db.now())


Known = Annotated[Caller, Security(caller)]


def allowed(permission: Permission) -> Callable[[Caller], Caller]:
    """A dependency that gives the caller, if they hold the right."""

    def check(known: Known) -> Caller:
        require(known, permission)
        return known

    return check


def attach(app: FastAPI, settings: BackendSettings) -> None:
    """Put the embedded issuer on the application."""
