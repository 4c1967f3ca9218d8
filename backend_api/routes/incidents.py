"""Incidents: reading them, and moving them on."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from backend_api import incidents
from backend_api.operations import incident
from backend_api.routes.edge import ERRORS, Ctx, Reader, Reading, Responder, write
from backend_api.schemas import Incident, MoveIncident, Outcome
from backend_api.states import IncidentState

router = APIRouter(tags=["incidents"], responses=ERRORS)  # type: ignore[arg-type]
Verb = Literal["acknowledge", "mitigate", "resolve", "close"]
TARGETS: dict[Verb, IncidentState] = {
    "acknowledge": IncidentState.ACKNOWLEDGED,
    "mitigate": IncidentState.MITIGATED,
    "resolve": IncidentState.RESOLVED,
    "close": IncidentState.CLOSED,
}


@router.get("/incidents")
def list_incidents(
    ctx: Ctx,
    session: Reading,
    caller: Reader,
    model: str | None = None,
    only_open: bool = False,
    before: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[Incident]:
    """Incidents without their timelines, newest first, older than the one ``before``."""
    if model is not None:
        ctx.catalog.get(model)
    return incidents.listed(session, model, only_open=only_open, before=before, limit=limit)


@router.get("/incidents/{incident_id}")
def read_incident(incident_id: UUID, session: Reading, caller: Reader) -> Incident:
    """An incident with its timeline."""
    return incidents.read(session, incident_id)


@router.post("/incidents/{incident_id}/{verb}")
def move_incident(
    incident_id: UUID, verb: Verb, body: MoveIncident, ctx: Ctx, caller: Responder
) -> Outcome:
    """Acknowledge an incident, say that it does no harm any more, resolve it, or close it."""
    target = TARGETS[verb]
    return write(
        ctx, caller, f"{verb} incident {incident_id}", body,
        lambda s, o: incident.move(s, o, incident_id, body.expected_state, target),
    )  # fmt: skip
