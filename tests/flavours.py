"""Models of other frameworks as MLflow folders, tiny and made in a moment."""

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import mlflow
import mlflow.onnx
import mlflow.sklearn
import numpy as np
import onnx
import pandas as pd
import pytest
import yaml
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import Array, Object, Property
from skl2onnx import to_onnx
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier

from ops.settings import PROJECT

BOOSTED, FOREST, ECHO = "boosted_trees", "forest", "echo"
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


MODEL_CODE = '''
import os, signal
import mlflow
import pandas as pd
from wording import WORD

class Echo(mlflow.pyfunc.PythonModel):
    """Says its module's word and what it was given; some words break it."""
    def predict(self, context, model_input, params=None):
        print("models may print")
        if "die" in model_input["name"].tolist():
            os.kill(os.getpid(), signal.SIGKILL)
        if "raise" in model_input["name"].tolist():
            raise RuntimeError("cannot do that")
        seen = {c: str(t) for c, t in model_input.dtypes.items()}
        return [
            {"word": WORD, "environment": sorted(os.environ), "seen": seen, "row": repr(row)}
            for row in model_input.to_dict("records")
        ]

mlflow.models.set_model(Echo())
'''


def save_forest(path: Path) -> None:
    """A random forest in MLflow's ``sklearn`` flavour that tells "high" from "low"."""
    table = pd.DataFrame({"income": [1.0, 2.0, 8.0, 9.0] * 10, "loans": [5, 4, 1, 0] * 10})
    target = np.array(["high", "high", "low", "low"] * 10)
    model = RandomForestClassifier(5, random_state=7).fit(table, target)
    with _hushed():
        mlflow.sklearn.save_model(
            model, str(path), input_example=table[:2], pip_requirements=["scikit-learn"],
            skops_trusted_types=["sklearn.tree._tree.Tree"],
            signature=infer_signature(table, target),
        )  # fmt: skip


def log_saved(uri: str, folder: Path, score: float = 0.99) -> str:
    """A saved folder as a run's model, as ``mlflow.log_artifacts`` puts it there."""
    with run(uri, {"score": score}) as address:
        mlflow.log_artifacts(str(folder), "model")
    return address()


HINTED_CODE = """
import mlflow

class Loud(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[str]) -> list[dict]:
        return [{"prediction": text.upper(), "confidence": 0.5} for text in model_input]

mlflow.models.set_model(Loud())
"""


def save_hinted(folder: Path) -> Path:
    """A model whose type hints are its signature: one text a row, without a name."""
    code = folder / "loud.py"
    code.write_text(HINTED_CODE, encoding="utf-8")
    with _hushed():
        mlflow.pyfunc.save_model(
            str(folder / "hinted"), python_model=str(code), input_example=["a", "b"],
            pip_requirements=["mlflow"],
        )  # fmt: skip
    return folder / "hinted"


def echo_row(name: str = "asha") -> dict[str, Any]:
    """A request with a column of each kind."""
    return {
        "name": name, "age": 41, "visits": 3, "income": 1.5, "share": 0.25, "active": True,
        "since": "2026-01-25T10:30:00", "scores": [1.0, 2.0], "home": {"city": "Pune"},
    }  # fmt: skip


def echo_signature() -> ModelSignature:
    """Of the columns of ``echo_row``; ``nick`` may be left out."""
    kinds = {"name": "string", "age": "long", "visits": "integer", "income": "double",
             "share": "float", "active": "boolean", "since": "datetime"}  # fmt: skip
    columns = [ColSpec(kind, name) for name, kind in kinds.items()]
    columns += [
        ColSpec(Array(DataType.double), "scores"),
        ColSpec(Object([Property("city", DataType.string)]), "home"),
        ColSpec("string", "nick", required=False),
    ]
    return ModelSignature(inputs=Schema(columns))


def save_echo(path: Path, word: str) -> None:
    """A model of one's own whose module ``wording`` holds its word."""
    example = pd.DataFrame([{**echo_row(), "since": pd.Timestamp("2026-01-25")}])
    code = path.parent / f"code-{word}"
    code.mkdir()
    (code / "wording.py").write_text(f"WORD = {word!r}\n", encoding="utf-8")
    (code / "echo.py").write_text(MODEL_CODE, encoding="utf-8")
    with _hushed(), pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(code)
        mlflow.pyfunc.save_model(
            str(path), python_model=str(code / "echo.py"), code_paths=[str(code / "wording.py")],
            signature=echo_signature(), pip_requirements=["mlflow"],
            input_example=example.astype({"visits": "int32", "share": "float32"}),
        )  # fmt: skip
        sys.modules.pop("wording", None)
