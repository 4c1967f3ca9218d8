"""From a fitted network to a run in MLflow: export, check, documents, gates."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

from shared.profile import as_document
from shared.reference import make, texts
from training import catalogue, gates, onnx_export, serving, tracking
from training.datasets import Dataset

GOLDEN_ROWS = 32
REFERENCE_ROWS = 2_000
CHUNK = 256
SAMPLE_ROWS = 100
# Float32 sums in another order differ by about 1e-6; ten times that is still no other answer.
ONNX_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Candidate:
    """A fitted model that is not logged yet.

    ``requests`` are valid requests from data it was not fitted on: the first ones become golden
    rows, all of them the reference profile. ``truths`` are their labels, as somebody would send
    them, or nothing. ``chunk`` is how many are asked at once.
    """

    model_name: str
    network: nn.Module
    config: Mapping[str, Any]
    output_names: Sequence[str]
    dynamic_axes: Mapping[str, Mapping[int, str]]
    metrics: Mapping[str, float]
    params: Mapping[str, str | int | float | bool]
    input_schema: Mapping[str, Mapping[str, Any]]
    requests: Sequence[serving.Request]
    truths: Sequence[Any] = ()
    chunk: int = CHUNK

    def handler(self) -> serving.Handler:
        """The handler that a serving process would build from this model."""
        return serving.load(self.model_name, self.config)

    def answers(self, requests: Sequence[serving.Request]) -> list[serving.Answer]:
        """Answers of the native network, in chunks that bound the memory."""
        handler = self.handler()
        found: list[serving.Answer] = []
        for start in range(0, len(requests), self.chunk):
            chunk = requests[start : start + self.chunk]
            outputs = onnx_export.run_native(self.network, handler.encode(chunk))
            found += handler.decode(outputs, chunk)
        return found


@dataclass(frozen=True)
class TrainResult:
    """A logged run: where it stands, what it reached, and what the criteria say of it."""

    run_id: str
    model_uri: str
    metrics: Mapping[str, float]
    gates: Sequence[gates.CriterionResult]


def _held_out(candidate: Candidate, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """How sure the model is and what was true, on rows that it was not fitted on."""
    field = catalogue.judged_output(candidate.model_name)
    truths = json.loads(json.dumps(candidate.truths[: len(records)]))
    return [
        {"answer": record["output"][field], "label": truth,
         "confidence": record["output"]["confidence"]}
        for record, truth in zip(records, truths, strict=False)
        if {field, "confidence"} <= record["output"].keys()
    ]  # fmt: skip


def documents(candidate: Candidate) -> dict[str, Any]:
    """Content of the JSON files beside ``model.onnx``, by file name."""
    handler = candidate.handler()
    observed = list(candidate.requests[:REFERENCE_ROWS])
    answers = candidate.answers(observed)
    golden = [
        {"request": dict(request), "answer": answer}
        for request, answer in zip(observed[:GOLDEN_ROWS], answers, strict=False)
    ]
    # As the prediction log will have them: plain JSON, without a library's own numbers.
    pairs = [
        {"input": dict(request), "output": answer}
        for request, answer in zip(observed, answers, strict=True)
    ]
    records = json.loads(json.dumps(pairs))
    profile = make(handler.watched(), records)
    return {
        "handler.json": {"model_name": candidate.model_name, "config": candidate.config},
        "golden.json": golden,
        "reference.json": {
            **as_document(profile),
            "texts": texts(profile, records),
            "held_out": _held_out(candidate, records),
        },
        "input_schema.json": candidate.input_schema,
    }


def artefact(candidate: Candidate) -> tuple[tracking.Artefact, float]:
    """Export, and measure on golden rows how far ONNX is from native (1.0 = 100 %)."""
    handler = candidate.handler()
    golden = candidate.requests[:GOLDEN_ROWS]
    example = handler.encode(golden[: onnx_export.BATCH])
    graph = onnx_export.export(
        candidate.network, example, candidate.output_names, candidate.dynamic_axes
    )
    session = onnx_export.session(graph)
    feeds = handler.encode(golden)
    native = onnx_export.run_native(candidate.network, feeds)
    difference = onnx_export.max_abs_diff(native, session.run(None, feeds))
    return (
        tracking.Artefact(
            graph=graph,
            feeds=example,
            documents=documents(candidate),
            weights=candidate.network.state_dict(),
        ),
        difference,
    )


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | tuple) else value


def sample(rows: Sequence[Any]) -> pd.DataFrame:
    """The first rows, which are mappings or dataclasses, with lists as JSON text."""
    first = rows[:SAMPLE_ROWS]
    shown: list[dict[str, Any]] = [dict(r) if isinstance(r, Mapping) else asdict(r) for r in first]
    return pd.DataFrame([{name: _cell(value) for name, value in row.items()} for row in shown])


def publish(candidate: Candidate, dataset: Dataset[Any]) -> TrainResult:
    """Export, check, log to MLflow and judge; ``TrackingError`` when MLflow cannot be used."""
    folder, difference = artefact(candidate)
    metrics = {**candidate.metrics, "onnx_max_abs_diff": difference}
    params = {
        **candidate.params,
        "rows_train": len(dataset.train),
        "rows_val": len(dataset.val),
        "rows_test": len(dataset.test),
        "parameters": sum(int(np.prod(p.shape)) for p in candidate.network.parameters()),
        "onnx_equal": difference <= ONNX_TOLERANCE,
    }
    record = tracking.Record(
        candidate.model_name,
        params,
        metrics,
        dataset.source,
        dataset.sha256,
        sample(dataset.train),
    )
    run_id, model_uri = tracking.log_run(record, folder)
    judged = gates.evaluate(catalogue.criteria(candidate.model_name), metrics)
    return TrainResult(run_id, model_uri, metrics, judged)
