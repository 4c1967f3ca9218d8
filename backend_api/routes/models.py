"""Versions of a model: list, register, stage, validate, reject."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend_api import db, deep_report, jobs, registry, text_drift
from backend_api.errors import StaleView
from backend_api.operations import version as operation
from backend_api.operations.order import Order
from backend_api.routes.edge import ERRORS, Approver, Ctx, Reader, Reading, Registrar, write
from backend_api.rules import promotion as rule
from backend_api.schemas import (
    Explain,
    Job,
    MoveVersion,
    Outcome,
    RegisterVersion,
    Version,
    VersionDetail,
)
from backend_api.states import PromotionStatus
from backend_api.tables import JobRow, PromotionRow, RequestRow, VersionRow

# Jobs that only read what a version answered.
LOOKS = (text_drift.KIND, deep_report.KIND)

router = APIRouter(tags=["registry"], responses=ERRORS)  # type: ignore[arg-type]


@router.get("/models/{name}/versions")
def list_versions(
    name: str,
    ctx: Ctx,
    session: Reading,
    caller: Reader,
    before: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
) -> list[Version]:
    """Versions of a model, newest first, older than the version ``before``."""
    ctx.catalog.get(name)
    query = select(VersionRow).where(VersionRow.model_name == name).order_by(VersionRow.id.desc())
    if before is not None:
        query = query.where(VersionRow.id < registry.version_row(session, name, before).id)
    return [registry.wire_version(row) for row in session.scalars(query.limit(limit))]


@router.get("/models/{name}/versions/{version}")
def read_version(
    name: str, version: str, ctx: Ctx, session: Reading, caller: Reader
) -> VersionDetail:
    """A version with its criteria, gates, history and open request."""
    entry = ctx.catalog.get(name)
    row = registry.version_row(session, name, version)
    request = session.scalar(
        select(PromotionRow)
        .where(PromotionRow.model_id == row.id)
        .order_by(PromotionRow.requested_at.desc())
        .limit(1)
    )
    job = session.scalar(
        select(JobRow)
        # Looking at its log holds up nothing that may be done with a version.
        .where(JobRow.model_name == name, JobRow.version == version, JobRow.kind.not_in(LOOKS))
        .order_by(JobRow.created_at.desc())
        .limit(1)
    )
    seen = registry.evidence(
        session, entry, row, db.now(), breaking=bool(request and request.breaking),
        supersede=bool(request and request.supersede),
    )  # fmt: skip
    gates = rule.decide(seen)
    signed = request.evidence if request and request.status == PromotionStatus.PENDING else None
    return VersionDetail(
        version=registry.wire_version(row),
        criteria=[rule.judge(criterion, seen.metrics) for criterion in seen.criteria],
        gates=gates,
        moved=rule.moved(signed, rule.bundle(seen, gates)) if signed else [],
        promotion=registry.wire_promotion(request) if request else None,
        transitions=registry.transitions(session, row.id),
        job=jobs.wire_job(job) if job else None,
    )


@router.post("/models/{name}/versions", status_code=201)
def register_version(name: str, body: RegisterVersion, ctx: Ctx, caller: Registrar) -> Outcome:
    """Make a run's model the next version. MLflow first: what it refuses leaves nothing here."""
    ctx.catalog.get(name)
    with db.transaction(ctx.engine, None) as session:
        answered = session.get(RequestRow, body.request_id) is not None
        if not answered:
            operation.choose_version(session, name, body.version)
    # A repeat needs no MLflow: its answer is kept.
    found = None if answered else ctx.mlflow.register(
        name, body.model_uri, str(body.request_id), body.description, body.tags
    )  # fmt: skip

    def act(session: Session, order: Order) -> Outcome:
        if found is None:
            raise StaleView("The first answer to this request is gone.", "Look at the page again.")
        return operation.enter(session, order, name, found, body)

    return write(ctx, caller, f"register {name}", body, act)


@router.post("/models/{name}/versions/{version}/stage")
def stage(name: str, version: str, body: MoveVersion, ctx: Ctx, caller: Registrar) -> Outcome:
    """Let every worker load the version without giving it traffic."""
    entry = ctx.catalog.get(name)
    return write(
        ctx,
        caller,
        f"stage {name} {version}",
        body,
        lambda s, o: operation.stage(s, o, name, version, body.expected_status, entry.endpoint),
    )


@router.post("/models/{name}/versions/{version}/validate", status_code=202)
def validate(name: str, version: str, body: MoveVersion, ctx: Ctx, caller: Registrar) -> Outcome:
    """Put the validation suite on the queue for a staged version."""
    ctx.catalog.get(name)

    def act(session: Session, order: Order) -> Outcome:
        operation.must_be_staged(session, name, version, body.expected_status)
        job_id = jobs.enqueue(session, "validation", order, name, version)
        order.record(session, "version.validate.ordered", model=name, version=version)
        return operation.job_outcome(name, version, job_id)

    return write(ctx, caller, f"validate {name} {version}", body, act)


@router.post("/models/{name}/versions/{version}/quantize", status_code=202)
def quantize(name: str, version: str, body: Explain, ctx: Ctx, caller: Registrar) -> Outcome:
    """Put on the queue: an int8 candidate of a version, measured beside it. Promotes nothing."""
    ctx.catalog.get(name)

    def act(session: Session, order: Order) -> Outcome:
        operation.must_have_a_run(session, name, version)
        job_id = jobs.enqueue(session, "quantization", order, name, version)
        order.record(session, "version.quantize.ordered", model=name, version=version)
        return Outcome(
            sentence=f"{name} {version} is being quantised; the result is registered as a"
            " candidate.",
            model_name=name, version=version, job_id=job_id,
        )  # fmt: skip

    return write(ctx, caller, f"quantize {name} {version}", body, act)


@router.post("/models/{name}/versions/{version}/reject")
def reject(name: str, version: str, body: MoveVersion, ctx: Ctx, caller: Approver) -> Outcome:
    """Refuse a version for good."""
    ctx.catalog.get(name)
    return write(
        ctx,
        caller,
        f"reject {name} {version}",
        body,
        lambda s, o: operation.reject(s, o, name, version, body.expected_status),
    )


@router.get("/jobs/{job_id}")
def read_job(job_id: UUID, session: Reading, caller: Reader) -> Job:
    """How far a job is."""
    return jobs.read(session, job_id)
