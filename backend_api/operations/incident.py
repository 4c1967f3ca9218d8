"""Opening incidents, writing their timelines, and moving them on."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from backend_api import incidents, ledger
from backend_api.errors import Conflict, StaleView
from backend_api.operations.order import Order, locked
from backend_api.schemas import Outcome
from backend_api.states import INCIDENT_MOVES, INCIDENT_OPEN, IncidentKind, IncidentState, Severity
from backend_api.tables import IncidentEventRow, IncidentRow

WORDS = {
    IncidentState.ACKNOWLEDGED: "acknowledged",
    IncidentState.MITIGATED: "marked as mitigated",
    IncidentState.RESOLVED: "resolved",
    IncidentState.CLOSED: "closed",
}


def note(
    session: Session, incident_id: UUID, actor: str, kind: str, sentence: str, at: datetime,
    evidence: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """Write a line into a timeline; ``at`` is when it was so."""
    session.add(
        IncidentEventRow(
            incident_id=incident_id, occurred_at=at, actor=actor, kind=kind, sentence=sentence,
            evidence=evidence or {},
        )
    )  # fmt: skip
    session.flush()


def seen(
    session: Session, actor: str, model: str, kind: IncidentKind, severity: Severity, *,
    holds: bool, title: str, sentence: str, evidence: dict[str, Any], now: datetime,
) -> None:  # fmt: skip
    """Say what a look found: opens an incident, or notes that an open one's cause came or went.

    A look that finds what the last one found writes nothing.
    """
    row = incidents.open_row(session, model, kind)
    if row is None and not holds:
        return
    # Two watches may look at once; the second finds what the first has written.
    locked(session, model)
    row = incidents.open_row(session, model, kind)
    if row is None:
        if holds:
            _open(session, actor, model, kind, severity, title, sentence, evidence, now)
        return
    session.refresh(row, with_for_update=True)
    if row.holds != holds and row.state in INCIDENT_OPEN:
        row.holds = holds
        note(session, row.id, actor, "back" if holds else "gone", sentence, now, evidence)


def _open(
    session: Session, actor: str, model: str, kind: IncidentKind, severity: Severity, title: str,
    sentence: str, evidence: dict[str, Any], now: datetime,
) -> None:  # fmt: skip
    row = IncidentRow(
        id=uuid7(), model_name=model, kind=kind, severity=severity, title=title,
        state=IncidentState.TRIGGERED, opened_at=now, opened_by=actor,
    )  # fmt: skip
    session.add(row)
    session.flush()
    note(session, row.id, actor, "opened", sentence, now, evidence)
    ledger.append(
        session, actor, "incident.open", model=model, reason=sentence,
        evidence={"incident": str(row.id), "kind": kind, **evidence},
    )  # fmt: skip


def move(
    session: Session, order: Order, incident_id: UUID, expected: IncidentState,
    target: IncidentState,
) -> Outcome:  # fmt: skip
    """Acknowledge, mitigate, resolve or close an incident.

    Raises:
        NotFound: no such incident.
        StaleView: it is not where the caller saw it: whoever resolves wins over an acknowledgement.
        Conflict: no such move from here.
    """
    row = incidents.incident_row(session, incident_id, lock=True)
    if row.state != expected:
        raise StaleView(
            f"The incident is {row.state} by now, not {expected}.",
            "Look at the page again and decide on what it shows.", state=row.state,
        )  # fmt: skip
    if target not in INCIDENT_MOVES[expected]:
        can = ", ".join(sorted(INCIDENT_MOVES[expected])) or "nothing"
        raise Conflict(f"An incident that is {expected} cannot become {target}.", f"It can: {can}.")
    row.state = target
    if target == IncidentState.ACKNOWLEDGED:
        row.acknowledged_by, row.acknowledged_at = order.actor, order.now
    if target == IncidentState.RESOLVED:
        row.resolved_by, row.resolved_at = order.actor, order.now
    sentence = f"{order.actor} {WORDS[target]} it: {order.reason}"
    note(session, row.id, order.actor, str(target), sentence, order.now)
    order.record(
        session, f"incident.{target}", model=row.model_name, evidence={"incident": str(row.id)}
    )
    return Outcome(
        sentence=f"The incident is {WORDS[target]}: {row.title}", model_name=row.model_name
    )
