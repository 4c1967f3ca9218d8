"""Shutting promotions at certain times, and opening them again."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend_api.errors import BadRequest, Conflict, NotFound
from backend_api.operations.order import Order
from backend_api.rules.freeze import Window, WindowError, check
from backend_api.schemas import NewFreeze, Outcome
from backend_api.tables import FreezeRow


def make(session: Session, order: Order, body: NewFreeze) -> Outcome:
    """Shut promotions at these times. A rollback and a lower share stay possible.

    Raises:
        BadRequest: the rule, the zone or the length cannot be used; says what to mend.
    """
    window = Window(body.name, body.first, timedelta(minutes=body.minutes), body.rule, body.zone)
    try:
        check(window)
    except WindowError as error:
        raise BadRequest(str(error), "Nothing was changed.") from error
    session.add(
        FreezeRow(
            id=order.request_id, name=body.name, model_name=body.model_name, first=body.first,
            minutes=body.minutes, rule=body.rule, zone=body.zone, made_by=order.actor,
            made_at=order.now,
        )
    )  # fmt: skip
    order.record(
        session, "freeze.make", model=body.model_name,
        evidence=body.model_dump(mode="json", exclude={"request_id", "reason"}),
    )  # fmt: skip
    whom = body.model_name or "every model"
    return Outcome(sentence=f"{body.name} freezes promotions of {whom}.", model_name=whom)


def lift(session: Session, order: Order, window_id: UUID) -> Outcome:
    """Let a window hold no longer.

    Raises:
        NotFound: no such window.
        Conflict: it was lifted already.
    """
    row = session.scalar(select(FreezeRow).where(FreezeRow.id == window_id).with_for_update())
    if row is None:
        raise NotFound(f"There is no freeze window {window_id}.", "GET /freezes lists them.")
    if row.lifted_at is not None:
        raise Conflict(f"{row.lifted_by} lifted {row.name} already.", "Look at the page again.")
    row.lifted_by, row.lifted_at = order.actor, order.now
    order.record(
        session, "freeze.lift", model=row.model_name,
        evidence={"name": row.name, "id": str(row.id)},
    )  # fmt: skip
    return Outcome(
        sentence=f"{row.name} freezes nothing any more.", model_name=row.model_name or "every model"
    )
