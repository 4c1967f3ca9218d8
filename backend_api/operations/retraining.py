"""Ordering a retraining: by a person, and by the watch for an incident whose playbook says so."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend_api import deployment, drift_results, incidents, jobs
from backend_api.catalog import RetrainingPlan
from backend_api.errors import BadRequest, Conflict, ConsoleError
from backend_api.operations import incident
from backend_api.operations import version as versions
from backend_api.operations.order import Order, locked
from backend_api.retraining import KIND
from backend_api.rules.drift_words import MEND
from backend_api.schemas import Outcome, Retrain
from backend_api.states import INCIDENT_OPEN, IncidentKind
from backend_api.tables import IncidentEventRow, IncidentRow

# Lines of a timeline: a candidate was ordered, or could not be.
ORDERED, REFUSED = "retraining", "retraining_refused"
# The data have to be mended first; it is ordered once they are, if the cause still holds.
WAITS = "retraining_waits"


def retrain(session: Session, order: Order, model: str, body: Retrain) -> Outcome:
    """Put on the queue: a candidate trained on old rows and new labels. Promotes nothing.

    Raises:
        Conflict: nothing is in production and no version is named, the version was made by no run,
            or its retraining is under way.
        NotFound: no such version or incident.
        BadRequest: the incident is another model's.
    """
    version = body.version or _production(session, model)
    versions.must_have_a_run(session, model, version)
    if body.incident_id is not None:
        of = incidents.incident_row(session, body.incident_id, lock=True)
        if of.model_name != model:
            raise BadRequest(f"The incident is about {of.model_name}, and not about {model}.")
    more = {"days": str(body.days), "quick": "yes" if body.quick else ""}
    job_id = jobs.enqueue(session, KIND, order, model, version, more)
    evidence = {"days": body.days, "quick": body.quick, "job": str(job_id)}
    if body.incident_id is not None:
        incident.note(
            session, body.incident_id, order.actor, ORDERED,
            f"{order.actor} ordered a successor of {version}, trained on the labelled answers of"
            f" the last {body.days} days; nobody but people promotes it.",
            order.now, {"job": str(job_id), "version": version},
        )  # fmt: skip
        evidence["incident"] = str(body.incident_id)
    order.record(
        session, "version.retrain.ordered", model=model, version=version, evidence=evidence
    )
    return Outcome(
        sentence=f"A successor of {model} {version} is being trained; it is registered as a"
        " candidate and promoted by nobody but people.",
        model_name=model, version=version, job_id=job_id,
    )  # fmt: skip


def _production(session: Session, name: str) -> str:
    want = deployment.desired(session, name)
    if want is None or want.production is None:
        raise Conflict(
            f"Nothing of {name} is in production, so there is nothing to go on from.",
            "Name a version.",
        )
    return want.production


def tend(session: Session, model: str, plan: RetrainingPlan, now: datetime, actor: str) -> None:
    """Order a candidate for each open incident of the kinds that the plan names, once each.

    What cannot be ordered is said in the incident's timeline, also once: it is then a person's.
    """
    for kind in plan.on:
        if _waiting(session, model, kind) is None:
            continue
        # Decisions lock the model before anything else; another watch may have been here meanwhile.
        locked(session, model)
        row = _waiting(session, model, kind)
        version = _about(session, row.id) if row is not None else None
        want = deployment.desired(session, model)
        # Something else serves by now: whether that drifts is not known yet.
        if row is None or version is None or want is None or want.production != version:
            continue
        fault = drift_results.fault(session, model, version)
        if fault is not None:
            sentence = f"The playbook orders no candidate yet. {MEND} {fault}"
            _wait(session, row.id, actor, sentence, now)
            continue
        reason = f"The playbook in models.yaml retrains on this incident: {row.title}"
        order = Order(actor, reason, uuid4(), now)
        body = Retrain(
            request_id=order.request_id, reason=reason, days=plan.days, version=version,
            incident_id=row.id,
        )  # fmt: skip
        try:
            retrain(session, order, model, body)
        except ConsoleError as error:
            sentence = f"The playbook ordered no candidate: {error.message} {error.hint}".strip()
            incident.note(session, row.id, actor, REFUSED, sentence, now)


def _wait(session: Session, incident_id: UUID, actor: str, sentence: str, now: datetime) -> None:
    """Say once in an incident's timeline what is waited for."""
    told = select(IncidentEventRow.id).where(
        IncidentEventRow.incident_id == incident_id, IncidentEventRow.kind == WAITS
    )
    if session.scalar(told.limit(1)) is None:
        incident.note(session, incident_id, actor, WAITS, sentence, now)


def _waiting(session: Session, model: str, kind: IncidentKind) -> IncidentRow | None:
    """The open incident of a kind, while its cause holds and no candidate was ordered for it."""
    answered = select(IncidentEventRow.id).where(
        IncidentEventRow.incident_id == IncidentRow.id,
        IncidentEventRow.kind.in_([ORDERED, REFUSED]),
    )
    return session.scalar(
        select(IncidentRow).where(
            IncidentRow.model_name == model, IncidentRow.kind == kind, IncidentRow.holds,
            IncidentRow.state.in_(INCIDENT_OPEN), ~answered.exists(),
        )
    )  # fmt: skip


def _about(session: Session, incident_id: UUID) -> str | None:
    """The version that the newest look which found the cause was about."""
    found: str | None = session.scalar(
        select(IncidentEventRow.evidence["version"].as_string())
        .where(
            IncidentEventRow.incident_id == incident_id,
            IncidentEventRow.kind.in_(["opened", "back"]),
        )
        .order_by(IncidentEventRow.id.desc())
        .limit(1)
    )
    return found
