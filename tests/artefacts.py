"""Small artefacts that keep the contract of the real ones, made in milliseconds."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from shared.artifact import folder_digest
from training import serving, tabular
from training.anomaly_detection.fields import FIELDS

LABELS = ("loan_affordability", "retirement_planning", "spending_analysis", "out_of_scope")
HASHER = {"kind": "word", "buckets": 128, "width": 8, "max_tokens": 64}
QUERIES = ("Can I afford a loan?", "Help me save", "Where is my money going?", "मेरा पैसा कहाँ है?")
SCHEMA = {
    "query": {"type": "string", "required": True, "max_length": 10_000},
    "user_id": {"type": "string", "required": False},
}


def _burden(size: int) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Nodes that turn ``mean`` into a ``burden`` of zero by way of a matrix product."""
    nodes = [
        helper.make_node("ReduceSum", ["mean"], ["all"], keepdims=0),
        helper.make_node("Add", ["square", "all"], ["filled"]),
        helper.make_node("MatMul", ["filled", "filled"], ["product"]),
        helper.make_node("ReduceMax", ["product"], ["most"], keepdims=0),
        helper.make_node("Sub", ["most", "most"], ["burden"]),
    ]
    square = numpy_helper.from_array(np.zeros((size, size), dtype=np.float32), "square")
    return nodes, [square]


def _graph(says: str, longest: int, burden: int = 1) -> onnx.GraphProto:
    """Softmax of a bias for one label, moved a little by the words; fails past ``longest``.

    The time of an answer grows with the cube of ``burden``.
    """
    bias = np.array([[4.0 if label == says else 0.0 for label in LABELS]], dtype=np.float32)
    slope = np.linspace(-0.1, 0.1, len(LABELS), dtype=np.float32)[None, :]
    nodes = [
        helper.make_node("Cast", ["ids"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["numbers"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Sin", ["mean"], ["wave"]),
        helper.make_node("Unsqueeze", ["wave", "one"], ["column"]),
        helper.make_node("Mul", ["column", "slope"], ["moved"]),
        helper.make_node("Add", ["moved", "bias"], ["logits"]),
        # A lookup by the number of words, which is out of range when there are too many.
        helper.make_node("Shape", ["ids"], ["shape"]),
        helper.make_node("Gather", ["shape", "one"], ["words"]),
        helper.make_node("Gather", ["zeros", "words"], ["zero"]),
        helper.make_node("Add", ["logits", "zero"], ["light"]),
        helper.make_node("Add", ["light", "burden"], ["bounded"]),
        helper.make_node("Softmax", ["bounded"], ["probabilities"], axis=1),
    ]
    heavy, square = _burden(burden)
    return helper.make_graph(
        [*nodes[:3], *heavy, *nodes[3:]],
        "tiny",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "tokens", "width"])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", len(LABELS)])],
        [
            numpy_helper.from_array(bias, "bias"),
            numpy_helper.from_array(slope, "slope"),
            numpy_helper.from_array(np.array([1], dtype=np.int64), "one"),
            numpy_helper.from_array(np.zeros(longest + 1, dtype=np.float32), "zeros"),
            *square,
        ],
    )


def write(folder: Path, documents: dict[str, Any]) -> None:
    """JSON files of an artefact."""
    for name, content in documents.items():
        (folder / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def tiny_intent(folder: Path, says: str, longest: int = 64, burden: int = 1) -> dict[str, str]:
    """An intent classifier that answers ``says`` to everything, and breaks past some words.

    With a ``burden`` of 1,000 an answer takes tens of milliseconds.

    Returns the columns of ``model_registry`` that point at it.
    """
    folder.mkdir(parents=True)
    config = {"hasher": HASHER, "labels": list(LABELS)}
    requests = [{"query": query} for query in QUERIES]
    _finish(folder, _graph(says, longest, burden), "intent_classifier", config, requests, SCHEMA)
    return columns(folder)


PAYMENT = {"amount": 450.0, "hour": 13, "merchant_category": "groceries", "channel": "upi"}


def tiny_anomaly(folder: Path) -> dict[str, Any]:
    """A detector with the real one's fields, whose score only has to move with its input.

    Returns the columns of ``model_registry`` that point at it.
    """
    folder.mkdir(parents=True)
    width = sum(tabular.widths(FIELDS))
    slope = np.linspace(-0.2, 0.2, width, dtype=np.float32)[:, None]
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["features", "slope"], ["column"]),
            helper.make_node("Squeeze", ["column", "last"], ["logit"]),
            helper.make_node("Sigmoid", ["logit"], ["known"]),
            helper.make_node("Mul", ["known", "half"], ["strange"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", width])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch"])
            for name in ("known", "strange")
        ],
        [
            numpy_helper.from_array(slope, "slope"),
            numpy_helper.from_array(np.array([1], dtype=np.int64), "last"),
            numpy_helper.from_array(np.array(0.5, dtype=np.float32), "half"),
        ],
    )
    config = {"features": [feature.config() for feature in FIELDS]}
    schema = tabular.schema(FIELDS)
    _finish(folder, graph, "anomaly_detection", config, [PAYMENT], schema)
    return {**columns(folder), "input_schema": schema}


def _finish(
    folder: Path, graph: onnx.GraphProto, model: str, config: dict[str, Any],
    requests: Sequence[dict[str, Any]], schema: dict[str, Any],
) -> None:  # fmt: skip
    """The network and its documents, with the answers that it gives now."""
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(made)
    onnx.save_model(made, str(folder / "model.onnx"))
    handler = serving.load(model, config)
    session = onnxruntime.InferenceSession(
        made.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    golden = [
        {"request": r, "answer": handler.decode(session.run(None, handler.encode([r])), [r])[0]}
        for r in requests
    ]
    write(
        folder,
        {
            "handler.json": {"model_name": model, "config": config},
            "golden.json": golden,
            "input_schema.json": schema,
        },
    )


def columns(folder: Path) -> dict[str, str]:
    """What ``model_registry`` says of an artefact folder as it is now."""
    return {"artifact_digest": folder_digest(folder), "artifact_uri": folder.resolve().as_uri()}
