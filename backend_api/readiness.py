"""Measuring the way back: its target, who holds it, what clients send, and how it was tried."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend_api.catalog import ModelEntry
from backend_api.rules import readiness as rule
from backend_api.schemas import Desired, Observed, Readiness, Rehearsal, RehearsedWorker
from backend_api.sent import sent
from backend_api.states import GateState
from backend_api.tables import LedgerRow, RehearsalRow, VersionRow


def last_rollback(session: Session, model: str) -> tuple[float, datetime] | None:
    """Seconds from the newest rollback's order to the last worker's acknowledgement, and when."""
    row = session.scalar(
        select(LedgerRow)
        .where(LedgerRow.model_name == model, LedgerRow.action == "rollback.observed")
        .order_by(LedgerRow.seq.desc())
        .limit(1)
    )
    return (float(row.evidence["seconds"]), row.at) if row else None


def last_rehearsal(session: Session, model: str) -> Rehearsal | None:
    """The newest rehearsal of a model, of whichever version."""
    row = session.scalar(
        select(RehearsalRow)
        .where(RehearsalRow.model_name == model)
        .order_by(RehearsalRow.asked_at.desc())
        .limit(1)
    )
    if row is None:
        return None
    return Rehearsal(
        version=row.version,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        ended_at=row.ended_at,
        result=GateState(row.result) if row.result else None,
        sentence=row.sentence,
        seconds=row.seconds,
        workers=[RehearsedWorker.model_validate(one) for one in row.workers],
    )


def _version(session: Session, model: str, version: str | None) -> rule.Target | None:
    row = session.scalar(
        select(VersionRow).where(VersionRow.model_name == model, VersionRow.version == version)
    )
    if row is None:
        return None
    return rule.Target(row.version, row.artifact_digest, row.verified_at, row.input_schema)


def readiness(
    session: Session, model: str, entry: ModelEntry, want: Desired | None, workers: list[Observed],
    now: datetime,
) -> Readiness:  # fmt: skip
    """The rollback badge of a model."""
    target = _version(session, model, want.target) if want and want.target else None
    return rule.readiness(
        rule.Facts(
            target=target,
            workers=workers,
            now=now,
            last=last_rollback(session, model),
            production=_version(session, model, want.production) if want else None,
            # Nothing is held against a version that is not there.
            sent=sent(session, model, entry, now) if target else None,
            key=entry.entity_key,
            rehearsal=last_rehearsal(session, model),
        )
    )
