"""Rules in place of versions: chosen, by themselves, and with everybody else down."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from sqlalchemy import Engine, text

from backend_api import db, deployment, watch
from backend_api.catalog import Catalog
from backend_api.errors import Conflict, StaleView
from backend_api.schemas import Deployment, Fallback, Traffic
from ops.settings import PROJECT
from tests.artefacts import tiny_intent
from tests.inference_process import NOWHERE, Inference
from tests.makers import INTENT, Registry, wait_until

CREDIT = {"monthly_income": 90_000, "proposed_emi": 10_000, "existing_emis": 0}


@pytest.fixture
def registry(engine: Engine, catalog: Catalog, tmp_path: Path) -> Registry:
    """v1.0.0 in production."""
    made = Registry(engine, catalog)
    made.promoted("v1.0.0", **tiny_intent(tmp_path / "one", "retirement_planning"))
    return made


def state(engine: Engine, catalog: Catalog, model: str = INTENT) -> Deployment:
    """Desired and observed state."""
    with db.transaction(engine, "tests") as session:
        return deployment.deployment(session, catalog, model, db.now(), 10)


def traffic(engine: Engine) -> Traffic:
    """What was answered lately, by the log."""
    with db.transaction(engine, "tests") as session:
        return deployment.traffic(session, INTENT, db.now())


def logged(engine: Engine) -> set[tuple[str, str, str, str]]:
    """Model, version, arm and status of what is in the log."""
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT DISTINCT model_name, version, arm, status FROM model_predictions")
        )
        return {(r.model_name, r.version, r.arm, r.status) for r in rows}


def test_rules_that_are_chosen_answer_on_every_worker_until_they_are_ended(
    registry: Registry, inference: Inference, engine: Engine, catalog: Catalog
) -> None:
    wait_until(lambda: state(engine, catalog).agrees, 30, "both workers serve the version")
    registry.fall_back()
    wait_until(lambda: state(engine, catalog).agrees, 10, "both workers acknowledge the rules")
    seen = state(engine, catalog)
    assert [(w.fallback, w.production) for w in seen.observed] == [(True, "v1.0.0")] * 2
    bodies = [inference.predict(user_id=f"u{n}").json() for n in range(10)]
    assert {(b["source"], b["version"], b["arm"], b["intent"]) for b in bodies} == {
        ("fallback", "fallback", "fallback", "loan_affordability")
    }
    assert {b["epoch"] for b in bodies} == {seen.desired.epoch if seen.desired else None}
    # A certain version can still be asked.
    assert inference.predict(version="v1.0.0").json()["intent"] == "retirement_planning"
    wait_until(lambda: traffic(engine).fallbacks == 10, 20, "all of them are logged")
    assert traffic(engine).requests == 0
    assert (INTENT, "fallback", "fallback", "fallback") in logged(engine)
    counted = f'ml_predictions_total{{arm="fallback",model="{INTENT}",version="fallback"}} 10.0'
    assert counted in inference.http.get("/metrics").text
    # The choice outlives a restart, and the service says whose answers these are.
    inference.stop()
    inference.start()
    assert inference.predict().json()["source"] == "fallback"
    (model,) = inference.http.get("/models").json()["models"]
    assert model["fallback"] is True
    registry.fall_back(on=False)
    wait_until(lambda: state(engine, catalog).agrees, 10, "both workers serve the version again")
    body = inference.predict().json()
    assert (body["version"], body["intent"]) == ("v1.0.0", "retirement_planning")
    assert "source" not in body


def test_rules_answer_where_no_version_can_be_loaded_and_may_be_chosen_then(
    serve: Callable[..., Inference], engine: Engine, catalog: Catalog, tmp_path: Path
) -> None:
    registry = Registry(engine, catalog)
    columns = tiny_intent(tmp_path / "bad", "out_of_scope")
    (tmp_path / "bad" / "golden.json").write_text("[]")
    registry.promoted("v1.0.0", **columns)
    inference = serve(INFERENCE_WORKERS="1")
    body = inference.predict().json()
    assert (body["source"], body["intent"]) == ("fallback", "loan_affordability")

    def told() -> bool:
        seen = state(engine, catalog).observed
        return bool(seen and seen[0].fallback and "altered" in str(seen[0].error))

    wait_until(told, 20, "the worker says that rules answer, and why")
    assert not state(engine, catalog).agrees
    registry.fall_back()
    wait_until(lambda: state(engine, catalog).agrees, 10, "rules are what was decided")


def test_with_postgresql_down_and_nothing_loaded_rules_answer_and_others_say_no(
    tmp_path: Path, database_url: str
) -> None:
    port = database_url.rsplit(":", 1)[1].split("/")[0]
    models = yaml.safe_load((PROJECT / "models.yaml").read_text())
    models["models"]["anomaly_detection"]["fallback"] = "manual"
    del models["models"]["financial_ner"]["fallback"]
    file = tmp_path / "models.yaml"
    file.write_text(yaml.safe_dump(models))
    started = Inference(
        tmp_path, database_url.replace(f":{port}/", ":9/"), INFERENCE_WORKERS="1",
        MODELS_FILE=str(file), MLFLOW_TRACKING_URI=NOWHERE,
    )  # fmt: skip
    try:
        started.start()
        assert started.predict().json()["source"] == "fallback"
        credit = started.http.post("/predict/credit-risk", json=CREDIT).json()
        assert (credit["risk_band"], credit["version"]) == ("medium", "fallback")
        assert "let a person decide" in credit["advice"]
        for path, row in (("anomaly", {"amount": 1, "hour": 1}), ("ner", {"text": "hello"})):
            refused = started.http.post(f"/predict/{path}", json=row)
            assert refused.status_code == 503
            assert refused.json()["error"] == "Unavailable"
    finally:
        started.close()


def test_the_decision_is_written_once_with_its_reason(
    registry: Registry, engine: Engine, catalog: Catalog
) -> None:
    with pytest.raises(StaleView, match="by its versions already"):
        registry.fall_back(on=False)
    outcome = registry.fall_back()
    seen = state(engine, catalog)
    assert seen.desired is not None
    assert (seen.desired.fallback, seen.desired.epoch) == (True, outcome.epoch)
    assert isinstance(seen.fallback, Fallback)
    assert (seen.fallback.by, seen.fallback.reason) == ("omar", "made for a test")
    with pytest.raises(StaleView, match="by rules already since"):
        registry.fall_back(by="ravi")
    registry.fall_back(on=False)
    assert state(engine, catalog).fallback is None
    with engine.connect() as connection:
        deeds = connection.execute(
            text("SELECT actor, action, reason FROM ledger WHERE action LIKE 'fallback%'")
        ).all()
    assert [tuple(deed) for deed in deeds] == [
        ("omar", "fallback.on", "made for a test"), ("omar", "fallback.off", "made for a test"),
    ]  # fmt: skip


def test_a_model_without_rules_cannot_be_given_any(engine: Engine, catalog: Catalog) -> None:
    registry = Registry(engine, catalog)
    registry.entry = registry.entry.model_copy(update={"fallback": "none"})
    with pytest.raises(Conflict, match="no rules to answer by"):
        registry.fall_back()


def test_sql_typed_by_hand_chooses_rules_too_and_is_recorded(
    registry: Registry, engine: Engine, catalog: Catalog
) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE models SET fallback_at = now(), fallback_by = 'asha',"
                " fallback_reason = 'drift' WHERE model_name = :m"
            ),
            {"m": INTENT},
        )
    seen = state(engine, catalog)
    assert seen.desired is not None
    assert seen.desired.fallback
    assert seen.desired.changed_by.startswith("sql:")
    with engine.connect() as connection:
        last = connection.scalar(text("SELECT action FROM ledger ORDER BY seq DESC LIMIT 1"))
    assert last == "sql.update models"


def test_a_version_proves_nothing_while_rules_answer(
    registry: Registry, engine: Engine, catalog: Catalog, tmp_path: Path
) -> None:
    registry.validated("v1.1.0", **tiny_intent(tmp_path / "two", "out_of_scope"))
    registry.approve(registry.request("v1.1.0"))
    registry.fall_back()
    verified = text("SELECT verified_at FROM model_registry WHERE version = 'v1.1.0'")

    def look() -> object:
        with db.transaction(engine, "watch") as session:
            session.execute(text("UPDATE model_routing SET observed_epoch = epoch"))
            watch.verify(session, INTENT, db.now(), 0.0)
        with engine.connect() as connection:
            return connection.scalar(verified)

    assert look() is None
    registry.fall_back(on=False)
    assert look() is not None
