"""Tokens of machines: a secret shown once, kept as its hash."""

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend_api import ledger
from backend_api.errors import Unauthenticated
from backend_api.identity.verify import Caller
from backend_api.states import Role
from backend_api.tables import TokenRow

PREFIX = "nvs_"
# Noting each use would be a write per request; this close is enough to see a dead token.
NOTED_EVERY = timedelta(minutes=5)


def _digest(secret: str) -> str:
    # 256 random bits need no slow hash: there is nothing to guess.
    return hashlib.sha256(secret.encode()).hexdigest()


def create_token(
    session: Session, *, name: str, role: Role, days: int, created_by: str, now: datetime
) -> str:
    """Make a token that is valid for ``days``, and return its secret, which nobody can show again.

    Raises:
        IntegrityError: the name is taken.
    """
    secret = PREFIX + secrets.token_urlsafe(32)
    expires_at = now + timedelta(days=days)
    session.add(
        TokenRow(
            id=uuid4(),
            name=name,
            role=role,
            token_hash=_digest(secret),
            created_by=created_by,
            expires_at=expires_at,
        )
    )
    session.flush()
    ledger.append(
        session,
        created_by,
        "token.create",
        evidence={"name": name, "role": role, "expires_at": expires_at},
    )
    return secret


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
