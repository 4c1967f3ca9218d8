"""An open incident: what happened, who has it, its timeline, and the next move."""

from datetime import UTC, datetime
from uuid import UUID

import streamlit as st

from backend_api.schemas import Incident, MoveIncident, Outcome
from backend_api.states import INCIDENT_MOVES, IncidentState, Permission
from console import badges, forms, session, times
from console.markdown import plain, say
from console.quality import Response

MOVES: dict[IncidentState, tuple[Response, str, str]] = {
    IncidentState.ACKNOWLEDGED: ("acknowledge", "I look at it", "visibility"),
    IncidentState.MITIGATED: ("mitigate", "It does no harm any more", "healing"),
    IncidentState.RESOLVED: ("resolve", "It is resolved", "task_alt"),
    IncidentState.CLOSED: ("close", "Close it", "archive"),
}


def draw(found: Incident) -> None:
    """The incident in a box of its own."""
    now = datetime.now(UTC)
    with st.container(border=True):
        say(
            f"{badges.badge(found.state)} **{plain(found.title)}**, opened"
            f" {times.since(found.opened_at, now)}"
            + ("" if found.holds else "; by now it is no longer so")
        )
        for event in found.events:
            at = times.since(event.occurred_at, now)
            say(f":gray[{at}] {plain(event.sentence)}")
        if session.can(Permission.RESPOND):
            _moves(found)
        else:
            forms.barred("Acknowledging and resolving", Permission.RESPOND)


def _moves(found: Incident) -> None:
    key = f"incident.{found.id}.{found.state}"
    with st.expander("What was done about it"), st.form(key, border=False):
        forms.reason(key, "labels of the new branch were wrong")
        with st.container(horizontal=True):
            for target in IncidentState:
                if target in INCIDENT_MOVES[found.state]:
                    verb, label, icon = MOVES[target]
                    forms.button(key, label, _verb(found, verb), icon=icon, action=verb)


def _verb(found: Incident, verb: Response) -> forms.Verb:
    def act(request_id: UUID, reason: str) -> Outcome:
        body = MoveIncident(request_id=request_id, reason=reason, expected_state=found.state)
        return session.backend().move_incident(found.id, verb, body)

    return act
