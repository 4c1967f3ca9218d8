"""How routes learn who is asking."""

from collections.abc import Callable
from typing import Annotated

from fastapi import FastAPI, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from joserfc.jwk import KeySet
from sqlalchemy import Engine

from backend_api import db
from backend_api.errors import Unauthenticated
from backend_api.identity import accounts, id_token, keys, tokens
from backend_api.identity.issuer import routes, signing
from backend_api.identity.issuer.context import Issuer
from backend_api.identity.issuer.door import Door
from backend_api.identity.verify import Caller, require
from backend_api.settings import BackendSettings
from backend_api.states import Permission

BEARER = HTTPBearer(
    auto_error=False,
    description="The ID token of a person who signed in, or a machine's token (`nvs_...`).",
)


class Gate:
    """Tells who carries a bearer token; one per application."""

    def __init__(self, settings: BackendSettings, engine: Engine) -> None:
        self._engine = engine
        self._issuer, self._audience = settings.issuer, settings.oidc_client_id
        self._accounts_of = settings.account_issuer
        self._keys = keys.Keys(self._ours if settings.embedded else self._theirs)

    def _ours(self) -> KeySet:
        with db.transaction(self._engine, None) as session:
            return keys.key_set(signing.public(session))

    def _theirs(self) -> KeySet:
        return keys.fetch(self._issuer)

    def caller(self, bearer: str) -> Caller:
        """Who it is, with the role that they have at this moment.

        Raises:
            Unauthenticated: the token does not hold.
            Forbidden: it holds, but whom it means has no account here.
            Unavailable: PostgreSQL or the provider does not answer.
        """
        now = db.now()
        if bearer.startswith(tokens.PREFIX):
            with db.transaction(self._engine, "backend_api") as session:
                return tokens.verify(session, bearer, now)
        known = self._keys.having(id_token.key_id(bearer), now)
        person = id_token.identity(bearer, known, self._issuer, self._audience, now)
        with db.transaction(self._engine, None) as session:
            return accounts.verify(session, self._accounts_of, person)


def caller(
    request: Request, sent: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)]
) -> Caller:
    """Who is asking.

    Raises:
        Unauthenticated: nobody whom we know.
    """
    if sent is None:
        raise Unauthenticated(
            "This needs a sign-in.",
            "Send the header 'Authorization: Bearer' with an ID token or a machine's token.",
        )
    gate: Gate = request.app.state.gate
    return gate.caller(sent.credentials)


Known = Annotated[Caller, Security(caller)]


def allowed(permission: Permission) -> Callable[[Caller], Caller]:
    """A dependency that gives the caller, if they hold the right."""

    def check(known: Known) -> Caller:
        require(known, permission)
        return known

    return check


def attach(app: FastAPI, settings: BackendSettings) -> None:
    """Put the gate on the application, and the issuer too if it is embedded."""
    engine: Engine = app.state.engine
    app.state.gate = Gate(settings, engine)
    if settings.embedded:
        app.state.issuer = Issuer(settings, engine, Door(engine, settings.account_issuer))
        app.router.routes.extend(routes.router.routes)
