"""Python versions in processes of their own: apart from each other, and brought back."""

from pathlib import Path

import mlflow.pytorch
import numpy as np
import psutil
import pytest
import torch
from mlflow.models import infer_signature

from inference.models import ArtefactError, WrongField
from inference.runtimes.load import load
from inference.runtimes.python import Broke, PythonModel
from shared.artifact import folder_digest
from tests.flavours import echo_row, save_echo, save_hinted
from tests.makers import wait_until

FORBIDDEN = {"DATABASE_URL", "INFERENCE_ADMIN_TOKEN", "MLFLOW_TRACKING_URI", "REDIS_HOST"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models whose modules have one name: ``one`` and ``two``."""
    made = tmp_path_factory.mktemp("echo")
    save_echo(made / "one", "one")
    save_echo(made / "two", "two")
    return made


@pytest.fixture(scope="module")
def one(folder: Path) -> PythonModel:
    """The first, loaded with our secrets around."""
    with pytest.MonkeyPatch.context() as patch:
        for name in FORBIDDEN:
            patch.setenv(name, "http://127.0.0.1:9")
        model = load(folder / "one", "user_id")
    assert isinstance(model, PythonModel)
    return model


def test_modules_of_two_versions_never_mix_and_each_ends_with_its_model(
    folder: Path, one: PythonModel
) -> None:
    before = folder_digest(folder / "two")
    two = load(folder / "two", "user_id")
    assert isinstance(two, PythonModel)
    assert two.pid is not None
    process = psutil.Process(two.pid)
    words = [m.answer([echo_row()])[0]["prediction"]["word"] for m in (one, two, one)]
    assert words == ["one", "two", "one"]
    assert folder_digest(folder / "two") == before
    del two
    process.wait(20)
    assert one.answer([echo_row()])[0]["prediction"]["word"] == "one"


def test_columns_arrive_with_the_types_of_the_signature(one: PythonModel) -> None:
    row = {**echo_row(), "since": "2026-01-25T10:30:00+05:30", "user_id": "u1"}
    one.check(row)
    first, second = (answer["prediction"] for answer in one.answer([row, echo_row("ravi")]))
    assert first["seen"] == {
        "name": "object", "age": "int64", "visits": "int32", "income": "float64",
        "share": "float32", "active": "bool", "since": "datetime64[ns]", "scores": "object",
        "home": "object", "nick": "object",
    }  # fmt: skip
    assert "Timestamp('2026-01-25 05:00:00')" in first["row"]
    assert "user_id" not in first["row"]
    assert "'ravi'" in second["row"]


def test_a_version_sees_none_of_our_secrets(one: PythonModel) -> None:
    assert not FORBIDDEN & set(one.answer([echo_row()])[0]["prediction"]["environment"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"age": 1.5}, "age is 1.5; send a whole number from -9223372036854775808"),
        ({"visits": 2**31}, "visits is 2.14748e.09; send a whole number from -2147483648"),
        ({"share": 1e39}, "share is 1e.39; send a number"),
        ({"active": 1}, "active is 1; send true or false"),
        ({"since": 5}, "since is 5; send a date and time such as"),
        ({"since": "yesterday"}, "since is 'yesterday'; send a date and time such as"),
        ({"since": "1500-01-01"}, "since is '1500-01-01'; send a date and time such as"),
        ({"scores": [1.0, "x"]}, "scores.1 is 'x'; send a number"),
        ({"home": {}}, "home.city is missing; send a text"),
        ({"home": {"city": "Pune", "pin": 1}}, "home.pin is not a field of this model"),
        ({"nick": 5}, "nick is 5; send a text"),
    ],
)
def test_a_wrong_value_is_refused_by_its_place(
    one: PythonModel, change: dict[str, object], says: str
) -> None:
    with pytest.raises(WrongField, match=says):
        one.check({**echo_row(), **change})


def test_an_exception_is_the_requests_failure_and_a_crash_is_mended(one: PythonModel) -> None:
    with pytest.raises(Broke, match="RuntimeError: cannot do that"):
        one.answer([echo_row("raise")])
    assert one.trouble is None
    before = one.pid
    with pytest.raises(Broke, match="killed by signal 9"):
        one.answer([echo_row("die")])
    assert "killed by signal 9" in str(one.trouble)
    with pytest.raises(Broke, match="is being started again"):
        one.answer([echo_row()])
    wait_until(lambda: one.trouble is None, 60, "the next process has loaded the model")
    assert one.pid != before
    assert one.answer([echo_row()])[0]["prediction"]["word"] == "one"


def test_code_that_cannot_be_imported_is_a_refusal(folder: Path, tmp_path: Path) -> None:
    save_echo(tmp_path / "broken", "broken")
    (tmp_path / "broken" / "code" / "wording.py").unlink()
    with pytest.raises(ArtefactError, match="No module named 'wording'"):
        load(tmp_path / "broken", "user_id")


@pytest.mark.long
def test_a_torch_network_takes_its_tensor(tmp_path: Path) -> None:
    network = torch.nn.Linear(3, 2)
    example = np.ones((2, 3), np.float32)
    signature = infer_signature(example, network(torch.from_numpy(example)).detach().numpy())
    mlflow.pytorch.save_model(
        network, str(tmp_path / "model"), signature=signature, input_example=example,
        pip_requirements=["torch"],
    )  # fmt: skip
    model = load(tmp_path / "model", "user_id")
    row, rows = {"inputs": [1, 2, 3], "user_id": "u1"}, {"inputs": [[1, 2, 3], [0, 0, 0]]}
    with torch.inference_mode():
        wanted = network(torch.tensor([[1.0, 2, 3], [0, 0, 0]])).numpy()
    one, whole = model.answer([row, rows])
    np.testing.assert_allclose(one["prediction"], wanted[0], rtol=1e-5)
    np.testing.assert_allclose(whole["prediction"], wanted, rtol=1e-5)
    with pytest.raises(WrongField, match=r"inputs has the shape \[2\]; send a float32 tensor"):
        model.check({"inputs": [1, 2]})


def test_a_model_with_type_hints_takes_an_input_without_a_name(tmp_path: Path) -> None:
    place = save_hinted(tmp_path)
    model = load(place, "user_id")
    asked = [{"inputs": "asha", "user_id": "u1"}, {"inputs": "ravi"}]
    for row in asked:
        model.check(row)
    assert model.answer(asked) == [
        {"prediction": "ASHA", "confidence": 0.5}, {"prediction": "RAVI", "confidence": 0.5},
    ]  # fmt: skip
    with pytest.raises(WrongField, match="inputs is 5; send a text"):
        model.check({"inputs": 5})
