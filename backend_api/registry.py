"""Reading the registry: versions, evidence and requests as the wire shows them."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend_api import freezes, slo
from backend_api.catalog import ModelEntry
from backend_api.errors import NotFound
from backend_api.rules.freeze import status
from backend_api.rules.promotion import Evidence
from backend_api.schemas import Plan, Promotion, Transition, Version
from backend_api.states import PromotionStatus, Strategy, VersionStatus
from backend_api.tables import (
    EvaluationRow,
    ModelRow,
    PromotionRow,
    ReplicaModelRow,
    ReplicaRow,
    RoutingRow,
    TransitionRow,
    VersionRow,
)

# A worker silent for longer is no longer counted as one of ours, nor shown.
REMEMBERED = timedelta(minutes=10)


def made_by(session: Session, model: str, tag: str, job_id: UUID) -> str | None:
    """The version that a job has registered already, by the tag that it gives; None if none."""
    found: str | None = session.scalar(
        select(VersionRow.version).where(
            VersionRow.model_name == model, VersionRow.tags[tag].as_string() == str(job_id)
        )
    )
    return found


def version_row(session: Session, model: str, version: str, *, lock: bool = False) -> VersionRow:
    """The row of a version.

    Raises:
        NotFound: no such version; the hint lists the newest ones.
    """
    query = select(VersionRow).where(VersionRow.model_name == model, VersionRow.version == version)
    if lock:
        query = query.with_for_update()
    row = session.scalar(query, execution_options={"populate_existing": lock})
    if row is None:
        known = session.scalars(
            select(VersionRow.version)
            .where(VersionRow.model_name == model)
            .order_by(VersionRow.id.desc())
            .limit(5)
        )
        names = ", ".join(known)
        raise NotFound(
            f"{model} has no version {version}.",
            f"Newest versions: {names}." if names else f"Nothing is registered for {model} yet.",
        )
    return row


def wire_version(row: VersionRow) -> Version:
    """A version as the wire shows it."""
    return Version(
        model_name=row.model_name,
        version=row.version,
        status=VersionStatus(row.status),
        mlflow_version=row.mlflow_version,
        run_id=row.run_id,
        metrics={k: float(v) for k, v in row.metrics.items() if isinstance(v, int | float)},
        artifact_digest=row.artifact_digest,
        description=row.description,
        tags={k: str(v) for k, v in row.tags.items()},
        registered_by=row.registered_by,
        created_at=row.created_at,
        deployed_at=row.deployed_at,
        verified_at=row.verified_at,
        aborted_at=row.aborted_at,
        dataset_id=row.dataset_id,
    )


def wire_promotion(row: PromotionRow) -> Promotion:
    """A promotion request as the wire shows it."""
    return Promotion(
        id=row.id,
        model_name=row.model_name,
        version=row.version.version,
        strategy=Strategy(row.strategy),
        share=row.share,
        breaking=row.breaking,
        plan=Plan.model_validate(row.plan) if row.plan else None,
        supersede=row.supersede,
        status=PromotionStatus(row.status),
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        reason=row.reason,
        evidence=row.evidence,
        evidence_hash=row.evidence_hash,
        expires_at=row.expires_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        decision_reason=row.decision_reason,
        break_glass=row.break_glass,
        review_due_at=row.review_due_at,
        reviewed_by=row.reviewed_by,
        reviewed_at=row.reviewed_at,
        review=row.review,
    )


def transitions(session: Session, model_id: int) -> list[Transition]:
    """A version's changes of status, oldest first."""
    rows = session.scalars(
        select(TransitionRow).where(TransitionRow.model_id == model_id).order_by(TransitionRow.id)
    )
    return [
        Transition(
            from_status=VersionStatus(r.from_status) if r.from_status else None,
            to_status=VersionStatus(r.to_status),
            actor=r.actor,
            at=r.at,
        )
        for r in rows
    ]


def _validation(session: Session, model_id: int) -> dict[str, Any] | None:
    row = session.scalar(
        select(EvaluationRow)
        .where(EvaluationRow.model_id == model_id, EvaluationRow.kind == "validation")
        .order_by(EvaluationRow.id.desc())
        .limit(1)
    )
    if row is None:
        return None
    return {**row.detail, "passed": row.passed, "artifact_digest": row.artifact_digest}


def evidence(
    session: Session, entry: ModelEntry, row: VersionRow, now: datetime, *, breaking: bool,
    supersede: bool = False,
) -> Evidence:  # fmt: skip
    """Everything the gates look at, as it stands now."""
    routing = session.get(RoutingRow, row.model_name, populate_existing=True)
    production = (
        session.get(VersionRow, routing.production_id)
        if routing and routing.production_id
        else None
    )
    model = session.get_one(ModelRow, row.model_name)
    canary = session.get(VersionRow, routing.canary_id) if routing and routing.canary_id else None
    # What a worker that is gone once loaded says nothing of the present artefact.
    loaded = session.execute(
        select(ReplicaModelRow.replica_id, ReplicaModelRow.loaded)
        .join(ReplicaRow, ReplicaRow.replica_id == ReplicaModelRow.replica_id)
        .where(
            ReplicaModelRow.model_name == row.model_name,
            ReplicaRow.stopped_at.is_(None),
            ReplicaRow.heartbeat_at > func.now() - REMEMBERED,
        )
    )
    digests = {
        replica: versions[row.version]["digest"]
        for replica, versions in loaded
        if versions.get(row.version, {}).get("digest")
    }
    return Evidence(
        model_name=row.model_name,
        version=row.version,
        status=row.status,
        metrics=wire_version(row).metrics,
        criteria=[(c.metric, c.op, c.value, c.label) for c in entry.criteria],
        artifact_digest=row.artifact_digest,
        validation=_validation(session, row.id),
        input_schema=row.input_schema,
        production=production.version if production else None,
        production_schema=production.input_schema if production else None,
        breaking=breaking,
        hold=model.held_reason,
        canary=canary.version if canary else None,
        supersede=supersede,
        has_onnx=row.has_onnx,
        staged_digests=digests,
        freeze=status(freezes.windows(session, row.model_name), now),
        budget=slo.budgets(session, entry, row.model_name, now),
    )
