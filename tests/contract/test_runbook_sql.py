"""Every SQL statement of the runbook, typed as it is written there."""

import os
import subprocess
from pathlib import Path
from uuid import uuid4

import psycopg2
import psycopg2.errors
import pytest
from sqlalchemy import Engine, text

from backend_api import db, ledger
from backend_api.catalog import Catalog
from ops.stack.postgres.place import wheel_binaries
from tests.conftest import Postgres
from tests.makers import Registry

TABLES = """
SELECT table_name FROM information_schema.tables
WHERE table_schema = 'public'
AND table_name IN ('model_registry', 'model_deployments', 'model_predictions', 'training_datasets');
"""
DEPLOY = """
INSERT INTO model_deployments (model_id, environment, endpoint_url, traffic_percentage, status)
VALUES (
    (SELECT id FROM model_registry WHERE model_name = 'intent_classifier' AND version = 'v1.2.0'),
    'production',
    'http://model-server:8000/predict/intent',
    100,
    'active'
);
"""
CANARY_SHARE = """
    UPDATE model_deployments
    SET traffic_percentage = 10
    WHERE model_id = (SELECT id FROM model_registry
        WHERE model_name = 'intent_classifier' AND version = 'v1.3.0')
    AND environment = 'canary'
"""
SNIPPET = f'''
# Set canary traffic percentage
import psycopg2

conn = psycopg2.connect(DATABASE_URL)
cur = conn.cursor()

cur.execute("""{CANARY_SHARE}""")

conn.commit()
'''
ROLLBACK_TARGETS = """
SELECT version, metrics, deployed_at
FROM model_registry
WHERE model_name = 'intent_classifier'
AND status = 'production'
ORDER BY deployed_at DESC
LIMIT 5;
"""
ROLL_BACK = """
UPDATE model_deployments
SET status = 'rolled_back'
WHERE model_id = (SELECT id FROM model_registry WHERE version = 'v1.3.0');

UPDATE model_deployments
SET status = 'active', traffic_percentage = 100
WHERE model_id = (SELECT id FROM model_registry WHERE version = 'v1.2.0');
"""


def run_tool(name: str, *arguments: str, script: str | None = None) -> str:
    """Run one of PostgreSQL's own programs; its output."""
    done = subprocess.run(
        [wheel_binaries() / name, *arguments],
        input=script, capture_output=True, text=True, timeout=60,
        env={**os.environ, "LANG": "C.UTF-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def psql(database_url: str, script: str) -> str:
    """Run a script as a person would, through psql; each statement commits by itself."""
    return run_tool("psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", database_url, script=script)


def routing(engine: Engine) -> tuple[str | None, str | None, int, str | None, str | None]:
    with engine.connect() as connection:
        row = connection.execute(
            text(
                "SELECT p.version, c.version, d.canary_share, t.version, d.degraded"
                " FROM model_routing d LEFT JOIN model_registry p ON p.id = d.production_id"
                " LEFT JOIN model_registry c ON c.id = d.canary_id"
                " LEFT JOIN model_registry t ON t.id = d.target_id"
            )
        ).one()
    return tuple(row)  # type: ignore[return-value]


@pytest.fixture
def registry(engine: Engine, catalog: Catalog) -> Registry:
    """v1.2.0 in production and verified, v1.3.0 validated."""
    made = Registry(engine, catalog)
    made.promoted("v1.2.0")
    made.validated("v1.3.0")
    return made


def start_canary(engine: Engine, share: int) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO model_deployments"
                " (model_id, environment, endpoint_url, traffic_percentage, status)"
                " SELECT id, 'canary', '/predict/intent', :share, 'active' FROM model_registry"
                " WHERE version = 'v1.3.0'"
            ),
            {"share": share},
        )


def test_the_four_tables_are_there(database_url: str) -> None:
    assert set(psql(database_url, TABLES).split()) == {
        "model_registry",
        "model_deployments",
        "model_predictions",
        "training_datasets",
    }


def test_the_insert_puts_a_version_into_production(
    database_url: str, engine: Engine, catalog: Catalog
) -> None:
    registry = Registry(engine, catalog)
    registry.validated("v1.2.0")
    psql(database_url, DEPLOY)
    assert routing(engine)[0] == "v1.2.0"
    assert registry.status("v1.2.0") == "production"
    psql(database_url, DEPLOY)
    assert registry.status("v1.2.0") == "production", "typed twice it means the same"


def test_the_canary_row_takes_its_share_and_production_the_rest(
    database_url: str, engine: Engine, registry: Registry
) -> None:
    start_canary(engine, 0)
    psql(database_url, CANARY_SHARE)
    assert routing(engine)[:3] == ("v1.2.0", "v1.3.0", 10)


def test_the_hand_typed_rollback_brings_the_old_version_back(
    database_url: str, engine: Engine, registry: Registry
) -> None:
    registry.approve(registry.request("v1.3.0"))
    registry.verify("v1.3.0")
    assert psql(database_url, ROLLBACK_TARGETS).startswith("v1.3.0|")
    first, second = ROLL_BACK.split("\n\n")
    psql(database_url, first)
    production, _, _, _, degraded = routing(engine)
    assert production == "v1.3.0", "half of a rollback keeps the last good one serving"
    assert degraded is not None
    psql(database_url, second)
    production, canary, share, target, degraded = routing(engine)
    assert (production, canary, share, degraded) == ("v1.2.0", None, 0, None)
    assert target != "v1.3.0", "what was rolled back is no way back"
    assert registry.status("v1.3.0") == "rolled_back"


def test_the_rollback_of_a_canary_ends_it(
    database_url: str, engine: Engine, registry: Registry
) -> None:
    start_canary(engine, 10)
    psql(database_url, ROLL_BACK)
    assert routing(engine)[:3] == ("v1.2.0", None, 0)


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        (DEPLOY.replace("v1.2.0", "v1.3.0"), psycopg2.errors.UniqueViolation),
        (DEPLOY.replace("v1.2.0", "v9.9.9"), psycopg2.errors.ForeignKeyViolation),
        (
            "UPDATE model_deployments SET traffic_percentage = 101",
            psycopg2.errors.CheckViolation,
        ),
        (
            "UPDATE model_registry SET status = 'rejected' WHERE version = 'v1.2.0'",
            psycopg2.errors.CheckViolation,
        ),
        ("UPDATE model_registry SET status = 'live'", psycopg2.errors.CheckViolation),
        ("UPDATE ledger SET actor = 'nobody'", psycopg2.errors.InsufficientPrivilege),
        ("DELETE FROM ledger", psycopg2.errors.InsufficientPrivilege),
        ("UPDATE model_routing SET epoch = epoch - 1", psycopg2.errors.InsufficientPrivilege),
        ("DELETE FROM model_routing", psycopg2.errors.InsufficientPrivilege),
        (
            "UPDATE model_registry SET status = 'production' WHERE version = 'v1.3.0'",
            psycopg2.errors.CheckViolation,
        ),
        (
            "UPDATE model_registry SET status = 'archived' WHERE version = 'v1.2.0'",
            psycopg2.errors.CheckViolation,
        ),
        (
            "UPDATE model_registry SET version = 'v2.0.0' WHERE version = 'v1.2.0'",
            psycopg2.errors.CheckViolation,
        ),
        (
            "DELETE FROM model_deployments WHERE environment = 'production'",
            psycopg2.errors.CheckViolation,
        ),
        (
            "UPDATE model_deployments SET environment = 'canary' WHERE environment = 'production'",
            psycopg2.errors.CheckViolation,
        ),
        ("TRUNCATE transitions", psycopg2.errors.InsufficientPrivilege),
    ],
)
def test_the_database_refuses_what_must_never_be(
    database_url: str,
    engine: Engine,
    registry: Registry,
    statement: str,
    error: type[psycopg2.Error],
) -> None:
    before = routing(engine)
    connection = psycopg2.connect(database_url)
    try:
        with pytest.raises(error), connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()
    assert routing(engine) == before


def test_a_rejected_version_is_never_deployed(
    database_url: str, engine: Engine, registry: Registry
) -> None:
    psql(database_url, "UPDATE model_registry SET status = 'rejected' WHERE version = 'v1.3.0';")
    connection = psycopg2.connect(database_url)
    try:
        with (
            pytest.raises(psycopg2.errors.CheckViolation, match=r"v1\.3\.0 was rejected"),
            connection.cursor() as cursor,
        ):
            cursor.execute(
                "INSERT INTO model_deployments"
                " (model_id, environment, endpoint_url, traffic_percentage, status)"
                " SELECT id, 'staging', '/x', 0, 'active' FROM model_registry"
                " WHERE version = 'v1.3.0'"
            )
    finally:
        connection.close()


def test_what_was_typed_is_in_the_ledger_under_the_database_user(
    database_url: str, engine: Engine, registry: Registry
) -> None:
    start_canary(engine, 0)
    psql(database_url, CANARY_SHARE)
    with db.transaction(engine, "reader") as session:
        newest = ledger.page(session, limit=1).entries[0]
        assert ledger.verify(session).intact
    assert newest.actor == "sql:nivesh"
    assert newest.action == "sql.update model_deployments"
    assert newest.version == "v1.3.0"
    assert newest.evidence["was"]["traffic_percentage"] == 0
    assert newest.evidence["is"]["traffic_percentage"] == 10


def test_workers_are_told_of_a_typed_change(database_url: str, registry: Registry) -> None:
    listener = psycopg2.connect(database_url)
    listener.autocommit = True
    try:
        with listener.cursor() as cursor:
            cursor.execute("LISTEN nivesh_routing")
            psql(database_url, ROLL_BACK.replace("v1.3.0", "v0.0.1").replace("v1.2.0", "v1.3.0"))
            cursor.execute("SELECT 1")
        listener.poll()
        assert listener.notifies == [], "the second UPDATE names a version without a row"
        psql(
            database_url,
            "UPDATE model_deployments SET status = 'archived' WHERE environment = 'production';",
        )
        with listener.cursor() as cursor:
            cursor.execute("SELECT 1")
        listener.poll()
        assert '"model" : "intent_classifier"' in listener.notifies[0].payload
    finally:
        listener.close()


def test_the_python_snippet_sets_the_share(
    database_url: str, engine: Engine, registry: Registry
) -> None:
    start_canary(engine, 0)
    namespace: dict[str, object] = {"DATABASE_URL": database_url}
    exec(SNIPPET, namespace)
    assert routing(engine)[:3] == ("v1.2.0", "v1.3.0", 10)
    namespace["conn"].close()  # type: ignore[attr-defined]


def test_a_rollback_typed_as_one_transaction_has_no_in_between(
    database_url: str, engine: Engine, registry: Registry
) -> None:
    registry.approve(registry.request("v1.3.0"))
    psql(database_url, f"BEGIN;{ROLL_BACK}COMMIT;")
    assert routing(engine) == ("v1.2.0", None, 0, None, None)
    with engine.connect() as connection:
        epochs = connection.scalar(text("SELECT epoch FROM model_routing"))
    psql(database_url, f"BEGIN;{ROLL_BACK}ROLLBACK;")
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT epoch FROM model_routing")) == epochs


def test_what_serves_for_want_of_a_row_cannot_be_rejected(
    database_url: str, engine: Engine, registry: Registry
) -> None:
    psql(database_url, ROLL_BACK.split("\n\n")[0].replace("v1.3.0", "v1.2.0"))
    assert routing(engine)[0] == "v1.2.0"
    connection = psycopg2.connect(database_url)
    try:
        with (
            pytest.raises(psycopg2.errors.CheckViolation, match="roll it back first"),
            connection.cursor() as cursor,
        ):
            cursor.execute("UPDATE model_registry SET status = 'rejected'")
    finally:
        connection.close()


def test_a_hold_lifted_by_hand_is_in_the_ledger(
    database_url: str, engine: Engine, registry: Registry
) -> None:
    psql(
        database_url,
        "UPDATE models SET held_at = now(), held_by = 'x', held_reason = 'y';"
        "UPDATE models SET held_at = NULL, held_by = NULL, held_reason = NULL;",
    )
    with db.transaction(engine, None) as session:
        newest = ledger.page(session, limit=1).entries[0]
    assert (newest.actor, newest.action) == ("sql:nivesh", "sql.update models")
    assert newest.evidence["was"]["held_by"] == "x"


def test_a_dump_restores_to_the_same_decision_and_an_intact_ledger(
    database_url: str, engine: Engine, registry: Registry, postgres: Postgres, tmp_path: Path
) -> None:
    psql(database_url, ROLL_BACK.replace("v1.3.0", "v0.0.1").replace("v1.2.0", "v1.3.0"))
    before = routing(engine)
    with db.transaction(engine, None) as session:
        head = ledger.verify(session).head
    dump, name = tmp_path / "nivesh.dump", f"restored_{uuid4().hex[:8]}"
    run_tool("pg_dump", "-Fc", database_url, "-f", str(dump))
    postgres.admin("CREATE DATABASE {} OWNER nivesh", name)
    restored = db.create(postgres.url(name))
    try:
        run_tool("pg_restore", "--no-owner", "--exit-on-error", "-d", postgres.url(name), str(dump))
        assert routing(restored) == before
        with db.transaction(restored, None) as session:
            proof = ledger.verify(session)
        assert (proof.intact, proof.head) == (True, head)
        psql(postgres.url(name), "UPDATE model_deployments SET status = 'archived';")
        assert routing(restored)[4] is not None, "the rules came with the rows"
    finally:
        restored.dispose()
        postgres.admin("DROP DATABASE {} WITH (FORCE)", name)
