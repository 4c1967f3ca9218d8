"""Variables of the stack: which servers are real, and what a shell gets."""

import os
import subprocess
from pathlib import Path

import pytest

from ops.settings import OpsSettings
from ops.stack import environment, ports
from ops.stack.home import Home
from ops.stack.record import Record

NAMES = ("DATABASE_URL", "MLFLOW_TRACKING_URI", "REDIS_HOST", "PROMETHEUS_URL", "OIDC_ISSUER",
         "OIDC_CLIENT_ID", "INFERENCE_ADMIN_TOKEN")  # fmt: skip


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path / "home")


def built(home: Home, record: Record | None = None) -> tuple[dict[str, str], environment.Real]:
    settings = OpsSettings(NIVESH_PORTS="auto")
    outside = environment.real(settings, record or Record())
    chosen = ports.choose(settings, {})
    return environment.build(settings, home, chosen, home.secrets(), outside), outside


def test_with_nothing_set_everything_points_to_this_stack(home: Home) -> None:
    variables, outside = built(home)
    assert environment.embedded(outside) == [
        "DATABASE_URL", "MLFLOW_TRACKING_URI", "REDIS_HOST", "PROMETHEUS_URL",
    ]  # fmt: skip
    assert variables["DATABASE_URL"].startswith("postgresql://nivesh:")
    assert variables["INFERENCE_ADMIN_TOKEN"] == home.secrets()["inference_admin_token"]
    assert variables["OIDC_ISSUER"].endswith("/oidc")
    assert variables["OIDC_REDIRECT_URIS"].startswith(variables["CONSOLE_URL"] + "/")
    assert variables["DO_NOT_TRACK"] == variables["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_real_servers_win(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@db:5432/nivesh")
    monkeypatch.setenv("REDIS_HOST", "cache")
    monkeypatch.setenv("REDIS_PORT", "6400")
    monkeypatch.setenv("OIDC_ISSUER", "https://login.example")
    variables, outside = built(home)
    assert environment.embedded(outside) == ["MLFLOW_TRACKING_URI", "PROMETHEUS_URL"]
    assert variables["DATABASE_URL"] == "postgresql://u:p@db:5432/nivesh"
    assert (variables["REDIS_HOST"], variables["REDIS_PORT"]) == ("cache", "6400")
    assert variables["OIDC_ISSUER"] == "https://login.example"


def test_a_shell_that_evaluated_nivesh_env_still_means_the_embedded_servers(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables, outside = built(home)
    record = Record(environment=variables, embedded=environment.embedded(outside))
    for name, value in environment.shown(variables).items():
        monkeypatch.setenv(name, value)
    _, again = built(home, record)
    assert environment.embedded(again) == environment.embedded(outside)
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@db:5432/nivesh")
    _, real = built(home, record)
    assert real.database_url == "postgresql://u:p@db:5432/nivesh"


def test_a_shell_reads_the_lines_back_whatever_stands_in_them() -> None:
    odd = {"ONE": 'it\'s $HOME; `id` "x"', "TWO": "", "THREE": "a\nb"}
    lines = "\n".join(environment.lines(odd))
    said = subprocess.run(
        ["sh", "-c", f'{lines}\nprintf %s "$ONE|$TWO|$THREE"'],
        env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert said == f"{odd['ONE']}||{odd['THREE']}"


def test_a_shell_finds_these_programs_first_and_its_own_ones_still() -> None:
    line = environment.path_line([Path("/odd folder/$bin"), Path("/venv/bin")])
    said = subprocess.run(
        ["sh", "-c", f'{line}\nprintf %s "$PATH"'],
        env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert said == f"/odd folder/$bin:/venv/bin:{os.environ['PATH']}"


def test_a_shell_gets_no_secret_of_the_issuer_and_none_of_the_superuser(home: Home) -> None:
    variables, _ = built(home)
    said = "\n".join(environment.lines(environment.shown(variables)))
    secrets = home.secrets()
    for name in ("oidc_client_secret", "cookie_secret", "postgres_password"):
        assert secrets[name] not in said


def test_a_child_asks_loopback_without_a_proxy(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "example.org")
    child = environment.for_child(home, {"X": "1"})
    assert child["NO_PROXY"] == child["no_proxy"] == "example.org,localhost,127.0.0.1"
    assert (child["X"], child[environment.MARK]) == ("1", str(home.path))
