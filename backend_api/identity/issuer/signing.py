"""Keys of the embedded issuer, and the ID tokens that it signs with them."""

from datetime import datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from backend_api.tables import SigningKeyRow

ALGORITHM = "RS256"
# A long shift. The role is not in the token, so a longer life gives nobody more rights.
TOKEN_LIFETIME = timedelta(hours=12)
ROTATED_EVERY = timedelta(days=90)
_NEWEST = select(SigningKeyRow).order_by(SigningKeyRow.created_at.desc(), SigningKeyRow.kid.desc())


def rotate(session: Session, now: datetime) -> RSAKey:
    """A new key to sign with. Keys whose last token has expired are forgotten."""
    newest = session.scalar(_NEWEST.where(SigningKeyRow.created_at < now - TOKEN_LIFETIME).limit(1))
    if newest is not None:
        session.execute(delete(SigningKeyRow).where(SigningKeyRow.created_at < newest.created_at))
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
    private = dict(key.as_dict(private=True))
    session.add(SigningKeyRow(kid=str(key.kid), private=private, created_at=now))
    session.flush()
    return key


def current(session: Session, now: datetime) -> RSAKey:
    """The key to sign with, made if there is none yet and replaced when it is old."""
    row = session.scalar(_NEWEST.limit(1))
    if row is None or row.created_at < now - ROTATED_EVERY:
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext('nivesh.signing_keys'))"))
        row = session.scalar(_NEWEST.limit(1))
        if row is None or row.created_at < now - ROTATED_EVERY:
            return rotate(session, now)
    return RSAKey.import_key(row.private)


def public(session: Session) -> dict[str, Any]:
    """The JWKS: every key that a token still in use may have been signed with."""
    keys = [RSAKey.import_key(row.private) for row in session.scalars(_NEWEST)]
    return dict(KeySet(list(keys)).as_dict(private=False))


def id_token(
    key: RSAKey,
    *,
    issuer: str,
    subject: str,
    audience: str,
    username: str,
    nonce: str | None,
    signed_in_at: datetime,
    now: datetime,
) -> str:
    """A signed ID token (OpenID Connect Core 2)."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": subject,
        "aud": audience,
        "iat": int(now.timestamp()),
        "exp": int((now + TOKEN_LIFETIME).timestamp()),
        "auth_time": int(signed_in_at.timestamp()),
        "preferred_username": username,
        "name": username,
    }
    if nonce is not None:
        claims["nonce"] = nonce
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key, algorithms=[ALGORITHM])
