"""Models of other frameworks as MLflow folders, tiny and made in a moment."""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import mlflow
import mlflow.onnx
import numpy as np
import onnx
import pandas as pd
import yaml
from mlflow.models import infer_signature
from skl2onnx import to_onnx
from sklearn.ensemble import GradientBoostingClassifier

from ops.settings import PROJECT

BOOSTED = "boosted_trees"
FEATURES = tuple(f"f{number}" for number in range(20))


def entry(title: str, case: dict[str, Any], expect: dict[str, Any]) -> dict[str, Any]:
    """An entry of models.yaml with one validation case."""
    return {
        "title": title, "task": "other", "endpoint": f"/predict/{title}",
        "criteria": [{"metric": "score", "op": ">", "value": 0.5, "label": "Score"}],
        "validation": {"confidence_floor": 0.5, "cases": [{"request": case, "expect": expect}]},
    }  # fmt: skip


def catalogue(folder: Path, entries: dict[str, dict[str, Any]]) -> Path:
    """The project's models.yaml with more entries, as a file in the folder."""
    document = yaml.safe_load((PROJECT / "models.yaml").read_text(encoding="utf-8"))
    document["models"] |= entries
    path = folder / "models.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


@contextmanager
def _hushed() -> Iterator[None]:
    """Without MLflow's advice on models that are meant to be as they are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def rows(count: int, seed: int = 7) -> pd.DataFrame:
    """Twenty features of normal values."""
    made = np.random.default_rng(seed).normal(size=(count, len(FEATURES)))
    return pd.DataFrame(made, columns=list(FEATURES))


@lru_cache
def boosting(trees: int = 100, seed: int = 7) -> GradientBoostingClassifier:
    """Gradient boosted trees of depth 3 on twenty features and two classes."""
    table = rows(2_000, seed)
    target = (table["f0"] + table["f1"] * table["f2"] > 0).astype(int)
    return GradientBoostingClassifier(n_estimators=trees, random_state=seed).fit(
        table.to_numpy(np.float32), target
    )


def boosted_graph(trees: int = 100, seed: int = 7) -> onnx.ModelProto:
    """The same as an ONNX graph with one matrix in, ``label`` and ``probabilities`` out."""
    model = boosting(trees, seed)
    return to_onnx(
        model, np.zeros((1, len(FEATURES)), np.float32), options={"zipmap": False}, target_opset=17
    )


def _boosted(trees: int, seed: int) -> dict[str, Any]:
    example = rows(5)
    return {
        "onnx_model": boosted_graph(trees, seed), "input_example": example,
        "signature": infer_signature(example, pd.DataFrame({"label": [0, 1]})),
        "pip_requirements": ["onnxruntime"],
        "onnx_execution_providers": ["CPUExecutionProvider"],
    }  # fmt: skip


def save_boosted(path: str, trees: int = 100, seed: int = 7) -> None:
    """Boosted trees in MLflow's ``onnx`` flavour behind twenty columns, as a folder."""
    with _hushed():
        mlflow.onnx.save_model(path=path, **_boosted(trees, seed))


@contextmanager
def run(uri: str, metrics: dict[str, float]) -> Iterator[Callable[[], str]]:
    """A run on the server; what is called after the block gives its model's address."""
    # As in each of our processes: all that MLflow does goes to the one server.
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("others")
    with _hushed(), mlflow.start_run() as begun:
        mlflow.log_metrics(metrics)
        yield lambda: f"runs:/{begun.info.run_id}/model"


def log_boosted(uri: str, trees: int = 100, seed: int = 7) -> str:
    """Boosted trees as a run's model: its address for ``register_model``."""
    with run(uri, {"score": 0.99}) as address:
        mlflow.onnx.log_model(name="model", **_boosted(trees, seed))
    return address()
