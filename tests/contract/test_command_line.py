"""`nivesh` on a real PostgreSQL and a real backend: who acts, what is refused, what is written."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from backend_api import db
from backend_api.catalog import Catalog
from backend_api.identity import passwords, tokens
from backend_api.states import Role
from ops import caller
from ops.cli import app
from ops.commands import decision, promotion
from ops.settings import OpsSettings
from ops.stack.environment import embedded, real
from ops.stack.home import Home
from ops.stack.record import Record
from tests.api.test_history import logged
from tests.conftest import Backend
from tests.makers import INTENT, Registry

Nivesh = Callable[..., Result]
STACK = ("BACKEND_URL", "NIVESH_TOKEN", "MLFLOW_TRACKING_URI", "REDIS_HOST", "INFERENCE_URL")


@pytest.fixture
def nivesh(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nivesh:
    """Runs the command against the test's database, with an empty home and nothing else."""
    for name in STACK:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NIVESH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATABASE_URL", database_url)
    # No inference worker is there to arrive at.
    monkeypatch.setattr(decision, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(promotion, "PATIENCE_SECONDS", 0.2)
    return lambda *arguments: CliRunner().invoke(app, arguments)


@pytest.fixture
def promoted(engine: Engine, catalog: Catalog) -> Registry:
    """Two versions that were in production; the second one is."""
    registry = Registry(engine, catalog)
    registry.promoted("v1.0.0")
    registry.promoted("v1.1.0")
    return registry


def ledger(engine: Engine) -> list[tuple[str, str, str | None]]:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT actor, action, reason FROM ledger ORDER BY seq"))
        return [(row.actor, row.action, row.reason) for row in rows]


def test_rollback_needs_the_database_only_and_says_when_no_worker_is_there(
    nivesh: Nivesh, engine: Engine, promoted: Registry
) -> None:
    done = nivesh("rollback", INTENT, "--reason", "p95 doubled since 03:10")
    assert f"{INTENT} goes back from v1.1.0 to v1.0.0" in done.stdout
    assert done.exit_code == 1
    assert "The decision is written and stands. No inference worker is live." in done.stderr
    assert promoted.production() == "v1.0.0"
    who = f"cli:{caller.user()}"
    assert ledger(engine)[-1] == (who, "model.roll_back", "p95 doubled since 03:10")
    again = nivesh("rollback", INTENT, "--reason", "pressed twice")
    assert again.exit_code == 1
    assert promoted.production() == "v1.0.0"


def test_rollback_without_a_way_back_or_a_reason_changes_nothing(
    nivesh: Nivesh, engine: Engine
) -> None:
    for arguments, says in (
        ((INTENT, "--reason", "p95 doubled"), "nothing in production"),
        (("nope", "--reason", "p95 doubled"), "Known models: anomaly_detection"),
        ((INTENT, "--reason", "x"), "reason: String should have at least 3"),
    ):
        done = nivesh("rollback", *arguments)
        assert done.exit_code == 1
        assert says in done.stderr
    assert ledger(engine) == []


def test_a_dead_database_is_a_sentence(nivesh: Nivesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@127.0.0.1:9/nivesh")
    for command in (("rollback", INTENT, "--reason", "p95 doubled"), ("audit", "verify")):
        done = nivesh(*command)
        assert done.exit_code == 1
        assert "The database does not answer" in done.stderr
        assert "Traceback" not in done.output


def test_an_account_is_added_shown_shut_out_and_let_in_again(
    nivesh: Nivesh, engine: Engine
) -> None:
    added = nivesh("account", "add", "meera", "--role", "lead")
    assert added.exit_code == 0, added.output
    password = added.stdout.split("shown this once: ")[1].strip()
    with engine.connect() as connection:
        stored = connection.scalar(text("SELECT password_hash FROM accounts"))
    assert passwords.matches(stored, password)
    assert nivesh("account", "add", "meera", "--role", "viewer").exit_code == 1
    assert nivesh("account", "disable", "meera").exit_code == 0
    assert "meera" in nivesh("account", "list").stdout
    assert "may sign in as viewer" in nivesh("account", "add", "meera", "--role", "viewer").stdout
    assert nivesh("account", "role", "meera", "--role", "oncall").exit_code == 0
    machine = nivesh("account", "add", "bot", "--role", "machine")
    assert (machine.exit_code, "never a person's" in machine.stderr) == (1, True)
    assert {actor for actor, _, _ in ledger(engine)} == {f"cli:{caller.user()}"}


def test_a_token_is_all_that_its_command_prints_and_worthless_once_revoked(
    nivesh: Nivesh, engine: Engine
) -> None:
    made = nivesh("token", "create", "ci", "--role", "machine", "--days", "9")
    with db.transaction(engine, None) as session:
        assert tokens.verify(session, made.stdout.strip(), db.now()).role == Role.MACHINE
    assert made.stdout.strip() not in nivesh("token", "list").stdout
    assert nivesh("token", "create", "ci", "--role", "machine").exit_code == 1
    assert "a person with an account" in nivesh("token", "create", "x1", "--role", "lead").stderr
    for holder in ((), ("--role", "viewer", "--owner", "meera")):
        assert "either a machine's or" in nivesh("token", "create", "x1", *holder).stderr
    assert "no account nobody" in nivesh("token", "create", "x1", "--owner", "nobody").stderr
    assert nivesh("token", "revoke", "ci").exit_code == 0
    assert "revoked since" in nivesh("token", "revoke", "ci").stderr


def test_audit_names_the_first_row_that_was_altered(
    nivesh: Nivesh, engine: Engine, promoted: Registry
) -> None:
    assert nivesh("audit", "verify").exit_code == 0
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE ledger DISABLE TRIGGER USER"))
        connection.execute(text("GRANT UPDATE ON ledger TO CURRENT_USER"))
        connection.execute(text("UPDATE ledger SET reason = 'another' WHERE seq = 3"))
    broken = nivesh("audit", "verify")
    assert broken.exit_code == 1
    assert "Row 3 is not what was written" in broken.stderr


def test_the_command_line_passes_the_same_gates_as_a_click(
    nivesh: Nivesh, backend: Backend, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(backend.engine, catalog)
    registry.register("v1.0.0")
    monkeypatch.setenv("BACKEND_URL", backend.url)

    def as_token(name: str, role: Role) -> None:
        monkeypatch.setenv("NIVESH_TOKEN", backend.token(role, name))

    as_token("asha", Role.LEAD)
    too_early = nivesh("promote", INTENT, "v1.0.0", "--reason", "fewer wrong intents")
    assert (too_early.exit_code, "only a validated version" in too_early.stderr) == (1, True)
    registry.validated("v1.1.0")
    asked = nivesh("promote", INTENT, "v1.1.0", "--reason", "fewer wrong intents")
    assert asked.exit_code == 0, asked.output
    assert "fewer wrong intents" in nivesh("requests").stdout
    own = nivesh("approve", INTENT, "v1.1.0", "--reason", "looks good")
    assert (own.exit_code, "another lead must approve" in own.stderr) == (1, True)
    as_token("ravi", Role.ONCALL)
    assert "may not approve" in nivesh("approve", INTENT, "v1.1.0", "--reason", "ok?").stderr
    as_token("mina", Role.LEAD)
    approved = nivesh("approve", INTENT, "v1.1.0", "--reason", "looks good")
    assert "is in production" in approved.stdout
    assert registry.production() == "v1.1.0"
    assert "v1.1.0" in nivesh("models").stdout


def test_without_a_token_a_real_backend_is_not_asked(
    nivesh: Nivesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKEND_URL", "http://127.0.0.1:9")
    done = nivesh("models")
    assert (done.exit_code, "NIVESH_TOKEN is not set" in done.stderr) == (1, True)
    monkeypatch.setenv("NIVESH_TOKEN", "nvs_x")
    assert "The backend does not answer" in nivesh("models").stderr


def test_a_user_of_the_embedded_stack_keeps_one_name_and_gets_a_token_while_it_is_good(
    nivesh: Nivesh, engine: Engine, database_url: str, tmp_path: Path
) -> None:
    home = Home.at(tmp_path / "home")
    record = Record(
        environment={"BACKEND_URL": "http://127.0.0.1:9"},
        embedded=embedded(real(OpsSettings(DATABASE_URL=None), Record())),
    )
    first = caller.kept(record, home)
    assert caller.kept(record, home) == first
    name = f"cli-{caller.user()}"
    assert nivesh("token", "revoke", name).exit_code == 0
    second = caller.kept(record, home)
    assert second not in (None, first)
    with db.transaction(engine, None) as session:
        assert tokens.verify(session, second or "", db.now()).username == f"{name}-2"
    assert caller.kept(Record(environment=record.environment), home) is None


def test_fallback_needs_the_database_only_and_is_refused_when_it_is_so_already(
    nivesh: Nivesh, engine: Engine, promoted: Registry
) -> None:
    done = nivesh("fallback", INTENT, "--on", "--reason", "drift since 02:00")
    assert f"{INTENT} is answered by rules, no version answers." in done.stdout
    assert "The decision is written and stands. No inference worker is live." in done.stderr
    assert ledger(engine)[-1] == (f"cli:{caller.user()}", "fallback.on", "drift since 02:00")
    again = nivesh("fallback", INTENT, "--on", "--reason", "pressed twice")
    assert "is answered by rules already since" in again.stderr
    ended = nivesh("fallback", INTENT, "--off", "--reason", "cause found")
    assert f"{INTENT} is answered by its versions again." in ended.stdout
    assert nivesh("fallback", INTENT, "--reason", "which one").exit_code == 2


def test_a_shadow_is_begun_told_of_and_ended_as_whoever_the_token_says(
    nivesh: Nivesh, backend: Backend, promoted: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKEND_URL", backend.url)
    promoted.register("v1.2.0")
    monkeypatch.setenv("NIVESH_TOKEN", backend.token(Role.LEAD, "asha"))
    assert "has nothing in the shadow" in nivesh("shadow", INTENT).stdout
    begun = nivesh("shadow", INTENT, "v1.2.0", "--share", "20", "--reason", "compare first")
    assert "20 % of the requests" in begun.stdout, begun.stderr
    assert "No pair of answers was logged yet." in nivesh("shadow", INTENT).stdout
    ended = nivesh("shadow", INTENT, "--off", "--reason", "enough seen")
    assert "no request is mirrored" in ended.stdout, ended.stderr
    assert nivesh("shadow", INTENT, "--off", "--reason", "once more").exit_code == 1


def test_the_past_is_told_and_taken_away_as_json(
    nivesh: Nivesh, backend: Backend, promoted: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKEND_URL", backend.url)
    monkeypatch.setenv("NIVESH_TOKEN", backend.token(Role.ANALYST, "asha"))
    before = db.now()
    promoted.roll_back()
    at = before.replace(tzinfo=None).isoformat(" ")
    then = nivesh("history", "--model", INTENT, "--at", at)
    assert "v1.1.0 was in production and answered every request." in then.stdout, then.stderr
    assert "asha asked for v1.1.0, ravi approved it" in then.stdout
    now = nivesh("history", "--model", INTENT)
    assert "v1.0.0 was in production" in now.stdout
    assert "omar" in now.stdout
    # The test's backend logs into the same output.
    printed = nivesh("history", "--json").stdout
    whole = json.loads(printed[printed.index("[\n") :])
    assert [one["model_name"] for one in whole if one["hold"]] == [INTENT]
    assert "is no moment" in nivesh("history", "--at", "yesterday").stderr

    found = nivesh("answered", str(logged(backend, "v1.0.0", "production")))
    assert "v1.0.0 answered as production in 4.2 ms" in found.stdout, found.stderr
    assert 'Asked: {"query": "my salary"}' in found.stdout
    assert "is no prediction id" in nivesh("answered", "R").stderr
    monkeypatch.setenv("NIVESH_TOKEN", backend.token(Role.VIEWER, "vera"))
    barred = nivesh("answered", str(logged(backend, "v1.0.0", "production")), "--json")
    assert json.loads(barred.stdout[barred.stdout.index("{\n") :])["withheld"]
    assert "my salary" not in barred.stdout
