"""Versions of a model: list, register, stage, validate, reject."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend_api import db, jobs, registry
from backend_api.errors import Conflict
from backend_api.identity.dependencies import allowed
from backend_api.identity.verify import Caller
from backend_api.mlflow_registry import MlflowRegistry, RegisteredVersion
from backend_api.operations import version as operation
from backend_api.operations.order import Order, locked
from backend_api.routes.edge import ERRORS, Ctx, Reading, actor, write
from backend_api.rules import promotion as rule
from backend_api.schemas import (
    Job,
    MoveVersion,
    Outcome,
    RegisterVersion,
    Version,
    VersionDetail,
)
from backend_api.states import Permission, VersionStatus
from backend_api.tables import JobRow, PromotionRow, RequestRow, VersionRow

router = APIRouter(tags=["registry"], responses=ERRORS)  # type: ignore[arg-type]
Registrar = Annotated[Caller, Depends(allowed(Permission.REGISTER))]
Reader = Annotated[Caller, Depends(allowed(Permission.READ))]
Approver = Annotated[Caller, Depends(allowed(Permission.APPROVE))]


@router.get("/models/{name}/versions")
def list_versions(name: str, ctx: Ctx, session: Reading, caller: Reader) -> list[Version]:
    """All versions of a model, newest first."""
    ctx.catalog.get(name)
    rows = session.scalars(
        select(VersionRow).where(VersionRow.model_name == name).order_by(VersionRow.id.desc())
    )
    return [registry.wire_version(row) for row in rows]


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
        .where(JobRow.model_name == name, JobRow.version == version)
        .order_by(JobRow.created_at.desc())
        .limit(1)
    )
    breaking = bool(request and request.breaking)
    seen = registry.evidence(session, entry, row, breaking=breaking)
    return VersionDetail(
        version=registry.wire_version(row),
        criteria=[rule.judge(criterion, seen.metrics) for criterion in seen.criteria],
        gates=rule.decide(seen),
        promotion=registry.wire_promotion(request) if request else None,
        transitions=registry.transitions(session, row.id),
        job=jobs.wire_job(job) if job else None,
    )


def _row(name: str, version: str, found: RegisteredVersion, body: RegisterVersion) -> VersionRow:
    return VersionRow(
        model_name=name,
        version=version,
        mlflow_version=found.mlflow_version,
        run_id=found.run_id,
        metrics=found.metrics,
        artifact_digest=found.artifact_digest,
        artifact_uri=found.artifact_uri,
        input_schema=found.input_schema,
        tags=body.tags,
        description=body.description,
        registered_by="",
    )


@router.post("/models/{name}/versions", status_code=201)
def register_version(name: str, body: RegisterVersion, ctx: Ctx, caller: Registrar) -> Outcome:
    """Make a run's model the next version. MLflow first: what it refuses leaves nothing here."""
    ctx.catalog.get(name)
    with db.transaction(ctx.engine, actor(caller)) as session:
        if session.get(RequestRow, body.request_id) is None:
            operation.choose_version(session, name, body.version)
    found = MlflowRegistry(ctx.settings.mlflow_tracking_uri).register(
        name, body.model_uri, str(body.request_id), body.description, body.tags
    )

    def act(session: Session, order: Order) -> Outcome:
        locked(session, name)
        version = operation.choose_version(session, name, body.version)
        return operation.register(session, order, name, _row(name, version, found, body))

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
        row = registry.version_row(session, name, version, lock=True)
        if row.status not in (VersionStatus.STAGING, VersionStatus.VALIDATED):
            raise Conflict(
                f"{name} {version} is {row.status}; only a staged version can be validated.",
                "Stage it first: workers must have it loaded.",
                status=row.status,
            )
        job_id = jobs.enqueue(session, "validation", order, name, version)
        order.record(session, "version.validate.ordered", model=name, version=version)
        return operation.job_outcome(name, version, job_id)

    return write(ctx, caller, f"validate {name} {version}", body, act)


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
