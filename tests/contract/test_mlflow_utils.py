"""The runbook's functions against a real MLflow server and a real backend."""

import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from mlflow import artifacts
from sqlalchemy import text

from backend_api import db
from backend_api.catalog import Catalog
from backend_api.mirror import mirror
from backend_api.mlflow_registry import MlflowRegistry
from backend_api.operations import version as operation
from shared.artifact import folder_digest, model_folder
from shared.mlflow_utils import (
    MODELS,
    TransitionRefused,
    get_client,
    get_latest_version,
    load_model,
    register_model,
    setup_experiments,
    transition_model_stage,
)
from tests.conftest import Backend
from tests.makers import INTENT, Registry, good_metrics, perform_as
from tests.runs import tiny_run


@pytest.fixture(autouse=True)
def _environment(backend: Backend, mlflow_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that the runbook sets."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
    monkeypatch.setenv("BACKEND_URL", backend.url)
    monkeypatch.setenv("NIVESH_TOKEN", backend.token("analyst"))


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory, mlflow_uri: str, catalog: Catalog
) -> tuple[str, str]:
    """A run that meets the criteria, and its model's address."""
    folder = tmp_path_factory.mktemp("run") / "artefact"
    return tiny_run(folder, mlflow_uri, {**good_metrics(catalog, INTENT), "loss": float("nan")})


@pytest.fixture
def registry(backend: Backend, catalog: Catalog) -> Registry:
    """What decides and mirrors as the backend and the watch do."""
    return Registry(backend.engine, catalog)


def row_of(backend: Backend, version: str) -> dict[str, Any]:
    with db.transaction(backend.engine, None) as session:
        found = session.execute(
            text(
                "SELECT r.*, d.name AS dataset, d.digest, d.uri, d.row_count FROM model_registry r"
                " LEFT JOIN training_datasets d ON d.id = r.dataset_id WHERE version = :v"
            ),
            {"v": version},
        )
        return dict(found.mappings().one())


def register(run: tuple[str, str], version: str) -> str:
    """As in the runbook; MLflow's number of the new version."""
    made = register_model(
        model_name=INTENT,
        model_uri=run[1],
        tags={"version": version, "deployment_date": "2026-01-25"},
        description="Intent classifier with 99.2% accuracy",
    )
    return str(made.version)


def mark_validated(registry: Registry, version: str) -> None:
    """What the worker's job does once the suite has passed."""
    passed = {"passed": True, "detail": {"sentence": "All queries right."}}
    perform_as(
        registry.engine,
        "asha",
        lambda s, o: operation.record_validation(s, o, INTENT, version, **passed),  # type: ignore[arg-type]
    )


def copied(registry: Registry, mlflow_uri: str) -> None:
    """The watch's mirror, once."""
    mirror(registry.engine, MlflowRegistry(mlflow_uri), INTENT, db.now())


def test_setup_experiments_makes_one_for_each_model_and_may_be_repeated() -> None:
    command = "from shared.mlflow_utils import setup_experiments; setup_experiments()"
    subprocess.run([sys.executable, "-c", command], check=True, timeout=120)
    found = setup_experiments()
    assert set(found) == set(MODELS)
    for name, number in found.items():
        assert get_client().get_experiment(number).name == name


def test_runs_are_searched_as_in_the_runbook(run: tuple[str, str], catalog: Catalog) -> None:
    client = get_client()
    runs = client.search_runs(
        experiment_ids=[setup_experiments()[INTENT]], order_by=["metrics.accuracy DESC"]
    )
    best_run = runs[0]
    best = good_metrics(catalog, INTENT)["accuracy"]
    assert best_run.data.metrics["accuracy"] == pytest.approx(best)


def test_a_registered_model_is_described_by_its_run_and_its_bytes(
    backend: Backend, run: tuple[str, str], catalog: Catalog, tmp_path: Path
) -> None:
    number = register(run, "v1.2.0")
    made = get_client().get_model_version(INTENT, number)
    assert made.tags["deployment_date"] == "2026-01-25"
    assert made.description == "Intent classifier with 99.2% accuracy"
    row = row_of(backend, "v1.2.0")
    assert (row["run_id"], str(row["mlflow_version"])) == (run[0], number)
    assert row["metrics"] == good_metrics(catalog, INTENT), "what is not a number is no metric"
    assert row["has_onnx"]
    assert row["input_schema"]["query"]["required"]
    fetched = artifacts.download_artifacts(
        artifact_uri=f"models:/{INTENT}/{number}", dst_path=str(tmp_path)
    )
    assert row["artifact_digest"] == folder_digest(model_folder(Path(fetched)))
    assert (row["dataset"], row["digest"]) == (f"{INTENT}_data", "5" * 64)
    assert (row["uri"], row["row_count"]) == ("generated:tests", 4)


def test_two_versions_of_one_dataset_share_its_row(backend: Backend, run: tuple[str, str]) -> None:
    register(run, "v1.2.0")
    register(run, "v1.3.0")
    one, other = row_of(backend, "v1.2.0"), row_of(backend, "v1.3.0")
    assert one["dataset_id"] == other["dataset_id"] is not None


def test_a_repeat_and_a_crash_in_the_middle_make_no_second_version(
    backend: Backend, mlflow_uri: str, run: tuple[str, str]
) -> None:
    request = {"request_id": str(uuid4()), "reason": "a better one", "model_uri": run[1]}
    # The backend dies after MLflow has made the version and before our own row is written.
    before = MlflowRegistry(mlflow_uri).register(INTENT, run[1], request["request_id"], "", {})
    analyst = backend.client("analyst")
    first = analyst.post(f"/models/{INTENT}/versions", json=request)
    again = analyst.post(f"/models/{INTENT}/versions", json=request)
    assert (first.status_code, again.status_code) == (201, 201), first.text
    assert first.json() == again.json()
    assert row_of(backend, first.json()["version"])["mlflow_version"] == before.mlflow_version
    made = get_client().search_model_versions(
        f"name = '{INTENT}' and tags.`nivesh.request_id` = '{request['request_id']}'"
    )
    assert len(made) == 1


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("runs:/0123456789abcdef0123456789abcdef/model", "MLflow knows no such thing"),
        ("runs:/{run}/elsewhere", "holds no model"),
        ("s3://bucket/model", "names no run's model"),
    ],
)
def test_what_cannot_be_registered_leaves_nothing_behind(
    backend: Backend, run: tuple[str, str], uri: str, says: str
) -> None:
    def versions() -> int:
        return len(get_client().search_model_versions(f"name = '{INTENT}'"))

    register(run, "v1.0.0")
    before = versions()
    with pytest.raises(TransitionRefused, match=says):
        register_model(INTENT, uri.format(run=run[0]))
    assert versions() == before
    with db.transaction(backend.engine, None) as session:
        assert session.scalar(text("SELECT count(*) FROM model_registry")) == 1


def test_a_taken_version_is_refused_before_mlflow_is_touched(run: tuple[str, str]) -> None:
    register(run, "v1.2.0")
    with pytest.raises(TransitionRefused, match="registered already"):
        register(run, "v1.2.0")


def test_staging_loads_it_and_other_stages_are_refused_with_the_reason(
    run: tuple[str, str], registry: Registry
) -> None:
    number = register(run, "v1.2.0")
    staged = transition_model_stage(INTENT, number, "Staging", archive_existing=False)
    assert "workers are loading it" in staged.sentence
    assert registry.status("v1.2.0") == "staging"
    with pytest.raises(ValueError, match="no stage 'Live'"):
        transition_model_stage(INTENT, number, "Live")
    with pytest.raises(TransitionRefused, match="archive_existing=True"):
        transition_model_stage(INTENT, number, "Production")
    with pytest.raises(TransitionRefused, match="archived when another one is promoted"):
        transition_model_stage(INTENT, number, "Archived")
    with pytest.raises(TransitionRefused, match=r"no version 99.*v1\.2\.0"):
        transition_model_stage(INTENT, "99", "Staging")


def test_production_is_asked_for_approved_by_another_mirrored_and_rolled_back(
    run: tuple[str, str], registry: Registry, mlflow_uri: str
) -> None:
    numbers = []
    for version in ("v1.2.0", "v1.3.0"):
        numbers.append(register(run, version))
        transition_model_stage(INTENT, numbers[-1], "Staging")
        mark_validated(registry, version)
        asked = transition_model_stage(INTENT, numbers[-1], "Production", archive_existing=True)
        assert asked.promotion_id is not None
        assert registry.production() != version, "asking is not deciding"
        registry.approve(asked.promotion_id)
        registry.verify(version)
    again = transition_model_stage(INTENT, numbers[1], "Production", archive_existing=True)
    assert "in production already" in again.sentence

    copied(registry, mlflow_uri)
    assert get_latest_version(INTENT, "Production") == numbers[1]
    assert get_latest_version(INTENT, "Archived") == numbers[0]

    with pytest.raises(TransitionRefused, match="may not roll back"):
        transition_model_stage(INTENT, numbers[0], "Production", archive_existing=True)


def test_a_version_that_served_well_is_rolled_back_to_at_once(
    backend: Backend, run: tuple[str, str], registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.promoted("v1.0.0")
    registry.promoted("v1.1.0")
    monkeypatch.setenv("NIVESH_TOKEN", backend.token("oncall"))
    done = transition_model_stage(INTENT, "v1.0.0", "Production", archive_existing=True)
    assert "goes back from v1.1.0 to v1.0.0" in done.sentence
    assert registry.production() == "v1.0.0"


def test_a_loaded_model_answers(run: tuple[str, str], registry: Registry, mlflow_uri: str) -> None:
    number = register(run, "v1.2.0")
    get_client().create_registered_model(empty := f"empty_{uuid4().hex}")
    with pytest.raises(LookupError, match="no version in stage Staging"):
        load_model(empty, "Staging")
    transition_model_stage(INTENT, number, "Staging")
    copied(registry, mlflow_uri)
    model = load_model(INTENT, "Staging")
    (wanted,) = model.metadata.get_input_schema().inputs
    for words in (1, 4, 9):
        ids = np.zeros((2, words, 8), dtype=np.int64)
        (probabilities,) = model.predict({wanted.name: ids}).values()
        assert probabilities.sum(axis=1) == pytest.approx([1.0, 1.0])


def test_a_dead_backend_and_a_missing_token_are_sentences(
    run: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKEND_URL", "http://127.0.0.1:9")
    with pytest.raises(TransitionRefused, match="does not answer, so nothing was changed"):
        register(run, "v1.2.0")
    monkeypatch.delenv("NIVESH_TOKEN")
    with pytest.raises(TransitionRefused, match="NIVESH_TOKEN is not set"):
        register(run, "v1.2.0")
