"""What `nivesh status` and its neighbours say of a record, and by which exit code."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ops.cli import app
from ops.commands.status import age
from ops.settings import OpsSettings
from ops.stack import record
from ops.stack.environment import build, embedded, real
from ops.stack.home import Home
from ops.stack.ports import Ports, any_free
from ops.stack.record import Entry, Record
from tests.stack import REAL

Nivesh = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name in REAL:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NIVESH_HOME", str(tmp_path / "home"))
    return Home.at(tmp_path / "home")


@pytest.fixture
def nivesh(home: Home) -> Nivesh:
    return lambda *arguments: CliRunner().invoke(app, arguments)


def running(home: Home, *entries: Entry, **real_ones: str) -> None:
    """A record as this process' supervisor would write it."""
    settings = OpsSettings(**real_ones)
    outside = real(settings, Record())
    ports = Ports(*(any_free() for _ in range(8)))
    record.save(
        home,
        Record(
            state="ready", supervisor=record.this_process(), processes=list(entries),
            environment=build(settings, home, ports, home.secrets(), outside),
            embedded=embedded(outside),
        ),
    )  # fmt: skip


def me(name: str, **changes: object) -> Entry:
    return record.this_process().model_copy(update={"name": name, "state": "ready", **changes})


def test_with_nothing_running_each_command_says_so(nivesh: Nivesh) -> None:
    status = nivesh("status")
    assert (status.exit_code, "Start it with `nivesh up`" in status.stdout) == (3, True)
    env = nivesh("env")
    assert (env.exit_code, env.stdout, "No stack runs here." in env.stderr) == (1, "", True)
    down = nivesh("down")
    assert (down.exit_code, "Nothing runs in" in down.stdout) == (0, True)
    rollback = nivesh("rollback", "intent_classifier", "--reason", "p95 doubled")
    assert (rollback.exit_code, "DATABASE_URL is not set" in rollback.stderr) == (1, True)


def test_all_well_is_exit_code_zero(nivesh: Nivesh, home: Home) -> None:
    running(home, me("worker"), me("redis", restarts=2))
    done = nivesh("status")
    assert done.exit_code == 0, done.output
    assert "worker" in done.stdout


def test_a_process_that_is_gone_or_does_not_answer_is_told(nivesh: Nivesh, home: Home) -> None:
    running(home, me("worker", birth="earlier boot/1"), me("backend", port=any_free()))
    done = nivesh("status")
    assert done.exit_code == 1
    lines = {line.split()[0]: line for line in done.stdout.splitlines()[1:]}
    assert "gone" in lines["worker"]
    assert "no answer" in lines["backend"]


def test_real_servers_are_shown_with_whether_they_answer(nivesh: Nivesh, home: Home) -> None:
    running(
        home, me("worker"), DATABASE_URL="postgresql://u:secret@127.0.0.1:9/nivesh",
        REDIS_HOST="127.0.0.1", REDIS_PORT="9", MLFLOW_TRACKING_URI="http://127.0.0.1:9",
    )  # fmt: skip
    done = nivesh("status")
    assert done.exit_code == 1
    for name in ("PostgreSQL", "Redis", "MLflow"):
        line = next(line for line in done.stdout.splitlines() if name in line)
        assert "no answer" in line
        assert "127.0.0.1:9" in line
    assert "secret" not in done.output


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(0.4, "0 s"), (59, "59 s"), (192, "3 min 12 s"), (3600, "1 h"), (187_200, "2 d 4 h")],
)
def test_ages_have_two_units_at_most(seconds: float, says: str) -> None:
    assert age(seconds) == says
