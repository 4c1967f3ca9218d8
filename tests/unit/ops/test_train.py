"""`nivesh train` hands over to the model's own training, and its exit code back."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.cli import app

NO_TRACKING = 3


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIVESH_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_an_unknown_model_is_told_which_ones_there_are() -> None:
    done = CliRunner().invoke(app, ["train", "weather"])
    assert (done.exit_code, "Known models: anomaly_detection" in done.stderr) == (1, True)


def test_without_a_stack_there_is_nowhere_to_log_to() -> None:
    done = CliRunner().invoke(app, ["train", "credit_risk"])
    assert done.exit_code == 1
    assert "MLFLOW_TRACKING_URI is not set" in done.stderr


def test_the_trainings_own_verdict_is_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    done = CliRunner().invoke(app, ["train", "credit_risk", "--quick"])
    assert done.exit_code == NO_TRACKING
