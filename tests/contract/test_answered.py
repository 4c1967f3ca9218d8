"""What a real worker answered is found by the id that the answer carried."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from backend_api import db, deployment, predictions
from backend_api.catalog import Catalog
from backend_api.errors import NotFound
from backend_api.schemas import Answered
from tests.artefacts import tiny_intent
from tests.inference_process import Inference
from tests.makers import INTENT, Registry, wait_until


def found(engine: Engine, answer: dict[str, Any], paired: bool = False) -> Answered:
    """What the log says of an answer, once it is delivered."""
    seen: list[Answered] = []
    reasons: set[str] = set()

    def look() -> bool:
        try:
            with db.transaction(engine, None) as session:
                seen.append(
                    predictions.answered(
                        session, answer["prediction_id"], db.now(), kept_days=90, may_see=True
                    )
                )
        except NotFound as missing:
            reasons.add(missing.details["reason"])
            return False
        return seen[-1].pair is not None or not paired

    wait_until(look, 20, "the answer is in the log")
    assert reasons <= {"not_delivered"}
    return seen[-1]


def test_each_kind_of_answer_is_named_with_what_was_decided(
    engine: Engine, catalog: Catalog, tmp_path: Path, serve: Callable[..., Inference]
) -> None:
    registry = Registry(engine, catalog)
    registry.promoted("v1.0.0", **tiny_intent(tmp_path / "one", "retirement_planning"))
    registry.register("v1.1.0", **tiny_intent(tmp_path / "two", "out_of_scope"))
    registry.mirror("v1.1.0", 100)
    inference = serve(INFERENCE_WORKERS="1")

    def follows() -> bool:
        with db.transaction(engine, None) as session:
            seen = deployment.deployment(session, catalog, INTENT, db.now(), 10)
        return seen.agrees and (seen.shadow is None or seen.shadow.running == 1)

    wait_until(follows, 30, "the worker serves and mirrors")
    said = inference.predict("Help me save", user_id="user-7").json()
    usual = found(engine, said, paired=True)
    assert usual.sentence.startswith("v1.0.0 answered as production in ")
    assert (usual.entity_key, usual.output["intent"]) == ("user-7", said["intent"])
    assert usual.input["query"] == "Help me save"
    assert usual.decided.production is not None
    assert usual.decided.production.version == "v1.0.0"
    assert usual.pair is not None
    assert (usual.pair.version, usual.pair.agrees) == ("v1.1.0", False)
    by_name = found(engine, inference.predict(version="v1.1.0").json())
    assert by_name.sentence.startswith("v1.1.0 answered, asked for by its name in ")
    registry.fall_back()
    wait_until(follows, 20, "rules answer")
    ruled = found(engine, inference.predict().json())
    assert ruled.sentence.startswith("Rules answered, no version did in ")
    assert ruled.sentence.endswith(" omar had decided so.")
    assert usual.decided.epoch is not None
    assert ruled.decided.epoch is not None
    assert ruled.decided.epoch > usual.decided.epoch
