"""A version's way up to its validation: register, stage, validate, reject."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from backend_api.candidate import RegisteredVersion, TrainingData
from backend_api.errors import Conflict, StaleView
from backend_api.operations import reference
from backend_api.operations.order import Order, locked
from backend_api.registry import version_row
from backend_api.schemas import Outcome, RegisterVersion
from backend_api.states import LEGAL_MOVES, VersionStatus
from backend_api.tables import DatasetRow, DeploymentRow, EvaluationRow, PromotionRow, VersionRow


def next_version(taken: list[str]) -> str:
    """The next minor version after the highest taken one; ``v1.0.0`` is the first."""
    if not taken:
        return "v1.0.0"
    major, minor, _ = max(tuple(int(part) for part in name[1:].split(".")) for name in taken)
    return f"v{major}.{minor + 1}.0"


def choose_version(session: Session, model: str, asked: str | None) -> str:
    """The asked version if it is free, else the next one.

    Raises:
        Conflict: the asked version exists.
    """
    taken = list(session.scalars(select(VersionRow.version).where(VersionRow.model_name == model)))
    if asked is None:
        return next_version(taken)
    if asked in taken:
        raise Conflict(
            f"{model} {asked} is registered already; a version is never overwritten.",
            f"Leave the version out to get {next_version(taken)}.",
        )
    return asked


def _dataset(session: Session, model: str, data: TrainingData) -> int:
    """The row of what a version was trained on; several versions share it."""
    session.execute(
        text(
            "INSERT INTO training_datasets (model_name, name, digest, uri, row_count)"
            " VALUES (:model, :name, :digest, :uri, :rows) ON CONFLICT DO NOTHING"
        ),
        {"model": model, **asdict(data)},
    )
    return session.scalars(
        select(DatasetRow.id).where(
            DatasetRow.model_name == model, DatasetRow.digest == data.digest
        )
    ).one()


def enter(
    session: Session, order: Order, model: str, found: RegisteredVersion, body: RegisterVersion
) -> Outcome:
    """Enter a version that MLflow has, with its reference; its number is chosen under the lock.

    Raises:
        Conflict: the asked version exists.
    """
    locked(session, model)
    row = VersionRow(
        model_name=model,
        version=choose_version(session, model, body.version),
        mlflow_version=found.mlflow_version,
        run_id=found.run_id,
        metrics=found.metrics,
        artifact_digest=found.artifact_digest,
        artifact_uri=found.artifact_uri,
        input_schema=found.input_schema,
        has_onnx=found.has_onnx,
        dataset_id=_dataset(session, model, found.dataset) if found.dataset else None,
        tags=body.tags,
        description=body.description,
    )
    done = register(session, order, model, row)
    reference.keep(session, model, row.version, found.reference, "artefact")
    return done


def register(session: Session, order: Order, model: str, row: VersionRow) -> Outcome:
    """Enter a version whose artefact was fetched and digested."""
    locked(session, model)
    row.registered_by = order.actor
    session.add(row)
    session.flush()
    order.record(
        session,
        "version.register",
        model=model,
        version=row.version,
        evidence={"run_id": row.run_id, "digest": row.artifact_digest, "metrics": row.metrics},
    )
    return Outcome(
        sentence=f"{model} {row.version} is registered.", model_name=model, version=row.version
    )


def must_have_a_run(session: Session, model: str, version: str) -> None:
    """Return if the version was made by a run, whose data and model can be fetched again.

    Raises:
        Conflict: it was registered from none.  NotFound: no such version.
    """
    if version_row(session, model, version).run_id is None:
        raise Conflict(
            f"{model} {version} was registered from no run, so its test rows are not known.",
            "Register a model that a run logged: runs:/RUN_ID/model.",
        )


def expect(row: VersionRow, expected: VersionStatus, target: VersionStatus) -> None:
    """Hold the caller's view and the table of legal moves against the row.

    Raises:
        StaleView: the version is not where the caller saw it.
        Conflict: no such move from here.
    """
    if row.status != expected:
        raise _stale(row, expected)
    if target not in LEGAL_MOVES[VersionStatus(row.status)]:
        raise Conflict(
            f"{row.model_name} {row.version} is {row.status} and cannot become {target}.",
            f"From {row.status}: "
            + (", ".join(sorted(LEGAL_MOVES[VersionStatus(row.status)])) or "nothing"),
        )


def must_be_staged(session: Session, model: str, version: str, expected: VersionStatus) -> None:
    """Return if a version can be validated.

    Raises:
        StaleView: it is not where the caller saw it.
        Conflict: workers do not have it loaded.
    """
    locked(session, model)
    row = version_row(session, model, version, lock=True)
    if row.status != expected:
        raise _stale(row, expected)
    staged = deployment_row(session, model, "staging")
    if staged is None or staged.model_id != row.id:
        raise Conflict(
            f"{model} {version} is {row.status}; only a staged version can be validated.",
            "Stage it first: workers must have it loaded.",
            status=row.status,
        )


def _stale(row: VersionRow, expected: VersionStatus) -> StaleView:
    return StaleView(
        f"{row.model_name} {row.version} is {row.status} by now, not {expected}.",
        "Look at the page again and decide on what it shows.",
        status=row.status,
    )


def put(
    session: Session, row: VersionRow, environment: str, share: int, status: str, url: str
) -> None:
    """Write one deployment row; the database makes it one row per version and slot."""
    session.execute(
        text(
            "INSERT INTO model_deployments"
            " (model_id, environment, endpoint_url, traffic_percentage, status)"
            " VALUES (:id, :environment, :url, :share, :status)"
        ),
        {"id": row.id, "environment": environment, "share": share, "status": status, "url": url},
    )


def end_slot(session: Session, model: str, environment: str, status: str) -> None:
    """Take the active row of a slot out with the given status."""
    session.execute(
        text(
            "UPDATE model_deployments SET status = :status, traffic_percentage = 0"
            " WHERE model_name = :model AND environment = :environment AND status = 'active'"
        ),
        {"model": model, "environment": environment, "status": status},
    )


def stage(
    session: Session, order: Order, model: str, version: str, expected: VersionStatus, url: str
) -> Outcome:
    """Let every worker load the version without giving it traffic."""
    locked(session, model)
    row = version_row(session, model, version, lock=True)
    expect(row, expected, VersionStatus.STAGING)
    # One staged version per model: memory in every worker is what staging costs.
    if (held := deployment_row(session, model, "staging")) and held.model_id != row.id:
        end_slot(session, model, "staging", "archived")
    put(session, row, "staging", 0, "active", url)
    order.record(session, "version.stage", model=model, version=version)
    return Outcome(
        sentence=f"{model} {version} is staged; workers are loading it.",
        model_name=model,
        version=version,
    )


def record_validation(
    session: Session,
    order: Order,
    model: str,
    version: str,
    *,
    passed: bool,
    detail: dict[str, Any],
) -> Outcome:
    """Keep what a validation run found; a passed one makes a staged version validated."""
    locked(session, model)
    row = version_row(session, model, version, lock=True)
    session.add(
        EvaluationRow(
            model_id=row.id,
            kind="validation",
            passed=passed,
            artifact_digest=row.artifact_digest,
            detail=detail,
            created_by=order.actor,
        )
    )
    if passed and row.status == VersionStatus.STAGING:
        row.status = VersionStatus.VALIDATED
    order.record(
        session,
        "version.validate",
        model=model,
        version=version,
        evidence={"passed": passed, **detail},
    )
    return Outcome(sentence=detail["sentence"], model_name=model, version=version)


def reject(
    session: Session, order: Order, model: str, version: str, expected: VersionStatus
) -> Outcome:
    """Refuse a version for good; an open request for it is closed with it."""
    locked(session, model)
    row = version_row(session, model, version, lock=True)
    expect(row, expected, VersionStatus.REJECTED)
    for request in session.scalars(
        select(PromotionRow).where(
            PromotionRow.model_id == row.id, PromotionRow.status == "pending"
        )
    ):
        request.status = "rejected"
        request.decided_by, request.decided_at = order.actor, order.now
        request.decision_reason = order.reason
    row.status = VersionStatus.REJECTED
    order.record(session, "version.reject", model=model, version=version)
    return Outcome(sentence=f"{model} {version} is rejected.", model_name=model, version=version)


def deployment_row(session: Session, model: str, environment: str) -> DeploymentRow | None:
    """The active row of a slot."""
    return session.scalar(
        select(DeploymentRow)
        .where(
            DeploymentRow.model_name == model,
            DeploymentRow.environment == environment,
            DeploymentRow.status == "active",
        )
        .execution_options(populate_existing=True)
    )


def job_outcome(model: str, version: str, job_id: UUID) -> Outcome:
    """Answer of an order that a job carries out."""
    return Outcome(
        sentence=f"{model} {version}: validation is on the queue.",
        model_name=model,
        version=version,
        job_id=job_id,
    )
