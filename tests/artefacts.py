"""Small artefacts that keep the contract of the real ones, made in milliseconds."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from shared.artifact import folder_digest
from training import serving

LABELS = ("loan_affordability", "retirement_planning", "spending_analysis", "out_of_scope")
HASHER = {"kind": "word", "buckets": 128, "width": 8, "max_tokens": 64}
QUERIES = ("Can I afford a loan?", "Help me save", "Where is my money going?", "मेरा पैसा कहाँ है?")
SCHEMA = {
    "query": {"type": "string", "required": True, "max_length": 10_000},
    "user_id": {"type": "string", "required": False},
}


def _graph(says: str, longest: int) -> onnx.ModelProto:
    """Softmax of a bias for one label, moved a little by the words; fails past ``longest``."""
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
        helper.make_node("Add", ["logits", "zero"], ["bounded"]),
        helper.make_node("Softmax", ["bounded"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "tokens", "width"])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", len(LABELS)])],
        [
            numpy_helper.from_array(bias, "bias"),
            numpy_helper.from_array(slope, "slope"),
            numpy_helper.from_array(np.array([1], dtype=np.int64), "one"),
            numpy_helper.from_array(np.zeros(longest + 1, dtype=np.float32), "zeros"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    return model


def write(folder: Path, documents: dict[str, Any]) -> None:
    """JSON files of an artefact."""
    for name, content in documents.items():
        (folder / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def tiny_intent(folder: Path, says: str, longest: int = 64) -> dict[str, str]:
    """An intent classifier that answers ``says`` to everything, and breaks past some words.

    Returns the columns of ``model_registry`` that point at it.
    """
    folder.mkdir(parents=True)
    graph = _graph(says, longest)
    onnx.save_model(graph, str(folder / "model.onnx"))
    config = {"hasher": HASHER, "labels": list(LABELS)}
    handler = serving.load("intent_classifier", config)
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    requests = [{"query": query} for query in QUERIES]
    golden = [
        {"request": r, "answer": handler.decode(session.run(None, handler.encode([r])), [r])[0]}
        for r in requests
    ]
    write(
        folder,
        {
            "handler.json": {"model_name": "intent_classifier", "config": config},
            "golden.json": golden,
            "input_schema.json": SCHEMA,
        },
    )
    return columns(folder)


def columns(folder: Path) -> dict[str, str]:
    """What ``model_registry`` says of an artefact folder as it is now."""
    return {"artifact_digest": folder_digest(folder), "artifact_uri": folder.resolve().as_uri()}
