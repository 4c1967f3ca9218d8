"""`nivesh drift` and scripts/check_drift.py: exit codes that a schedule can act on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from backend_api.catalog import Catalog
from ops.cli import app
from tests.conftest import Backend
from tests.makers import INTENT, Registry
from tests.profiles import Counted, number, profile

ROOT = Path(__file__).resolve().parents[2]
HIGHER = [0, 5, 10, 15, 20, 30, 60, 90, 150, 250, 370, 0, 0, 0]
SOME = [0, 60, 60, 70, 80, 90, 100, 110, 120, 150, 160, 0, 0, 0]


@pytest.fixture
def counted(
    backend: Backend, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Counted:
    """v1.1.0 in production with a reference, and a terminal that knows the backend."""
    monkeypatch.setenv("NIVESH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BACKEND_URL", backend.url)
    monkeypatch.setenv("NIVESH_TOKEN", backend.token("viewer"))
    Registry(backend.engine, catalog).promoted("v1.1.0")
    return Counted(backend.engine, profile(number("words"), number("[characters]")))


def nivesh(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.mark.parametrize(
    ("counts", "rows", "code", "word"),
    [(None, 800, 0, "NONE"), (SOME, 800, 10, "MEDIUM"), (HIGHER, 800, 20, "HIGH"),
     (None, 188, 30, "INSUFFICIENT")],
)  # fmt: skip
def test_the_exit_code_says_the_state(
    counted: Counted, counts: list[int] | None, rows: int, code: int, word: str
) -> None:
    counted.day(1, rows, **({"words": counts} if counts else {}))
    done = nivesh("drift", INTENT, "--days", "7")
    assert done.exit_code == code, done.output
    assert f"{word}: " in done.stdout
    assert "[characters]" in done.stdout
    if rows == 188:
        assert "312 more are needed to say" in done.stdout


def test_every_number_is_there_as_json(counted: Counted) -> None:
    counted.day(1, words=HIGHER)
    done = nivesh("drift", INTENT, "--days", "7", "--json")
    # The backend of the test logs into the same output.
    found = json.loads(done.stdout[done.stdout.index("{\n") :])
    assert (done.exit_code, found["state"]) == (20, "high")
    assert [score["name"] for score in found["scores"]] == [f.name for f in counted.made.features]


def test_what_cannot_be_asked_is_another_code(counted: Counted) -> None:
    for arguments, says, code in (
        ((INTENT,), "answered nothing on", 1),
        (("horoscope",), "There is no model 'horoscope'.", 1),
        ((INTENT, "--against", "yesterday"), "", 2),
    ):
        done = nivesh("drift", *arguments)
        assert (done.exit_code, says in done.stderr) == (code, True), done.output


def test_the_script_of_the_runbook_does_the_same(counted: Counted) -> None:
    counted.day(1, words=HIGHER)
    done = subprocess.run(
        [sys.executable, "scripts/check_drift.py", "--model", INTENT, "--days", "7"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 20, done.stderr
    assert "words moved by" in done.stdout
