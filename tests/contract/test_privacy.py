"""What the log of a real inference service holds where models.yaml says not to keep all."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine, text

from backend_api.catalog import Catalog
from tests.artefacts import tiny_intent
from tests.inference_process import Inference
from tests.makers import Registry, keeping, wait_until


def test_neither_spool_nor_log_holds_what_is_hashed_or_dropped(
    engine: Engine, catalog: Catalog, tmp_path: Path, serve: Callable[..., Inference]
) -> None:
    Registry(engine, catalog).promoted("v1.0.0", **tiny_intent(tmp_path / "one", "savings"))
    file = keeping(tmp_path, {"query": "hash", "user_id": "drop"})
    inference = serve(MODELS_FILE=str(file), PRIVACY_KEY="a key of the test")
    for _ in range(2):
        asked = {"query": "my PAN is ABCDE1234F", "user_id": "user-7"}
        assert inference.http.post("/predict/intent", json=asked).status_code == 200
    rows: list[tuple[str | None, dict[str, str]]] = []

    def delivered() -> bool:
        with engine.connect() as connection:
            found = connection.execute(text("SELECT entity_key, input FROM model_predictions"))
            rows[:] = [(row.entity_key, row.input) for row in found]
        return len(rows) == 2

    wait_until(delivered, 20, "both records are in the log")
    (key, first), (_, second) = rows
    assert key is None
    assert first == second
    assert first["query"].startswith("h:")
    spools = (tmp_path / "inference-home" / "model-server" / "spool").glob("*")
    assert all(b"ABCDE1234F" not in spool.read_bytes() for spool in spools)
