"""Ordering rehearsals of the way back: by a person, and by the watch when one is due."""

from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend_api import jobs
from backend_api.deployment import agreed, desired, observed
from backend_api.errors import Conflict
from backend_api.operations.order import Order, locked
from backend_api.rules.readiness import is_warm
from backend_api.rules.rehearsal import is_due
from backend_api.schemas import Outcome
from backend_api.states import GateState, JobState
from backend_api.tables import JobRow, RehearsalRow

KIND = "rehearsal"


def rehearse(session: Session, order: Order, model: str) -> Outcome:
    """Put on the queue: every worker answers by the version that a rollback would go to.

    Raises:
        Conflict: there is no such version, or it is being rehearsed already.
    """
    locked(session, model)
    want = desired(session, model)
    if want is None or want.target is None:
        raise Conflict(
            f"{model} has no version to go back to, so there is nothing to rehearse.",
            "There is one once a second version was verified in production.",
        )
    job_id = jobs.enqueue(session, KIND, order, model, want.target)
    order.record(session, "rehearsal.order", model=model, version=want.target)
    return Outcome(
        sentence=f"{model} {want.target} is being rehearsed as the way back; users stay where they"
        " are.",
        model_name=model,
        version=want.target,
        job_id=job_id,
    )


def tend(
    session: Session, model: str, every: timedelta, now: datetime, timeout: float, actor: str
) -> None:
    """Rehearse when it is due and every live worker is ready for it."""
    want = desired(session, model)
    if want is None or want.target is None or not _due(session, model, want.target, every, now):
        return
    # Decisions lock the model before anything else; another watch may have been here meanwhile.
    locked(session, model)
    want = desired(session, model)
    if want is None or want.target is None or not _due(session, model, want.target, every, now):
        return
    workers = observed(session, model, want, now, timeout)
    warm = all(is_warm(one, want.target) for one in workers if one.live)
    if agreed(workers) and warm:
        hours = every.total_seconds() / 3600
        reason = f"It is due every {hours:g} h, and after each new target."
        rehearse(session, Order(actor, reason, uuid4(), now), model)


def _due(session: Session, model: str, target: str, every: timedelta, now: datetime) -> bool:
    last = session.execute(
        select(JobRow.created_at, JobRow.state, RehearsalRow.result)
        .outerjoin(RehearsalRow, RehearsalRow.id == JobRow.id)
        .where(
            JobRow.kind == KIND,
            JobRow.model_name == model,
            JobRow.version == target,
        )
        .order_by(JobRow.created_at.desc())
        .limit(1)
    ).first()
    if last is None:
        return is_due(None, None, every, now)
    if last.state in (JobState.QUEUED, JobState.RUNNING):
        return False
    return is_due(last.created_at, GateState(last.result) if last.result else None, every, now)
