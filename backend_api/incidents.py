"""Reading incidents and their timelines."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend_api.errors import NotFound
from backend_api.schemas import Incident, IncidentEvent
from backend_api.states import INCIDENT_OPEN, IncidentKind, IncidentState, Severity
from backend_api.tables import IncidentEventRow, IncidentRow


def incident_row(session: Session, incident_id: UUID, *, lock: bool = False) -> IncidentRow:
    """The row of an incident.

    Raises:
        NotFound: no such incident.
    """
    row = session.get(IncidentRow, incident_id, with_for_update=lock)
    if row is None:
        raise NotFound(f"There is no incident {incident_id}.", "GET /incidents lists them.")
    return row


def open_row(session: Session, model: str, kind: IncidentKind) -> IncidentRow | None:
    """The open incident of a kind, of which a model has one at most."""
    return session.scalar(
        select(IncidentRow).where(
            IncidentRow.model_name == model, IncidentRow.kind == kind,
            IncidentRow.state.in_(INCIDENT_OPEN),
        )
    )  # fmt: skip


def wire(row: IncidentRow, events: Sequence[IncidentEventRow] = ()) -> Incident:
    """An incident on the wire, with whatever of its timeline is given."""
    return Incident(
        id=row.id, model_name=row.model_name, kind=IncidentKind(row.kind),
        severity=Severity(row.severity), state=IncidentState(row.state), title=row.title,
        holds=row.holds, opened_at=row.opened_at, opened_by=row.opened_by,
        acknowledged_at=row.acknowledged_at, acknowledged_by=row.acknowledged_by,
        resolved_at=row.resolved_at, resolved_by=row.resolved_by,
        events=[
            IncidentEvent(
                occurred_at=event.occurred_at, recorded_at=event.recorded_at, actor=event.actor,
                kind=event.kind, sentence=event.sentence, evidence=event.evidence,
            )
            for event in events
        ],
    )  # fmt: skip


def read(session: Session, incident_id: UUID) -> Incident:
    """An incident with its whole timeline, in the order in which it was written down."""
    row = incident_row(session, incident_id)
    events = select(IncidentEventRow).where(IncidentEventRow.incident_id == row.id)
    return wire(row, list(session.scalars(events.order_by(IncidentEventRow.id))))


def under_way(session: Session, model: str, kind: IncidentKind) -> Incident | None:
    """The open incident of a kind with its timeline."""
    row = open_row(session, model, kind)
    return read(session, row.id) if row else None


def listed(
    session: Session, model: str | None, *, only_open: bool, before: UUID | None, limit: int
) -> list[Incident]:
    """Incidents without their timelines, newest first, older than the one ``before``."""
    query = select(IncidentRow).order_by(IncidentRow.opened_at.desc(), IncidentRow.id)
    if model is not None:
        query = query.where(IncidentRow.model_name == model)
    if only_open:
        query = query.where(IncidentRow.state.in_(INCIDENT_OPEN))
    if before is not None:
        query = query.where(IncidentRow.opened_at < incident_row(session, before).opened_at)
    return [wire(row) for row in session.scalars(query.limit(limit))]
