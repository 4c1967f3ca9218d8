"""Labels, accuracy, export and incidents from a terminal, on a real backend."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from backend_api import db, spans, watch
from backend_api.catalog import Catalog
from backend_api.states import Role
from console import label_file
from ops.cli import app
from ops.settings import PROJECT
from tests.conftest import Backend
from tests.labelled import Log, sheet
from tests.makers import INTENT, Registry

Nivesh = Callable[..., Result]


@pytest.fixture
def log(backend: Backend, catalog: Catalog) -> Log:
    """v1.1.0 is in production and gave 60 answers yesterday."""
    registry = Registry(backend.engine, catalog)
    registry.promoted("v1.0.0")
    registry.promoted("v1.1.0")
    made = Log(backend.engine)
    noon = spans.floor(db.now(), timedelta(days=1)) - timedelta(hours=12)
    made.answered(noon, [{"intent": "savings"}] * 60)
    return made


@pytest.fixture
def nivesh(backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nivesh:
    """Runs the command as whoever the role's token says."""
    monkeypatch.setenv("NIVESH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BACKEND_URL", backend.url)

    def run(*arguments: str, role: Role = Role.ONCALL) -> Result:
        monkeypatch.setenv("NIVESH_TOKEN", backend.token(role))
        return CliRunner().invoke(app, arguments)

    return run


def count(backend: Backend, catalog: Catalog, hours: float) -> None:
    """What the watch does until all is counted."""
    for _ in range(10):
        with db.transaction(backend.engine, "watch") as session:
            now = db.now() + timedelta(hours=hours)
            watch.review_accuracy(session, catalog.get(INTENT), INTENT, now)


def test_labels_are_added_accuracy_is_told_and_an_incident_taken_on(
    nivesh: Nivesh, log: Log, backend: Backend, catalog: Catalog, tmp_path: Path
) -> None:
    count(backend, catalog, 0)
    file = tmp_path / "labels.csv"
    file.write_bytes(sheet([*((one, "credit_score") for one in log.ids[:50]), ("x", "savings")]))
    added = nivesh("labels", "add", str(file), role=Role.ANALYST)
    assert added.exit_code == 1
    assert "50 labels were taken" in added.stdout
    assert "Line 52: 'x' is no prediction id" in added.stderr
    count(backend, catalog, 1)
    told = nivesh("accuracy", INTENT, role=Role.VIEWER)
    assert told.exit_code == 3
    assert "MISSED" in told.stdout
    assert "It has fallen: it was 99.40 %, accuracy of v1.1.0 when it was trained." in told.stdout
    # The test's backend logs into the same output.
    printed = nivesh("accuracy", INTENT, "--json", role=Role.VIEWER).stdout
    whole = json.loads(printed[printed.index("{\n") :])
    assert whole["latest"]["right"] == 0
    found = nivesh("incidents", role=Role.VIEWER)
    assert "Intent Classifier is right less often than it was" in found.stdout
    number = whole["incident"]["id"]
    assert (
        "may not acknowledge" in nivesh("incident", "acknowledge", number, role=Role.ANALYST).stderr
    )
    taken = nivesh("incident", "acknowledge", number, "--reason", "asking the branch")
    assert "The incident is acknowledged" in taken.stdout
    assert "asking the branch" in nivesh("incident", "show", number).stdout
    assert nivesh("incident", "resolve", number).exit_code == 0
    assert "No incident is open." in nivesh("incidents").stdout


def test_a_part_without_a_good_row_does_not_end_a_file(
    nivesh: Nivesh, log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_file, "PART_ROWS", 20)
    gone = [uuid4() for _ in range(20)]
    file = tmp_path / "labels.csv"
    file.write_bytes(sheet([(one, "savings") for one in (*log.ids[:20], *gone, *log.ids[20:40])]))
    for told in ("40 labels were taken, 20 rows were left out.",
                 "0 labels were taken, 40 were there already, 20 rows were left out."):  # fmt: skip
        added = nivesh("labels", "add", str(file), role=Role.ANALYST)
        assert added.exit_code == 1
        assert told in " ".join(added.stdout.split())
        named = [line for line in added.stderr.splitlines() if line.startswith("Line ")]
        assert [line.split(":")[0] for line in named] == [f"Line {n}" for n in range(22, 42)]
    assert sum(label is not None for label in log.column("label").values()) == 40
    file.write_bytes(sheet([(one, "savings") for one in (*gone, *gone, "x")]))
    refused = nivesh("labels", "add", str(file), role=Role.ANALYST)
    assert (refused.exit_code, "No label was taken. Line 2: " in refused.stderr) == (1, True)


def test_a_file_that_is_not_there_is_a_sentence(nivesh: Nivesh, log: Log) -> None:
    done = nivesh("labels", "add", "nowhere.csv")
    assert (done.exit_code, "cannot be read" in done.stderr) == (1, True)


def test_predictions_are_exported_whole_or_not_at_all(
    nivesh: Nivesh, log: Log, tmp_path: Path
) -> None:
    out = tmp_path / "intents.jsonl"
    done = nivesh("export-predictions", INTENT, "--days", "30", "--out", str(out))
    assert done.exit_code == 0, done.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert {row["prediction_id"] for row in rows} == {str(one) for one in log.ids}
    printed = nivesh("export-predictions", INTENT).stdout.splitlines()
    assert sum(line.startswith('{"prediction_id"') for line in printed) == 60
    table = tmp_path / "intents.csv"
    nivesh("export-predictions", INTENT, "--out", str(table), "--labelled")
    assert table.read_text().startswith("prediction_id,predicted_at,")
    other = tmp_path / "refused.jsonl"
    refused = nivesh("export-predictions", INTENT, "--out", str(other), role=Role.VIEWER)
    assert refused.exit_code == 1
    assert "may not read predictions with their inputs" in refused.stderr
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["intents.csv", "intents.jsonl"]


def test_the_runbooks_script_does_the_same(log: Log, backend: Backend, tmp_path: Path) -> None:
    env = {
        "PATH": "/usr/bin:/bin", "PYTHONPATH": str(PROJECT), "NIVESH_HOME": str(tmp_path / "home"),
        "BACKEND_URL": backend.url, "NIVESH_TOKEN": backend.token(Role.ANALYST),
    }  # fmt: skip
    script = PROJECT / "scripts" / "export_production_data.py"
    done = subprocess.run(
        [sys.executable, str(script), "--days", "30"], env=env, cwd=tmp_path, check=False,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / f"{INTENT}_production.jsonl").read_text().splitlines()) == 60
