"""References of versions that were not registered here, fetched from their artefacts."""

from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from backend_api.candidate import Reference
from backend_api.db import transaction
from backend_api.errors import BadRequest, NotFound
from backend_api.mlflow_registry import MlflowRegistry
from backend_api.operations import reference
from backend_api.tables import ProfileRow, VersionRow

ACTOR = "watch"


def fetch_missing(engine: Engine, mlflow: MlflowRegistry, model: str, now: datetime) -> None:
    """Look at the artefact of the newest version that nobody has looked at yet.

    Raises:
        Unavailable: MLflow or PostgreSQL does not answer; nothing was noted.
    """
    with transaction(engine, None) as session:
        row = _next(session, model)
    if row is None:
        return
    found = _found(mlflow, row)
    with transaction(engine, ACTOR) as session:
        reference.keep(session, model, row.version, found, "artefact", (row.created_at, now))


def _next(session: Session, model: str) -> VersionRow | None:
    looked_at = select(ProfileRow.version).where(
        ProfileRow.model_name == model, ProfileRow.version == VersionRow.version
    )
    return session.scalar(
        select(VersionRow)
        .where(VersionRow.model_name == model, ~looked_at.exists())
        .order_by(VersionRow.id.desc())
        .limit(1)
    )


def _found(mlflow: MlflowRegistry, row: VersionRow) -> Reference:
    if row.artifact_uri is None and row.mlflow_version is None:
        return Reference(None, "its row names no artefact")
    try:
        return mlflow.reference(
            row.artifact_uri or f"models:/{row.model_name}/{row.mlflow_version}"
        )
    except (NotFound, BadRequest) as error:
        return Reference(None, f"its artefact cannot be fetched ({error.message})")
