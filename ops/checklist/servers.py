"""Checks of what a running stack needs, or has: servers, migrations, models."""

import os
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

import backend_api
from backend_api import catalog as catalogs
from backend_api import db
from backend_api.errors import ConsoleError
from ops.checklist.finding import BAD, GOOD, NOTE, Finding
from ops.errors import OpsError
from ops.settings import OpsSettings
from ops.stack import redis
from ops.stack.environment import Real
from ops.stack.home import Home
from ops.stack.launch import is_running
from ops.stack.postgres import place, server
from ops.stack.probe import answers
from ops.stack.record import Record

MIGRATIONS = Path(backend_api.__file__).parent / "migrations"
# Runbook, "Environment Variables".
VARIABLES = (
    "DATABASE_URL", "MLFLOW_TRACKING_URI", "REDIS_HOST", "MODEL_STORAGE_BACKEND", "GOOGLE_API_KEY",
)  # fmt: skip


def variables(settings: OpsSettings) -> Finding:
    """Which of the runbook's variables are set; each has a default that runs everything here."""
    chosen = [name for name in VARIABLES if os.environ.get(name)]
    told = f"Set: {', '.join(chosen)}." if chosen else "None of the runbook's variables is set."
    if "DATABASE_URL" in chosen:
        return Finding("Variables", GOOD, told)
    here = f"What is not set runs here, in {settings.nivesh_home}."
    return Finding("Variables", GOOD, f"{told} {here}")


def postgres(home: Home, outside: Real) -> Finding:
    """The server that is named answers; or the embedded one can be started."""
    try:
        if outside.database_url is not None:
            return Finding("PostgreSQL", GOOD, f"{server.check(outside.database_url)} answers.")
        where = place.place(home)
    except OpsError as error:
        return Finding("PostgreSQL", BAD, error.message, error.hint)
    return Finding("PostgreSQL", GOOD, f"Embedded, in {where.folder}.")


def feature_store(outside: Real) -> Finding:
    """The Redis that is named answers; or there is a program for the embedded one."""
    if outside.redis_host is None:
        try:
            return Finding("Redis", GOOD, f"Embedded, by {redis.program()}.")
        except OpsError as error:
            return Finding("Redis", BAD, error.message, error.hint)
    where = f"{outside.redis_host}:{outside.redis_port}"
    if redis.ping(outside.redis_host, outside.redis_port):
        return Finding("Redis", GOOD, f"{where} answers.")
    return Finding("Redis", BAD, f"{where} does not answer.", "Start it, or unset REDIS_HOST.")


def mlflow(outside: Real) -> Finding:
    """The MLflow server that is named answers."""
    uri = outside.mlflow_tracking_uri
    if uri is None:
        return Finding("MLflow", GOOD, "Embedded.")
    if answers(f"{uri}/health"):
        return Finding("MLflow", GOOD, f"{uri} answers.")
    return Finding(
        "MLflow", BAD, f"{uri} does not answer.", "Start it, or unset MLFLOW_TRACKING_URI."
    )


def migrations(record: Record) -> Finding:
    """Whether the database has the newest schema."""
    url = _database(record)
    if url is None:
        return Finding("Migrations", NOTE, "No database runs yet; a start migrates it.")
    newest = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    try:
        applied = server.migrated_to(url)
    except OpsError as error:
        return Finding("Migrations", BAD, error.message, error.hint)
    if applied == newest:
        return Finding("Migrations", GOOD, f"The schema is at {newest}, the newest.")
    return Finding(
        "Migrations", NOTE, f"The schema is at {applied or 'nothing'}; the newest is {newest}.",
        "The backend migrates when it starts.",
    )  # fmt: skip


def _database(record: Record) -> str | None:
    given = os.environ.get("DATABASE_URL")
    return given or (record.environment.get("DATABASE_URL") if is_running(record) else None)


_PRODUCTION = text("""
    SELECT d.model_name, r.version, r.artifact_digest IS NOT NULL AS digested,
        r.metrics ? 'onnx_max_abs_diff' AS onnx
    FROM model_routing d JOIN model_registry r ON r.id = d.production_id
""")


def models(settings: OpsSettings, record: Record) -> Finding:
    """The runbook's "Model Artifacts": trained, registered, over their bars, exported to ONNX."""
    url = _database(record)
    if url is None:
        return Finding("Models", NOTE, "No database runs yet, so none is in production.")
    engine = db.create(url, pool_size=1)
    try:
        return _models(engine, list(catalogs.load(settings.models_file).models))
    except ConsoleError as error:
        return Finding("Models", BAD, error.message, error.hint)
    finally:
        engine.dispose()


def _models(engine: Engine, known: list[str]) -> Finding:
    with db.transaction(engine, None) as session:
        if not session.scalar(text("SELECT to_regclass('model_routing') IS NOT NULL")):
            return Finding("Models", NOTE, "The database has no tables yet; a start makes them.")
        rows = list(session.execute(_PRODUCTION))
    absent = sorted(set(known) - {row.model_name for row in rows})
    bare = [f"{r.model_name} {r.version}" for r in rows if not (r.digested and r.onnx)]
    if bare:
        return Finding(
            "Models", BAD, f"Without a digest or an ONNX check: {', '.join(bare)}.",
            "Train and register it anew; what cannot be checked should not serve.",
        )  # fmt: skip
    if absent:
        return Finding(
            "Models", NOTE, f"Nothing in production for {', '.join(absent)}.",
            "`make up DEMO=1`, or docs/runbook.md, Deploy a model.",
        )  # fmt: skip
    told = ", ".join(f"{row.model_name} {row.version}" for row in rows)
    return Finding("Models", GOOD, f"In production, with digest and ONNX check: {told}.")
