"""A plain ONNX model of MLflow, loaded from its folder alone, answers in the worker."""

import json
import shutil
from pathlib import Path

import mlflow.onnx
import numpy as np
import pytest
import yaml
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec
from onnx import TensorProto, helper, numpy_helper

from inference import metrics
from inference.models import ArtefactError, WrongField
from inference.runtimes import recall
from inference.runtimes.load import load
from tests.flavours import FEATURES, boosting, rows, save_boosted

TREES = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Boosted trees behind twenty columns."""
    made = tmp_path_factory.mktemp("boosted") / "model"
    save_boosted(str(made), TREES)
    return made


def test_rows_are_answered_as_the_native_model_does(folder: Path) -> None:
    model = load(folder, "user_id")
    table = rows(50, seed=3)
    asked = [{**row, "user_id": "u1"} for row in table.to_dict("records")]
    for row in asked:
        model.check(row)
    answers = model.answer(asked)
    native = boosting(TREES).predict_proba(table.to_numpy(np.float32))
    given = np.array([answer["probabilities"] for answer in answers])
    np.testing.assert_allclose(given, native, atol=1e-5)
    assert [a["prediction"] for a in answers] == native.argmax(axis=1).tolist()
    assert [a["confidence"] for a in answers] == [max(a["probabilities"]) for a in answers]


def test_it_is_warm_and_knows_an_example(folder: Path) -> None:
    model = load(folder, "user_id")
    row, answer = model.example
    assert row == rows(5).to_dict("records")[0]
    assert answer == model.answer([row])[0]
    assert model.milliseconds > 0
    assert set(model.schema) == {*FEATURES, "user_id"}


GOOD = dict.fromkeys(FEATURES, 0.5)


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"f3": None}, "f3", "f3 is null; send a number"),
        ({"f3": "1"}, "f3", "f3 is '1'; send a number"),
        ({"f3": True}, "f3", "f3 is of type bool; send a number"),
        ({"f3": float("nan")}, "f3", "f3 is not a finite number; send a number"),
        ({"f3": [1.0]}, "f3", "f3 is of type list; send a number"),
        ({"f20": 1.0}, "f20", "f20 is not a field of this model; remove it"),
        ({"user_id": 5}, "user_id", "user_id is 5; send a text"),
    ],
)
def test_a_wrong_row_is_refused_by_its_field(
    folder: Path, change: dict[str, object], field: str, says: str
) -> None:
    with pytest.raises(WrongField, match=says) as refused:
        load(folder, "user_id").check({**GOOD, **change})
    assert refused.value.field == field


def test_a_missing_column_is_named(folder: Path) -> None:
    short = {name: value for name, value in GOOD.items() if name != "f7"}
    with pytest.raises(WrongField, match="f7 is missing; send a number"):
        load(folder, "user_id").check(short)


def test_another_answer_than_at_the_first_load_is_told(folder: Path, tmp_path: Path) -> None:
    place = shutil.copytree(folder, tmp_path / "abc")
    model = load(place, "user_id")
    assert recall.compare(place, "boosted", model)
    assert recall.compare(place, "boosted", model)
    kept = tmp_path / "abc.example.json"
    answer = json.loads(kept.read_text())
    kept.write_text(json.dumps({**answer, "prediction": 1 - answer["prediction"]}))
    before = metrics.EXAMPLE_MOVED.labels("boosted")._value.get()
    assert not recall.compare(place, "boosted", model)
    assert metrics.EXAMPLE_MOVED.labels("boosted")._value.get() == before + 1


def _without(folder: Path, tmp_path: Path, *lines: str) -> Path:
    """A copy whose MLmodel lacks some parts."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    about = yaml.safe_load((copy / "MLmodel").read_text())
    for name in lines:
        del about[name]
    (copy / "MLmodel").write_text(yaml.safe_dump(about))
    return copy


def test_a_model_that_cannot_say_what_it_takes_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="no signature with inputs; log it with signature="):
        load(_without(folder, tmp_path, "signature"), "user_id")


def test_a_model_without_an_example_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="no input example"):
        load(_without(folder, tmp_path, "saved_input_example_info"), "user_id")


def tensor_model(place: Path) -> Path:
    """``total`` is the sum over a free number of words of ``ids`` plus ``bias``."""
    graph = helper.make_graph(
        [
            helper.make_node("ReduceSum", ["ids", "axis"], ["sums"], keepdims=0),
            helper.make_node("Add", ["sums", "bias"], ["total"]),
        ],
        "sums",
        [
            helper.make_tensor_value_info("ids", TensorProto.FLOAT, ["rows", "words", 2]),
            helper.make_tensor_value_info("bias", TensorProto.FLOAT, ["rows", 2]),
        ],
        [helper.make_tensor_value_info("total", TensorProto.FLOAT, ["rows", 2])],
        [numpy_helper.from_array(np.array([1], np.int64), "axis")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    inputs = [
        TensorSpec(np.dtype("float32"), (-1, -1, 2), "ids"),
        TensorSpec(np.dtype("float32"), (-1, 2), "bias"),
    ]
    mlflow.onnx.save_model(
        model, str(place), signature=ModelSignature(inputs=Schema(inputs)),
        input_example={"ids": np.ones((1, 3, 2), np.float32), "bias": np.zeros((1, 2), np.float32)},
        pip_requirements=["onnxruntime"], onnx_execution_providers=["CPUExecutionProvider"],
    )  # fmt: skip
    return place


def test_tensors_are_sent_whole_or_as_one_row(tmp_path: Path) -> None:
    model = load(tensor_model(tmp_path / "model"), "user_id")
    one = {"ids": [[1, 2], [3, 4]], "bias": [0.5, 0.5], "user_id": "u1"}
    whole = {"ids": [[[1, 2]], [[3, 4]]], "bias": [[0, 0], [1, 1]]}
    for row in (one, whole):
        model.check(row)
    assert [a["prediction"] for a in model.answer([one, whole])] == [[4.5, 6.5], [[1, 2], [4, 5]]]
    assert model.example[1] == {"prediction": [[3.0, 3.0]]}
    for change, says in (
        ({"bias": None}, "bias is missing; send a float32 tensor of shape"),
        ({"bias": [1, "x"]}, "bias does not hold numbers"),
        ({"bias": [1, None]}, "bias does not hold numbers"),
        ({"bias": [1e39, 0]}, "bias holds numbers that are not finite"),
        ({"bias": [[1, 2, 3]]}, r"bias has the shape \[1, 3\]; send a float32 tensor"),
        ({"bias": [[1, 2]]}, "ids has no batch axis and other tensors have one"),
        ({"bias": []}, "bias holds nothing"),
        ({"ids": [[1, 2], [3]]}, "ids has lists of different lengths"),
        ({"idz": [1]}, "idz is not a field of this model"),
    ):
        with pytest.raises(WrongField, match=says):
            model.check({**one, **change})
