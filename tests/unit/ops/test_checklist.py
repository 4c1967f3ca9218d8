"""The pre-deployment checklist: what each check says, and the way out."""

import shutil
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from ops.checklist import files, machine, servers
from ops.checklist.finding import BAD, GOOD, NOTE
from ops.settings import OpsSettings
from ops.stack.environment import Real
from ops.stack.home import Home
from ops.stack.ports import any_free
from ops.stack.postgres import place
from ops.stack.record import Record

NOWHERE = Real("postgresql://u:p@127.0.0.1:9/x", "http://127.0.0.1:9", "127.0.0.1", 9, None)
EMBEDDED = Real(None, None, None, 6379, None)


def test_a_library_of_another_version_is_named_with_the_way_out(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"# comment\nrich=={version('rich')}\ntyper==0.0.1\nno-such-thing==1.0\n")
    found = machine.locked(lock)
    assert found.state == BAD
    assert f"typer {version('typer')}, no-such-thing missing" in found.sentence
    assert "pip install -r requirements.lock" in found.way_out
    lock.write_text(f"rich=={version('rich')}\n")
    assert machine.locked(lock).state == GOOD


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home, whose database folder may lie elsewhere."""
    made = Home.at(tmp_path)
    yield made
    shutil.rmtree(place.place(made).folder)


def test_dead_servers_that_were_named_are_bad_and_name_their_variable(home: Home) -> None:
    for found, variable in (
        (servers.postgres(home, NOWHERE), "DATABASE_URL"),
        (servers.mlflow(NOWHERE), "MLFLOW_TRACKING_URI"),
        (servers.feature_store(NOWHERE), "REDIS_HOST"),
    ):
        assert found.state == BAD
        assert "does not answer" in found.sentence
        assert f"unset {variable}" in found.way_out


def test_embedded_servers_can_be_started_here(home: Home) -> None:
    for found in (
        servers.postgres(home, EMBEDDED), servers.mlflow(EMBEDDED), servers.feature_store(EMBEDDED),
    ):  # fmt: skip
        assert (found.state, found.sentence.startswith("Embedded")) == (GOOD, True)


def test_compose_wants_what_its_file_refuses_to_start_without(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    absent = files.compose(dotenv=dotenv)
    assert absent.state == NOTE
    assert "POSTGRES_PASSWORD" in absent.way_out
    names = ("POSTGRES_PASSWORD", "INFERENCE_ADMIN_TOKEN", "OIDC_CLIENT_SECRET")
    dotenv.write_text("\n".join(f"{name}=x" for name in names) + "\nCONSOLE_COOKIE_SECRET=\n")
    assert files.compose(dotenv=dotenv).sentence == ".env lacks CONSOLE_COOKIE_SECRET."
    dotenv.write_text("\n".join(f"{name}=x" for name in (*names, "CONSOLE_COOKIE_SECRET")))
    assert files.compose(dotenv=dotenv).state == GOOD


def test_a_catalogue_that_is_not_understood_names_the_place(tmp_path: Path) -> None:
    file = tmp_path / "models.yaml"
    file.write_text("models: {intent_classifier: {titel: x}}")
    found = files.models(OpsSettings(MODELS_FILE=file))
    assert found.state == BAD
    assert "titel" in found.sentence
    assert files.models(OpsSettings(MODELS_FILE=tmp_path / "none.yaml")).state == BAD


def test_without_a_database_there_is_nothing_to_say_of_models(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert servers.migrations(Record()).state == NOTE
    assert servers.models(OpsSettings(), Record()).state == NOTE


def test_ports_that_a_start_wants_are_free_or_named() -> None:
    ports = {f"{name}_PORT": any_free() for name in ("BACKEND", "INFERENCE", "CONSOLE")}
    assert machine.ports(OpsSettings(NIVESH_PORTS="auto"), Record()).state == GOOD
    doubled = OpsSettings(**{**ports, "CONSOLE_PORT": ports["BACKEND_PORT"]})
    assert machine.ports(doubled, Record()).state == BAD
