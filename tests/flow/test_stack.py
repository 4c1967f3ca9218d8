"""`nivesh up --detach`, looked at, hurt, and taken down: real processes from the command line."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg2
import pytest

from ops.stack import leftovers, redis
from ops.stack.home import Home
from ops.stack.postgres import place
from ops.stack.probe import is_healthy
from ops.stack.record import Record, is_alive, load
from tests.makers import wait_until
from tests.stack import REAL

pytestmark = pytest.mark.flow

NEEDED = {"postgres", "redis", "mlflow", "inference", "backend", "worker", "console"}
UP_SECONDS = 240


@dataclass(frozen=True)
class Terminal:
    """A terminal in one home, on free ports."""

    home: Home

    @property
    def env(self) -> dict[str, str]:
        """As a developer's shell has it, without servers of their own."""
        bare = {name: value for name, value in os.environ.items() if name not in REAL}
        return {**bare, "NIVESH_HOME": str(self.home.path), "NIVESH_PORTS": "auto"}

    def nivesh(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "ops.cli", *arguments], env=self.env, text=True,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=UP_SECONDS, check=False,
        )  # fmt: skip

    def begin(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start the command, and go on."""
        return subprocess.Popen(
            [sys.executable, "-m", "ops.cli", *arguments], env=self.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def record(self) -> Record:
        """What the supervisor says."""
        return load(self.home)

    def left(self) -> list[psutil.Process]:
        """Whatever of this home still runs."""
        return leftovers.find(self.home, self.record())


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A home of its own; nothing of it runs or lies about afterwards."""
    home = Home.at(tmp_path_factory.mktemp("stack") / "home")
    made = Terminal(home)
    yield made
    made.nivesh("down")
    leftovers.end(made.left())
    data = place.place(home).folder
    subprocess.run(["rm", "-rf", str(data)], check=True)


@pytest.fixture(scope="module")
def up(terminal: Terminal) -> "subprocess.CompletedProcess[str]":
    """The first start of the home."""
    return terminal.nivesh("up", "--detach")


def test_up_starts_everything_and_tells_addresses_and_first_accounts(
    terminal: Terminal, up: "subprocess.CompletedProcess[str]"
) -> None:
    assert up.returncode == 0, up.stdout + up.stderr
    record = terminal.record()
    assert {one.name for one in record.processes if one.state == "ready"} >= NEEDED
    assert record.environment["CONSOLE_URL"] in up.stdout
    for role in ("viewer", "analyst", "oncall", "lead", "admin"):
        assert f"({role})" in up.stdout
    again = terminal.nivesh("up", "--detach")
    assert (again.returncode, "It runs already." in again.stdout) == (0, True)
    assert "First accounts" not in again.stdout
    refused = terminal.nivesh("up")
    assert (refused.returncode, "A stack runs already" in refused.stderr) == (1, True)


def test_status_and_doctor_find_nothing_wrong(
    terminal: Terminal, up: "subprocess.CompletedProcess[str]"
) -> None:
    status = terminal.nivesh("status")
    assert status.returncode == 0, status.stdout
    assert all(name in status.stdout for name in NEEDED)
    doctor = terminal.nivesh("doctor")
    assert "The schema is at" in doctor.stdout
    assert "The stack runs and holds its ports." in doctor.stdout


def test_a_shell_works_on_the_stack_with_the_printed_variables(
    terminal: Terminal, up: "subprocess.CompletedProcess[str]"
) -> None:
    printed = terminal.nivesh("env").stdout
    names = ("DATABASE_URL", "REDIS_HOST", "REDIS_PORT", "MLFLOW_TRACKING_URI", "NIVESH_TOKEN")
    asked = " ".join(f'"${name}"' for name in names)
    said = subprocess.run(
        ["sh", "-c", f"{printed}\nprintf '%s\\n' {asked}"], capture_output=True, text=True,
        check=True,
    ).stdout.split()  # fmt: skip
    url, host, port, mlflow, token = said
    connection = psycopg2.connect(url)
    with connection.cursor() as cursor:
        # Runbook, "Verify model registry tables".
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND"
            " table_name IN ('model_registry', 'model_deployments', 'model_predictions',"
            " 'training_datasets')"
        )
        assert len(cursor.fetchall()) == 4
    connection.close()
    # Runbook, "Back up": with a pg_dump that the server takes.
    dumped = subprocess.run(
        ["sh", "-c", f'{printed}\npg_dump "$DATABASE_URL" -t model_registry'],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "COPY public.model_registry" in dumped
    assert redis.ping(host, int(port))
    assert is_healthy("mlflow", int(mlflow.rsplit(":", 1)[1]))
    assert token.startswith("nvs_")
    assert "intent_classifier" in terminal.nivesh("models").stdout


@pytest.mark.parametrize("name", ["redis", "console", "backend"])
def test_a_killed_process_is_brought_back_and_counted(
    name: str, terminal: Terminal, up: "subprocess.CompletedProcess[str]"
) -> None:
    def entry() -> tuple[int, str, int]:
        one = next(one for one in terminal.record().processes if one.name == name)
        return one.pid, one.state, one.restarts

    pid, state, restarts = entry()
    assert state == "ready"
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: entry()[0] != pid and entry()[1:] == ("ready", restarts + 1), 90, "it is up")
    assert is_alive(next(one for one in terminal.record().processes if one.name == name))


def test_what_outlives_a_killed_supervisor_is_told_and_taken_down(
    terminal: Terminal, up: "subprocess.CompletedProcess[str]"
) -> None:
    supervisor = terminal.record().supervisor
    assert supervisor is not None
    os.kill(supervisor.pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(supervisor), 20, "the supervisor is dead")
    assert len(terminal.left()) >= len(NEEDED)
    status = terminal.nivesh("status")
    assert (status.returncode, "The supervisor is gone" in status.stdout) == (1, True)
    down = terminal.nivesh("down")
    assert (down.returncode, "Everything is stopped." in down.stdout) == (0, True)
    assert terminal.left() == []
    assert terminal.nivesh("status").returncode == 3
    assert "Nothing runs" in terminal.nivesh("down").stdout


def test_ctrl_c_in_the_middle_of_a_start_ends_all_of_it(
    terminal: Terminal, up: "subprocess.CompletedProcess[str]"
) -> None:
    command = terminal.begin("up")
    wait_until(lambda: len(terminal.left()) > 2, 60, "some processes run")
    command.send_signal(signal.SIGINT)
    assert command.wait(90) == 0
    assert terminal.left() == []
    assert terminal.record().state == "stopped"


def test_when_the_terminal_is_killed_its_stack_ends_too(
    terminal: Terminal, up: "subprocess.CompletedProcess[str]"
) -> None:
    command = terminal.begin("up")
    wait_until(lambda: terminal.record().state == "ready", UP_SECONDS, "it is up again")
    command.kill()
    command.wait()
    wait_until(lambda: terminal.record().state == "stopped", 90, "its supervisor has stopped")
    wait_until(lambda: terminal.left() == [], 20, "nothing is left")


def test_a_start_that_cannot_be_says_why_and_leaves_nothing(
    terminal: Terminal, tmp_path: Path
) -> None:
    broken = tmp_path / "models.yaml"
    broken.write_text("models: {}\nmodles: {}\n")
    env = {**terminal.env, "MODELS_FILE": str(broken)}
    done = subprocess.run(
        [sys.executable, "-m", "ops.cli", "up", "--detach"], env=env, capture_output=True,
        text=True, timeout=UP_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "modles" in done.stderr
    assert "Traceback" not in done.stderr
    assert terminal.left() == []
