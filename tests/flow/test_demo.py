"""The demonstration, from a fresh home to a rollback: trained, asked, approved, served."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from mlflow import MlflowClient
from sqlalchemy import text

from backend_api import db
from backend_api.identity import accounts
from console.client import Backend
from ops import caller
from ops.demo import run
from ops.settings import PROJECT
from ops.stack import record
from ops.stack.home import Home
from tests.makers import INTENT, wait_until
from tests.stack import Stack

# Five trainings, behind everything else in line for the processor.
pytestmark = [pytest.mark.flow, pytest.mark.timeout(900)]


def any_model_passes(file: Path) -> Path:
    """models.yaml without bars: quick trainings serve here, and only their way is tested."""
    content = yaml.safe_load((PROJECT / "models.yaml").read_text(encoding="utf-8"))
    for model in content["models"].values():
        for criterion in model["criteria"]:
            criterion["value"] = -1.0 if criterion["op"].startswith(">") else 2.0
        model["validation"] |= {"confidence_floor": 0.0, "p95_limit_ms": 5000}
        for case in model["validation"]["cases"]:
            case["expect"] = {}
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of its own on which the demonstration was carried out."""
    folder = tmp_path_factory.mktemp("demo")
    models = any_model_passes(folder / "models.yaml")
    stack = Stack(Home.at(folder / "home"), MODELS_FILE=str(models), WATCH_SECONDS="1")
    try:
        stack.start()
        with db.transaction(stack.engine, "tests") as session:
            accounts.ensure_first(session, "embedded", db.now())
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("NIVESH_HOME", str(stack.home.path))
            patch.delenv(caller.TOKEN, raising=False)
            plan = [replace(lesson, quick=True) for lesson in run.lessons(_known(models))]
            run.carry_out(plan, stack.home, record.load(stack.home))
        yield stack
    finally:
        stack.close()


def _known(models: Path) -> list[str]:
    return list(yaml.safe_load(models.read_text(encoding="utf-8"))["models"])


def in_production(backend: Backend) -> dict[str, str | None]:
    return {
        d.model_name: d.desired.production if d.desired else None for d in backend.deployments()
    }


def test_all_four_are_in_production_on_every_worker_by_two_who_are_not_one(demo: Stack) -> None:
    backend = demo.as_role("viewer")
    found = backend.deployments()
    assert {d.model_name: d.desired and d.desired.production for d in found} == {
        INTENT: "v1.1.0", "financial_ner": "v1.0.0", "credit_risk": "v1.0.0",
        "anomaly_detection": "v1.0.0",
    }  # fmt: skip
    wait_until(lambda: all(d.agrees for d in backend.deployments()), 30, "all workers agree")
    with demo.engine.connect() as connection:
        pairs = connection.execute(text("SELECT requested_by, decided_by FROM promotions")).all()
        live = connection.scalar(
            text("SELECT count(*) FROM tokens WHERE name LIKE 'demo-%' AND revoked_at IS NULL")
        )
    assert len(pairs) == 5
    assert all("demo-analyst" in asked and decided == "lead" for asked, decided in pairs)
    assert live == 0


def test_mlflow_and_the_ledger_tell_the_same(demo: Stack) -> None:
    client = MlflowClient(demo.variables["MLFLOW_TRACKING_URI"])

    def mirrored() -> bool:
        version = client.get_registered_model(INTENT).aliases.get("production")
        return version == "2" and client.get_model_version(INTENT, "1").current_stage == "Archived"

    wait_until(mirrored, 30, "MLflow names the second version")
    done = demo.nivesh("audit", "verify")
    assert done.returncode == 0, done.stderr


def test_a_second_time_does_nothing(demo: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIVESH_HOME", str(demo.home.path))
        run.demonstrate(demo.home, record.load(demo.home))
    assert "serve already" in capsys.readouterr().out


def test_traffic_is_answered_by_all_four_and_logged(demo: Stack) -> None:
    done = demo.nivesh("traffic", "--rate", "40", "--minutes", "0.1")
    assert done.returncode == 0, done.stdout + done.stderr
    logged = text("SELECT count(DISTINCT model_name) FROM model_predictions WHERE status = 'ok'")

    def all_logged() -> bool:
        with db.transaction(demo.engine, None) as session:
            return session.scalar(logged) == 4

    wait_until(all_logged, 30, "predictions of all four are in the log")


def test_a_rollback_from_the_terminal_with_almost_everything_down(demo: Stack) -> None:
    with demo.without("backend", "worker", "console", "mlflow", "redis"):
        done = demo.nivesh("rollback", INTENT, "--reason", "p95 doubled since 03:10")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{INTENT} goes back from v1.1.0 to v1.0.0" in done.stdout
    assert "All 2 workers serve it" in done.stdout
    backend = demo.as_role("viewer")
    wait_until(lambda: in_production(backend)[INTENT] == "v1.0.0", 30, "the backend says so too")
    assert backend.deployment(INTENT).hold is not None
