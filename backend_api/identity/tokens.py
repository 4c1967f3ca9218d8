"""Tokens of machines, and of people at a terminal: a secret shown once, kept as its hash.

A machine has a role of its own and decides nothing. A person's token is that person: their name
stands in the ledger, so that nobody approves alone what they asked for under another name.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from backend_api.errors import BadRequest, Conflict, NotFound, Unauthenticated
from backend_api.identity import accounts
from backend_api.identity.verify import Caller
from backend_api.operations.order import Order, once
from backend_api.schemas import NewToken, Token
from backend_api.states import Permission, Role, may
from backend_api.tables import TokenRow

PREFIX = "nvs_"
# Noting each use would be a write per request; this close is enough to see a dead token.
NOTED_EVERY = timedelta(minutes=5)


@dataclass(frozen=True)
class Machine:
    """Holder of a token with a role of its own."""

    role: Role


@dataclass(frozen=True)
class Person:
    """Holder of a token that acts as this account, with whatever role it has."""

    username: str


def wire(row: TokenRow) -> Token:
    """A token on the wire, without its secret."""
    return Token(
        name=row.name,
        role=None if row.role is None else Role(row.role),
        owner=row.owner,
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
    """Make a machine's token, once per request; only the first answer carries the secret.

    Raises:
        BadRequest: the role is one that decides.
        Conflict: the name is in use, or the request id was used for something else.
    """
    secret: str | None = None

    def act(session: Session, order: Order) -> Token:
        nonlocal secret
        row, secret = _insert(session, order, body.name, Machine(body.role), body.days)
        return wire(row)

    made = once(engine, f"create token {body.name}", body, actor, now, act, Token)
    return made.model_copy(update={"secret": secret})


def create_token(
    session: Session,
    *,
    name: str,
    holder: Machine | Person,
    days: int,
    created_by: str,
    now: datetime,
    reason: str = "made from the command line",
) -> str:
    """Make a token that is valid for ``days``, and return its secret, which nobody can show again.

    Raises:
        BadRequest: a machine's role is one that decides.
        Conflict: the name is in use, or the person is shut out.
        NotFound: nobody has that account.
    """
    order = Order(created_by, reason, uuid7(), now)
    return _insert(session, order, name, holder, days)[1]


def _decides_nothing(role: Role) -> None:
    if may(role, Permission.APPROVE) or may(role, Permission.MANAGE_ACCOUNTS):
        raise BadRequest(
            f"A machine cannot be {role}: whoever decides is a person with an account.",
            "Choose another role, or at a terminal"
            " `nivesh token create NAME --owner ACCOUNT`, which acts as that person.",
            role=role,
        )


def _insert(
    session: Session, order: Order, name: str, holder: Machine | Person, days: int
) -> tuple[TokenRow, str]:
    role = owner = None
    if isinstance(holder, Machine):
        _decides_nothing(role := holder.role)
    else:
        owner = accounts.in_use(session, holder.username).username
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
        owner=owner,
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
        evidence={"name": name, "role": role, "owner": owner, "expires_at": row.expires_at},
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
    order.record(
        session, "token.revoke", evidence={"name": name, "role": row.role, "owner": row.owner}
    )
    return wire(row)


def verify(session: Session, secret: str, now: datetime) -> Caller:
    """Whose secret it is.

    Raises:
        Unauthenticated: nobody's, or one that was revoked or has expired.
        Forbidden: its owner was shut out.
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
    if row.owner is not None:
        return accounts.owner(session, row.owner)
    # The schema gives each token without an owner a role.
    return Caller(row.name, Role(row.role or Role.MACHINE), "machine", f"token:{row.name}")


def _digest(secret: str) -> str:
    # 256 random bits need no slow hash: there is nothing to guess.
    return hashlib.sha256(secret.encode()).hexdigest()
