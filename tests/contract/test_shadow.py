"""A version in the shadow: who is mirrored, what is logged, and that nobody notices."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from backend_api import db, deployment
from backend_api.catalog import Catalog
from backend_api.errors import Conflict, StaleView
from backend_api.operations import version as versions
from backend_api.schemas import Deployment
from backend_api.states import VersionStatus
from shared.split import bucket
from tests.artefacts import tiny_intent
from tests.inference_process import Inference
from tests.makers import INTENT, Registry, perform_as, wait_until

USERS = [f"user-{n}" for n in range(60)]


@pytest.fixture
def registry(engine: Engine, catalog: Catalog, tmp_path: Path) -> Registry:
    """v1.0.0 in production, v1.1.0 registered."""
    made = Registry(engine, catalog)
    made.promoted("v1.0.0", **tiny_intent(tmp_path / "one", "retirement_planning"))
    made.register("v1.1.0", **tiny_intent(tmp_path / "two", "out_of_scope", longest=10))
    return made


def state(engine: Engine, catalog: Catalog) -> Deployment:
    """Desired and observed state."""
    with db.transaction(engine, "tests") as session:
        return deployment.deployment(session, catalog, INTENT, db.now(), 10)


def runs(engine: Engine, catalog: Catalog, workers: int) -> bool:
    """Whether the shadow runs on that many workers."""
    seen = state(engine, catalog).shadow
    return seen is not None and seen.running == workers


def pairs(engine: Engine) -> list[dict[str, Any]]:
    """Logged rows of the shadow, each beside its twin."""
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT s.*, t.version AS twin_version, t.arm AS twin_arm, t.entity_key AS twin_key"
                " FROM model_predictions s JOIN model_predictions t ON t.prediction_id = s.twin_id"
                " WHERE s.arm = 'shadow'"
            )
        )
        return [dict(row) for row in rows.mappings()]


def test_a_share_of_users_is_mirrored_compared_and_logged_and_nobody_is_answered_by_it(
    registry: Registry, serve: Callable[..., Inference], engine: Engine, catalog: Catalog
) -> None:
    inference = serve()
    wait_until(lambda: state(engine, catalog).agrees, 30, "both workers serve")
    registry.mirror("v1.1.0", 40)
    wait_until(lambda: runs(engine, catalog, 2), 20, "both workers hold the shadow")
    with engine.connect() as connection:
        salt = str(connection.scalar(text("SELECT shadow_salt FROM model_routing")))
    bodies = [inference.predict("Help me save", user_id=user).json() for user in USERS]
    assert {(b["version"], b["arm"]) for b in bodies} == {("v1.0.0", "production")}
    drawn = {user for user in USERS if bucket(user, salt) < 40}
    assert 0 < len(drawn) < len(USERS)
    wait_until(lambda: len(pairs(engine)) == len(drawn), 20, "each pair is in the log")
    found = pairs(engine)
    assert {row["twin_key"] for row in found} == {row["entity_key"] for row in found} == drawn
    for row in found:
        assert (row["version"], row["twin_version"], row["twin_arm"]) == (
            "v1.1.0", "v1.0.0", "production",
        )  # fmt: skip
        assert row["output"]["intent"] == "out_of_scope"
        assert (row["status"], row["agrees"], row["input"]) == ("ok", False, None)
        assert row["latency_ms"] > 0
        assert row["twin_latency_ms"] > 0
        assert abs(row["confidence_difference"]) < 0.2
    # Longer than the shadow can read: its failure is a pair too, and nobody's answer.
    user = next(iter(drawn))
    assert inference.predict("loan " * 12, user_id=user).status_code == 200
    wait_until(lambda: len(pairs(engine)) == len(drawn) + 1, 20, "the failed pair is in the log")
    seen = state(engine, catalog).shadow
    assert seen is not None
    assert (seen.version, seen.share, seen.workers) == ("v1.1.0", 40, 2)
    assert (seen.pairs, seen.agreeing, seen.errors) == (len(drawn) + 1, 0, 1)
    with db.transaction(engine, "tests") as session:
        traffic = deployment.traffic(session, INTENT, db.now())
    assert (traffic.requests, traffic.errors) == (len(USERS) + 1, 0)
    metrics = inference.http.get("/metrics").text
    label = f'model="{INTENT}",version="v1.0.0"'
    assert f'ml_predictions_total{{arm="production",{label}}} {len(USERS) + 1}.0' in metrics
    assert f'arm="shadow",model="{INTENT}",version="v1.1.0"}} {len(drawn) + 1}.0' in metrics
    registry.mirror("v1.1.0", 0, seen=("v1.1.0", 40))
    wait_until(lambda: state(engine, catalog).agrees, 20, "both workers follow")
    assert state(engine, catalog).shadow is None
    assert inference.predict("Help me save", user_id=user).status_code == 200
    assert len(pairs(engine)) == len(drawn) + 1


def test_an_equal_version_agrees_and_unkeyed_requests_are_drawn_too(
    registry: Registry, serve: Callable[..., Inference], engine: Engine, catalog: Catalog,
    tmp_path: Path,
) -> None:  # fmt: skip
    registry.register("v1.2.0", **tiny_intent(tmp_path / "three", "retirement_planning"))
    inference = serve(INFERENCE_WORKERS="1")
    registry.mirror("v1.2.0", 100)
    wait_until(lambda: runs(engine, catalog, 1), 20, "the worker holds the shadow")
    for _ in range(20):
        inference.predict("Help me save")
    wait_until(lambda: len(pairs(engine)) == 20, 20, "each pair is in the log")
    seen = state(engine, catalog).shadow
    assert seen is not None
    assert (seen.pairs, seen.agreeing) == (20, 20)
    assert seen.confidence_difference == pytest.approx(0, abs=1e-6)
    # A promotion ends it for good.
    registry.stage("v1.2.0")
    registry.pass_suite("v1.2.0")
    registry.approve(registry.request("v1.2.0"))
    assert state(engine, catalog).shadow is None
    registry.verify("v1.0.0")
    registry.roll_back()
    assert state(engine, catalog).shadow is None


def test_a_shadow_that_cannot_be_loaded_holds_up_nothing(
    registry: Registry, serve: Callable[..., Inference], engine: Engine, catalog: Catalog,
    tmp_path: Path,
) -> None:  # fmt: skip
    registry.register("v1.2.0", **tiny_intent(tmp_path / "bad", "out_of_scope"))
    (tmp_path / "bad" / "golden.json").write_text("[]")
    registry.mirror("v1.2.0", 100)
    inference = serve(INFERENCE_WORKERS="1")
    wait_until(lambda: state(engine, catalog).agrees, 20, "the worker serves what was decided")
    (worker,) = state(engine, catalog).observed
    assert worker.loaded["v1.2.0"].state == "failed"
    assert (worker.shadow, worker.error) == (None, None)
    assert inference.predict().status_code == 200


def test_what_may_be_in_the_shadow_and_what_moved_meanwhile(
    registry: Registry, engine: Engine, catalog: Catalog
) -> None:
    with pytest.raises(Conflict, match="is production, so it"):
        registry.mirror("v1.0.0", 20)
    registry.mirror("v1.1.0", 20)
    with pytest.raises(StaleView, match=r"v1.1.0 at 20 % in the shadow by now"):
        registry.mirror("v1.1.0", 50)
    registry.mirror("v1.1.0", 50, seen=("v1.1.0", 20))
    with engine.connect() as connection:
        deeds = connection.execute(
            text("SELECT action, version, evidence ->> 'to' FROM ledger WHERE action ~ '^shadow'")
        ).all()
    assert [tuple(deed) for deed in deeds] == [
        ("shadow.start", "v1.1.0", "20"), ("shadow.share", "v1.1.0", "50"),
    ]  # fmt: skip
    perform_as(
        engine, "ravi",
        lambda s, o: versions.reject(s, o, INTENT, "v1.1.0", VersionStatus.REGISTERED),
    )  # fmt: skip
    assert state(engine, catalog).shadow is None
    with pytest.raises(Conflict, match="is rejected, so it"):
        registry.mirror("v1.1.0", 20)
