"""Authorisation codes: kept as their hash, good once, for a minute."""

import base64
import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from backend_api.identity.issuer.ask import Ask
from backend_api.tables import OidcCodeRow

LIFETIME = timedelta(minutes=1)
# Used and expired codes stay for a day, so that a replay can be told from a typing error.
KEPT_FOR = timedelta(days=1)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def issue(session: Session, account_id: UUID, ask: Ask, now: datetime) -> str:
    """A code for the person who has just signed in."""
    session.execute(delete(OidcCodeRow).where(OidcCodeRow.expires_at < now - KEPT_FOR))
    code = secrets.token_urlsafe(32)
    session.add(
        OidcCodeRow(
            code_hash=_digest(code),
            account_id=account_id,
            client_id=ask.client_id,
            redirect_uri=ask.redirect_uri,
            code_challenge=ask.code_challenge,
            nonce=ask.nonce or None,
            scope=ask.scope,
            expires_at=now + LIFETIME,
        )
    )
    return code


def take(session: Session, code: str, now: datetime) -> OidcCodeRow | None:
    """The code's row, used up by this very call; None if it is unknown, used or expired."""
    return session.scalar(
        update(OidcCodeRow)
        .where(
            OidcCodeRow.code_hash == _digest(code),
            OidcCodeRow.used_at.is_(None),
            OidcCodeRow.expires_at > now,
        )
        .values(used_at=now)
        .returning(OidcCodeRow)
    )


def mismatch(row: OidcCodeRow, client_id: str, redirect_uri: str, verifier: str) -> str | None:
    """Why whoever brings the code is not who asked for it; a sentence, or None."""
    if row.client_id != client_id:
        return "The code was made for another client."
    if row.redirect_uri != redirect_uri:
        return "redirect_uri is not the one that the code was asked with."
    if not _VERIFIER.fullmatch(verifier):
        return "code_verifier is missing, or not of 43 to 128 characters."
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    if not hmac.compare_digest(challenge, row.code_challenge or ""):
        return "code_verifier does not fit the code_challenge."
    return None


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
