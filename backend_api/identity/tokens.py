"""Tokens of machines: a secret shown once, kept as its hash."""

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from uuid6 import uuid7

from backend_api.errors import Conflict, NotFound, Unauthenticated
from backend_api.identity.verify import Caller
from backend_api.operations.order import Order, once
from backend_api.schemas import NewToken, Token
from backend_api.states import Role
from backend_api.tables import TokenRow

PREFIX = "nvs_"
# Noting each use would be a write per request; this close is enough to see a dead token.
NOTED_EVERY = timedelta(minutes=5)


def wire(row: TokenRow) -> Token:
    """A token on the wire, without its secret."""
    return Token(
        name=row.name,
        role=Role(row.role),
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )


def every(session: Session) -> list[Token]:
    """All tokens, by name."""
    return [wire(row) for row in session.scalars(select(TokenRow).order_by(TokenRow.name))]


def make(engine: Engine, body: NewToken, actor: str, now: datetime) -> Token:
    """Make a token, once per request; only the first answer carries the secret.

    Raises:
        Conflict: the name is in use, or the request id was used for something else.
    """
    secret: str | None = None

    def act(session: Session, order: Order) -> Token:
        nonlocal secret
        row, secret = _insert(session, order, body.name, body.role, body.days)
        return wire(row)

    made = once(engine, f"create token {body.name}", body, actor, now, act, Token)
    return made.model_copy(update={"secret": secret})


def create_token(
    session: Session, *, name: str, role: Role, days: int, created_by: str, now: datetime
) -> str:
    """Make a token that is valid for ``days``, and return its secret, which nobody can show again.

    Raises:
        Conflict: the name is in use.
    """
    order = Order(created_by, "made from the command line", uuid7(), now)
    return _insert(session, order, name, role, days)[1]


def _insert(
    session: Session, order: Order, name: str, role: Role, days: int
) -> tuple[TokenRow, str]:
    if session.scalar(select(TokenRow.id).where(TokenRow.name == name)) is not None:
        raise Conflict(
            f"There is a token {name} already.",
            "Choose another name; the ledger knows each token by its own.",
        )
    secret = PREFIX + secrets.token_urlsafe(32)
    row = TokenRow(
        id=uuid4(),
        name=name,
        role=role,
        token_hash=_digest(secret),
        created_by=order.actor,
        created_at=order.now,
        expires_at=order.now + timedelta(days=days),
    )
    session.add(row)
    session.flush()
    order.record(
        session,
        "token.create",
        evidence={"name": name, "role": role, "expires_at": row.expires_at},
    )
    return row, secret


def revoke(session: Session, order: Order, name: str) -> Token:
    """Make a token worthless, from its next request on.

    Raises:
        NotFound: no token of that name.
        Conflict: it is revoked already.
    """
    row = session.scalar(select(TokenRow).where(TokenRow.name == name).with_for_update())
    if row is None:
        raise NotFound(f"There is no token {name}.", "GET /tokens lists them.")
    if row.revoked_at is not None:
        raise Conflict(f"{name} is revoked since {row.revoked_at:%d %b %Y, %H:%M} UTC.")
    row.revoked_at = order.now
    order.record(session, "token.revoke", evidence={"name": name, "role": row.role})
    return wire(row)


def verify(session: Session, secret: str, now: datetime) -> Caller:
    """Whose secret it is.

    Raises:
        Unauthenticated: nobody's, or one that was revoked or has expired.
    """
    row = session.scalar(select(TokenRow).where(TokenRow.token_hash == _digest(secret)))
    if row is None:
        raise Unauthenticated("This token is not known.", "Ask an admin for a new one.")
    if row.revoked_at is not None:
        raise Unauthenticated(f"Token {row.name} was revoked.", "Ask an admin for a new one.")
    if row.expires_at is not None and row.expires_at <= now:
        raise Unauthenticated(
            f"Token {row.name} expired on {row.expires_at:%d %b %Y}.", "Ask an admin for a new one."
        )
    if row.last_used_at is None or row.last_used_at < now - NOTED_EVERY:
        row.last_used_at = now
    return Caller(row.name, Role(row.role), "machine", f"token:{row.name}")


def _digest(secret: str) -> str:
    # 256 random bits need no slow hash: there is nothing to guess.
    return hashlib.sha256(secret.encode()).hexdigest()
