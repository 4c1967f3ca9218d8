"""An int8 version of a logged model: made, measured beside it on the held-out rows, and logged.

    python -m training.quantize MODEL RUN_ID --version v1.2.0

The last line of standard output is JSON with ``run_id`` and ``model_uri``. What is served is ONNX,
so it is the ONNX graph whose weights become int8 (activations are quantised as they come).
"""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import onnx
import onnxruntime
import torch
import typer
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn

from training import onnx_export, own_data, tracking
from training.datasets import DataError, Dataset
from training.labelled_table import LabelledTable
from training.pipeline import GOLDEN_ROWS, Candidate, documents, sample
from training.serving import MODELS

Metrics = dict[str, float]
UNUSABLE = 2

app = typer.Typer(add_completion=False)


class GraphNetwork(nn.Module):
    """An ONNX graph where a torch network is expected."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        super().__init__()
        self._session = session
        self._names = [value.name for value in session.get_inputs()]

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Outputs of the graph, in its order."""
        feeds = {n: t.numpy() for n, t in zip(self._names, tensors, strict=True)}
        return tuple(torch.from_numpy(output) for output in self._session.run(None, feeds))


def int8(path: Path) -> onnx.ModelProto:
    """The graph with int8 weights.

    Raises:
        DataError: it holds no weights that can be int8.
    """
    logging.getLogger().setLevel(logging.ERROR)
    with TemporaryDirectory() as folder:
        made = Path(folder, "int8.onnx")
        quantize_dynamic(path, made, weight_type=QuantType.QInt8)
        graph = onnx.load(str(made))
    if not any(w.data_type == onnx.TensorProto.INT8 for w in graph.graph.initializer):
        raise DataError("the graph holds no weights that can be int8, so nothing would be won")
    return graph


def _held_out(
    model: str, trained: tracking.Trained
) -> tuple[Dataset[Any], list[Any], Callable[[Candidate], Metrics]]:
    """The run's own data, requests it was not fitted on, and how to measure on its test rows."""
    train = import_module(f"training.{model}.train")
    found = own_data.again(model, trained)
    table = found if isinstance(found, LabelledTable) else None
    dataset: Dataset[Any] = found.dataset if isinstance(found, LabelledTable) else found
    to_requests = table.requests if table else train.requests
    beside = (table,) if table else ()
    return (
        dataset,
        to_requests([*dataset.val, *dataset.test]),
        lambda candidate: dict(train.measure(candidate, *beside, dataset.test)),
    )


def _read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text(encoding="utf-8"))


def quantise(model: str, run_id: str, version: str) -> tuple[str, str]:
    """Log an int8 run made of another run's model; its id and its model's address.

    Metrics are those of the int8 model on the test split; ``NAME_change`` is by how much each is
    above the one of the model it was made of, ``int8_max_abs_diff`` how far outputs are apart on
    golden rows, ``int8_size_ratio`` its bytes as a share.

    Raises:
        DataError: there is nothing to quantise, or its test rows cannot be had again.
        TrackingError: MLflow cannot be used, or has no such run.
    """
    with TemporaryDirectory() as folder:
        trained = tracking.fetch(run_id, Path(folder))
        spec = _read(trained.folder, "handler.json")
        schema = _read(trained.folder, "input_schema.json")
        before = onnx.load(str(trained.folder / "model.onnx"))
        after = int8(trained.folder / "model.onnx")
    dataset, requests, measure = _held_out(model, trained)
    old, new = onnx_export.session(before), onnx_export.session(after)
    candidate = Candidate(
        model_name=model, network=GraphNetwork(old), config=spec["config"], output_names=(),
        dynamic_axes={}, metrics={}, params={}, input_schema=schema, requests=requests,
        # As requests come: int8 scales activations by all rows that are asked together.
        chunk=1,
    )  # fmt: skip
    was = measure(candidate)
    candidate = replace(candidate, network=GraphNetwork(new))
    now = measure(candidate)
    golden = [candidate.handler().encode([request]) for request in requests[:GOLDEN_ROWS]]
    apart = [onnx_export.max_abs_diff(old.run(None, one), new.run(None, one)) for one in golden]
    metrics = {
        **now,
        **{f"{name}_change": now[name] - was[name] for name in now},
        "int8_max_abs_diff": max(apart),
        "int8_size_ratio": after.ByteSize() / before.ByteSize(),
    }
    params = {**trained.params, "quantized_from": version, "parent_run_id": run_id}
    params.pop("dataset_sha256")
    record = tracking.Record(
        model, params, metrics, dataset.source, dataset.sha256, sample(dataset.train)
    )
    example = candidate.handler().encode(requests[: onnx_export.BATCH])
    return tracking.log_run(record, tracking.Artefact(after, example, documents(candidate), {}))


@app.command()
def main(
    model: Annotated[str, typer.Argument()],
    run_id: Annotated[str, typer.Argument()],
    version: Annotated[str, typer.Option(help="The version that the run was registered as.")],
) -> None:
    """Quantise a run's model, measure both, and log it; exit code 2 where that cannot be."""
    try:
        if model not in MODELS:
            raise DataError(f"{model} is none of {', '.join(MODELS)}, whose test rows are known")
        made, uri = quantise(model, run_id, version)
    except (DataError, tracking.TrackingError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(UNUSABLE) from None
    typer.echo(json.dumps({"run_id": made, "model_uri": uri}))


if __name__ == "__main__":
    app()
