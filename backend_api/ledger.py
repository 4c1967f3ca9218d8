"""The ledger: append, read, and prove that nothing in it was altered."""

import hashlib
import json
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from backend_api.schemas import LedgerEntry, LedgerPage, LedgerProof
from backend_api.tables import LedgerRow

_INSERT = text(
    "INSERT INTO ledger (actor, action, model_name, version, reason, evidence, request_id)"
    " VALUES (:actor, :action, :model_name, :version, :reason, CAST(:evidence AS jsonb),"
    " :request_id)"
)
# Spelled out here rather than by the database's own function: a verifier must not trust
# the code that it verifies.
_CHAIN = text("""
    SELECT seq, prev_hash, hash, jsonb_build_object(
        'seq', seq, 'at', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'actor', actor, 'action', action, 'model_name', model_name, 'version', version,
        'reason', reason, 'evidence', evidence, 'request_id', request_id)::text
    FROM ledger ORDER BY seq
""")
GENESIS = "0" * 64


def append(
    session: Session,
    actor: str,
    action: str,
    *,
    model: str | None = None,
    version: str | None = None,
    reason: str | None = None,
    evidence: dict[str, Any] | None = None,
    request_id: UUID | None = None,
) -> None:
    """Add one entry in the caller's transaction; the database chains it."""
    session.execute(
        _INSERT,
        {
            "actor": actor,
            "action": action,
            "model_name": model,
            "version": version,
            "reason": reason,
            "evidence": json.dumps(evidence or {}, default=str),
            "request_id": request_id,
        },
    )


def wire(row: LedgerRow) -> LedgerEntry:
    """A row as the wire shows it."""
    return LedgerEntry(
        seq=row.seq,
        at=row.at,
        actor=row.actor,
        action=row.action,
        model_name=row.model_name,
        version=row.version,
        reason=row.reason,
        evidence=row.evidence,
        request_id=row.request_id,
        hash=row.hash,
    )


def page(
    session: Session,
    *,
    model: str | None = None,
    actor: str | None = None,
    action: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> LedgerPage:
    """Newest entries first, at most ``limit``, older than ``before``."""
    query = select(LedgerRow).order_by(LedgerRow.seq.desc()).limit(limit + 1)
    if model is not None:
        query = query.where(LedgerRow.model_name == model)
    if actor is not None:
        query = query.where(LedgerRow.actor == actor)
    if action is not None:
        query = query.where(LedgerRow.action.startswith(action, autoescape=True))
    if before is not None:
        query = query.where(LedgerRow.seq < before)
    rows = list(session.scalars(query))
    entries = [wire(row) for row in rows[:limit]]
    return LedgerPage(entries=entries, next_before=entries[-1].seq if len(rows) > limit else None)


def verify(session: Session) -> LedgerProof:
    """Walk the chain from its first row: hash = SHA-256(previous hash + canonical JSON)."""
    previous, rows, expected = GENESIS, 0, 1
    for seq, prev_hash, recorded, canonical in session.execute(
        _CHAIN, execution_options={"yield_per": 2000}
    ):
        digest = hashlib.sha256((previous + canonical).encode()).hexdigest()
        if seq != expected or prev_hash != previous or recorded != digest:
            return LedgerProof(
                intact=False,
                rows=rows,
                head=previous,
                first_broken=seq,
                sentence=f"Row {seq} is not what was written, or a row before it is missing.",
            )
        previous, rows, expected = recorded, rows + 1, seq + 1
    return LedgerProof(
        intact=True,
        rows=rows,
        head=previous if rows else None,
        first_broken=None,
        sentence=f"All {rows} rows are as they were written.",
    )
