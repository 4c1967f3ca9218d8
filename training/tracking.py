"""The one place in training that speaks to MLflow."""

import json
import logging
import os
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

# Read once, when mlflow is imported.
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

import mlflow
import mlflow.onnx
import numpy as np
import onnx
import onnxruntime
import pandas as pd
import torch
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.generic]]

# An MLflow dataset digest has 36 characters at most; the full SHA-256 is a parameter of the run.
DIGEST_CHARACTERS = 32


class TrackingError(RuntimeError):
    """MLflow cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Artefact:
    """All that goes into the folder ``model``, and the native weights beside it."""

    graph: onnx.ModelProto
    feeds: Arrays
    documents: Mapping[str, Any]
    weights: Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Record:
    """All that a run says about itself; ``sample`` is a frame of the dataset's first rows."""

    model_name: str
    params: Mapping[str, str | int | float | bool]
    metrics: Mapping[str, float]
    source: str
    sha256: str
    sample: pd.DataFrame


class _OnnxFolder:
    """Flavour handed to ``Model.log``: MLflow's ONNX folder with our documents at its top."""

    __name__ = "mlflow.onnx"

    def save_model(self, path: str, documents: Mapping[str, Any], **kwargs: Any) -> None:
        mlflow.onnx.save_model(path=path, **kwargs)
        for name, content in documents.items():
            text = json.dumps(content, ensure_ascii=False, indent=1)
            Path(path, name).write_text(text + "\n", encoding="utf-8")


def require_server() -> str:
    """Address of the MLflow server; ``TrackingError`` when unset, no server, or not answering."""
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not uri.startswith(("http://", "https://")):
        found = f"is {uri!r}" if uri else "is not set"
        raise TrackingError(
            f"MLFLOW_TRACKING_URI {found}; set it to the address of an MLflow server, "
            "such as http://127.0.0.1:5000"
        )
    try:
        with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=10):
            return uri
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise TrackingError(
            f"the MLflow server at {uri} does not answer ({reason}); start it or "
            "mend MLFLOW_TRACKING_URI"
        ) from None


def _log_dataset(record: Record) -> None:
    generated = record.source.startswith("generated:")
    dataset = mlflow.data.from_pandas(
        record.sample,
        source=CodeDatasetSource({"generator": record.source}) if generated else record.source,
        name=f"{record.model_name}_data",
        digest=record.sha256[:DIGEST_CHARACTERS],
    )
    mlflow.log_input(dataset, context="training")


def _shape(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    """Sizes of a graph's input or output, -1 where any may be sent."""
    return tuple(
        dim.dim_value if dim.HasField("dim_value") else -1
        for dim in value.type.tensor_type.shape.dim
    )


def _specs(values: Iterable[onnx.ValueInfoProto]) -> Schema:
    """Tensors as the graph has them: an example's own sizes would shut out all others."""
    return Schema(
        [
            TensorSpec(
                onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type),
                _shape(value),
                value.name,
            )
            for value in values
        ]
    )


def _log_folder(artefact: Artefact) -> str:
    graph = artefact.graph.graph
    info = Model.log(
        artifact_path=None,
        name="model",
        flavor=_OnnxFolder(),
        onnx_model=artefact.graph,
        documents=artefact.documents,
        signature=ModelSignature(_specs(graph.input), _specs(graph.output)),
        input_example=dict(artefact.feeds),
        pip_requirements=[
            f"onnx=={onnx.__version__}",
            f"onnxruntime=={onnxruntime.__version__}",
            f"numpy=={np.__version__}",
        ],
        onnx_execution_providers=["CPUExecutionProvider"],
        save_as_external_data=False,
    )
    return str(info.model_id)


def _log_weights(weights: Mapping[str, torch.Tensor]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "state_dict.pt")
        torch.save(dict(weights), path)
        mlflow.log_artifact(str(path), "native")


def _log(record: Record, artefact: Artefact) -> str:
    mlflow.set_experiment(record.model_name)
    with mlflow.start_run(tags={"model_name": record.model_name}) as run:
        mlflow.log_params({**record.params, "dataset_sha256": record.sha256})
        mlflow.log_metrics(dict(record.metrics))
        _log_dataset(record)
        mlflow.set_tag("logged_model_id", _log_folder(artefact))
        if artefact.weights:
            _log_weights(artefact.weights)
    return str(run.info.run_id)


def log_run(record: Record, artefact: Artefact) -> tuple[str, str]:
    """Write one finished run into the experiment named after the model.

    Returns its id and the model's address ``runs:/<id>/model``. ``TrackingError`` when the
    server refuses.
    """
    mlflow.set_tracking_uri(require_server())
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # Hints about whole numbers in the sample's schema; requests are checked by the handler.
            warnings.filterwarnings("ignore", category=UserWarning, module="mlflow")
            run_id = _log(record, artefact)
    except mlflow.MlflowException as error:
        raise TrackingError(f"MLflow refused the run: {error.message}") from error
    return run_id, f"runs:/{run_id}/model"


@dataclass(frozen=True)
class Trained:
    """A run that was logged: what it was given, and the file its data came from, if from a file."""

    params: Mapping[str, str]
    data_path: Path | None
    folder: Path


def fetch(run_id: str, folder: Path) -> Trained:
    """A run and its model, which lies in ``folder`` then.

    Raises:
        TrackingError: MLflow has no such run or model, or does not answer.
    """
    mlflow.set_tracking_uri(require_server())
    try:
        run = mlflow.get_run(run_id)
        fetched = mlflow.artifacts.download_artifacts(
            artifact_uri=f"runs:/{run_id}/model", dst_path=str(folder)
        )
    except mlflow.MlflowException as error:
        raise TrackingError(f"MLflow has no run {run_id} with a model: {error.message}") from error
    found = next(Path(fetched).rglob("model.onnx"), None)
    if found is None:
        raise TrackingError(f"the model of run {run_id} is no ONNX model of this project")
    sources = [json.loads(used.dataset.source) for used in run.inputs.dataset_inputs]
    paths = [Path(source["uri"]) for source in sources if "uri" in source]
    return Trained(run.data.params, paths[0] if paths else None, found.parent)
