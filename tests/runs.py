"""Runs on a real MLflow server, logged by the code that training logs with."""

import json
from pathlib import Path
from typing import Any

import onnx
import pandas as pd
import pytest

from tests.artefacts import QUERIES, tiny_intent
from tests.makers import INTENT
from training import serving, tracking


def tiny_run(
    folder: Path,
    mlflow_uri: str,
    metrics: dict[str, float],
    says: str = "out_of_scope",
    sha256: str = "5" * 64,
) -> tuple[str, str]:
    """A finished run whose model answers ``says`` to everything: its id and its model's address."""
    tiny_intent(folder, says)
    documents: dict[str, Any] = {
        file.name: json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("*.json")
    }
    graph = onnx.load(str(folder / "model.onnx"))
    handler = serving.load(INTENT, documents["handler.json"]["config"])
    feeds = handler.encode([{"query": query} for query in QUERIES])
    sample = pd.DataFrame({"query": list(QUERIES)})
    record = tracking.Record(
        INTENT, {"rows_train": 3, "rows_test": 1}, metrics, "generated:tests", sha256, sample
    )
    artefact = tracking.Artefact(graph, feeds, documents, weights={})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
        return tracking.log_run(record, artefact)
