"""Versions of other frameworks, from a run in MLflow to an answer with MLflow down."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import psutil
import pytest
import yaml
from sqlalchemy import Engine, text
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

from backend_api import catalog as catalogs
from backend_api import db
from backend_api.catalog import Catalog
from backend_api.errors import BadRequest
from backend_api.inference_client import InferenceClient
from backend_api.mlflow_registry import MlflowRegistry, RegisteredVersion
from backend_api.rules.validation import Answered, verdict
from tests import flavours
from tests.artefacts import tiny_intent
from tests.conftest import Postgres
from tests.flavours import BOOSTED, ECHO, FEATURES, FOREST
from tests.inference_process import ADMIN, Inference
from tests.link import Link
from tests.makers import ADMIN_TOKEN, INTENT, Registry, wait_until

ROW = dict.fromkeys(FEATURES, 0.5)
POOR = {"income": 1.0, "loans": 5}
ENTRIES = {
    BOOSTED: flavours.entry(BOOSTED, ROW, {"prediction": 1}),
    FOREST: flavours.entry(FOREST, POOR, {"prediction": "high"}),
    ECHO: flavours.entry(ECHO, flavours.echo_row(), {}),
}


@dataclass
class World:
    """One database and one inference service for all tests of this file."""

    engine: Engine
    catalog: Catalog
    inference: Inference
    mlflow: MlflowRegistry
    link: Link
    folder: Path

    def registered(self, model: str, model_uri: str) -> RegisteredVersion:
        """A run's model as the backend registers it."""
        return self.mlflow.register(model, model_uri, str(uuid4()), "made for a test", {})

    def promoted(self, model: str, name: str, found: RegisteredVersion) -> Registry:
        """In production, and served."""
        registry = Registry(self.engine, self.catalog, model)
        registry.promoted(
            name, mlflow_version=found.mlflow_version, run_id=found.run_id,
            metrics={**found.metrics, "score": 0.9}, artifact_digest=found.artifact_digest,
            artifact_uri=found.artifact_uri, input_schema=found.input_schema,
            has_onnx=found.has_onnx,
        )  # fmt: skip
        wait_until(lambda: self.serving(model) == [name], 60, f"{name} is served")
        return registry

    def serving(self, model: str) -> list[str]:
        """What each worker says that it serves."""
        with self.engine.connect() as connection:
            query = text("SELECT production_version FROM replica_models WHERE model_name = :m")
            return list(connection.scalars(query, {"m": model}))


@pytest.fixture(scope="module")
def world(
    postgres: Postgres, mlflow_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """The project's models.yaml with more entries, and workers that follow it."""
    folder = tmp_path_factory.mktemp("world")
    file = flavours.catalogue(folder, ENTRIES)
    with postgres.fresh() as url, pytest.MonkeyPatch.context() as patch:
        # MLflow's client reads it too, as in each of our processes.
        patch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
        engine = db.create(url)
        link = Link(int(mlflow_uri.rsplit(":", 1)[1]))
        inference = Inference(
            folder, url, MODELS_FILE=str(file), INFERENCE_WORKERS="1",
            MLFLOW_TRACKING_URI=f"http://127.0.0.1:{link.port}",
        )  # fmt: skip
        inference.start()
        yield World(
            engine, catalogs.load(file), inference, MlflowRegistry(mlflow_uri), link, folder
        )
        inference.close()
        link.close()
        engine.dispose()


@pytest.fixture(scope="module")
def boosted(world: World) -> RegisteredVersion:
    """Boosted trees in ONNX, in production as v1.0.0."""
    uri = flavours.log_boosted(world.mlflow.tracking_uri)
    found = world.registered(BOOSTED, uri)
    world.promoted(BOOSTED, "v1.0.0", found)
    return found


def test_a_plain_onnx_model_is_served_by_its_signature(
    world: World, boosted: RegisteredVersion
) -> None:
    answer = world.inference.http.post(f"/predict/{BOOSTED}", json={**ROW, "user_id": "u1"})
    assert answer.status_code == 200
    body = answer.json()
    assert body["prediction"] in (0, 1)
    assert body["confidence"] == max(body["probabilities"])
    assert (body["model"], body["version"], body["arm"]) == (BOOSTED, "v1.0.0", "production")
    assert set(body) == {
        "prediction", "probabilities", "confidence", "model", "version", "arm", "epoch",
        "prediction_id", "latency_ms",
    }  # fmt: skip


def test_registration_takes_the_schema_from_the_signature(boosted: RegisteredVersion) -> None:
    assert boosted.input_schema == {name: {"type": "number", "required": True} for name in FEATURES}
    assert not boosted.has_onnx


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("signature", "no signature with inputs; log it with signature="),
        ("saved_input_example_info", "no input example, so nothing shows"),
    ],
)
def test_a_model_that_workers_could_not_serve_is_refused_and_leaves_nothing(
    world: World, tmp_path: Path, part: str, says: str
) -> None:
    flavours.save_boosted(str(tmp_path / "model"), trees=2)
    about = yaml.safe_load((tmp_path / "model" / "MLmodel").read_text(encoding="utf-8"))
    del about[part]
    (tmp_path / "model" / "MLmodel").write_text(yaml.safe_dump(about), encoding="utf-8")
    uri = flavours.log_saved(world.mlflow.tracking_uri, tmp_path / "model")
    with pytest.raises(BadRequest, match=says):
        world.registered("refused", uri)
    assert world.mlflow.picture("refused").statuses == {}


@pytest.fixture(scope="module")
def forest(world: World) -> RegisteredVersion:
    """A scikit-learn forest in production, which runs in a process of its own."""
    flavours.save_forest(world.folder / "forest")
    uri = flavours.log_saved(world.mlflow.tracking_uri, world.folder / "forest")
    found = world.registered(FOREST, uri)
    world.promoted(FOREST, "v1.0.0", found)
    return found


@pytest.fixture(scope="module")
def intent(world: World) -> str:
    """One of the project's four in production."""
    registry = Registry(world.engine, world.catalog, INTENT)
    registry.promoted("v1.0.0", **tiny_intent(world.folder / "intent", "spending_analysis"))
    wait_until(lambda: world.serving(INTENT) == ["v1.0.0"], 30, "the intent classifier serves")
    return INTENT


@pytest.fixture
def client(world: World) -> Iterator[InferenceServerClient]:
    """The public client of the Open Inference Protocol."""
    made = InferenceServerClient(world.inference.url.removeprefix("http://"))
    yield made
    made.close()


def logged(world: World, ids: list[str]) -> list[Any]:
    """Rows of the prediction log, in the order of the ids."""
    query = text("SELECT * FROM model_predictions WHERE prediction_id = ANY(CAST(:ids AS uuid[]))")

    def look() -> list[Any]:
        with world.engine.connect() as connection:
            return list(connection.execute(query, {"ids": ids}).mappings())

    wait_until(lambda: len(look()) == len(ids), 20, "the predictions are in the log")
    return sorted(look(), key=lambda row: ids.index(str(row["prediction_id"])))


@pytest.mark.long
def test_a_python_model_is_served_with_the_chances_of_its_classes(
    world: World, forest: RegisteredVersion
) -> None:
    answer = world.inference.http.post(f"/predict/{FOREST}", json={**POOR, "user_id": "u1"})
    body = answer.json()
    assert body["prediction"] == "high"
    assert set(body["probabilities"]) == {"high", "low"}
    assert body["confidence"] == max(body["probabilities"].values())
    refused = world.inference.http.post(f"/predict/{FOREST}", json={**POOR, "loans": 1.5})
    assert refused.status_code == 400
    assert refused.json()["details"]["field"] == "loans"


@pytest.mark.long
def test_a_restart_needs_nothing_but_the_folders_on_disk(
    world: World, boosted: RegisteredVersion, forest: RegisteredVersion
) -> None:
    inference = world.inference
    assert inference.process is not None
    everybody = psutil.Process(inference.process.pid).children(recursive=True)
    assert any("inference.runtimes.child" in process.cmdline() for process in everybody)
    world.link.cut()
    inference.stop()
    _, alive = psutil.wait_procs(everybody, 20)
    assert alive == []
    inference.start()
    wait_until(
        lambda: inference.http.get(f"/v2/models/{FOREST}/ready").status_code == 200,
        60,
        "it is back",
    )
    for name, row in ((BOOSTED, ROW), (FOREST, POOR)):
        assert inference.http.post(f"/predict/{name}", json=row).status_code == 200
    world.link.mend()


@pytest.fixture(scope="module")
def echo(world: World) -> None:
    """Two versions that bring a module of one name: v1.0.0 in production, v1.1.0 staged."""
    flavours.save_echo(world.folder / "first", "first")
    flavours.save_echo(world.folder / "second", "second")
    uri = flavours.log_saved(world.mlflow.tracking_uri, world.folder / "first")
    registry = world.promoted(ECHO, "v1.0.0", world.registered(ECHO, uri))
    uri = flavours.log_saved(world.mlflow.tracking_uri, world.folder / "second")
    found = world.registered(ECHO, uri)
    registry.register(
        "v1.1.0", artifact_digest=found.artifact_digest, artifact_uri=found.artifact_uri,
        input_schema=found.input_schema,
    )  # fmt: skip
    registry.stage("v1.1.0")
    ready = f"/v2/models/{ECHO}/versions/v1.1.0/ready"
    wait_until(lambda: world.inference.http.get(ready).status_code == 200, 60, "v1.1.0 is loaded")


def test_two_versions_of_one_module_answer_at_once(world: World, echo: None) -> None:
    def word(**headers: str) -> str:
        answer = world.inference.http.post(
            f"/predict/{ECHO}", json=flavours.echo_row(), headers=headers
        )
        return str(answer.json()["prediction"]["word"])

    staged = {**ADMIN, "X-Nivesh-Version": "v1.1.0"}
    assert [word(), word(**staged), word(), word(**staged)] == ["first", "second"] * 2


def test_a_crash_is_counted_against_its_version_and_named_until_it_is_mended(
    world: World, echo: None
) -> None:
    failed = world.inference.http.post(f"/predict/{ECHO}", json=flavours.echo_row("die"))
    assert failed.status_code == 500
    assert "v1.0.0 failed on this request" in failed.json()["message"]
    (record,) = logged(world, [failed.json()["details"]["prediction_id"]])
    assert record["status"] == "error"
    assert "killed by signal 9" in record["error"]
    path = f"/v2/models/{ECHO}/ready"
    wait_until(lambda: world.inference.http.get(path).status_code == 200, 60, "it is back")
    again = world.inference.http.post(f"/predict/{ECHO}", json=flavours.echo_row())
    assert again.json()["prediction"]["word"] == "first"


def test_the_validation_suite_asks_it_through_the_real_path(
    world: World, forest: RegisteredVersion
) -> None:
    entry = world.catalog.get(FOREST)
    client = InferenceClient("", ADMIN_TOKEN, world.inference.http)
    (case,) = entry.validation.cases
    tries = [Answered(*client.predict(entry.endpoint, case.request, "v1.0.0")) for _ in range(5)]
    plan = entry.validation.model_copy(update={"p95_limit_ms": 10_000.0})
    passed, detail = verdict(plan, [tries])
    assert passed, detail["sentence"]


def test_openapi_says_what_each_model_takes(
    world: World, boosted: RegisteredVersion, forest: RegisteredVersion
) -> None:
    paths = world.inference.http.get("/openapi.json").json()["paths"]
    body = paths[f"/predict/{FOREST}"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"]["required"] == ["income", "loans"]
    assert body["schema"]["properties"]["loans"]["type"] == "integer"
    assert body["example"] == POOR
    many = paths[f"/predict/{BOOSTED}"]["post"]["requestBody"]["content"]["application/json"]
    assert many["schema"]["required"] == list(FEATURES)


def tensor(name: str, values: Any, kind: str) -> InferInput:
    """An input as the client sends it: bytes."""
    array = np.array(values, dtype=triton_to_np_dtype(kind))
    made = InferInput(name, list(array.shape), kind)
    made.set_data_from_numpy(array)
    return made


@pytest.mark.parametrize("binary", [True, False])
def test_infer_on_columns_of_an_onnx_model(
    world: World, boosted: RegisteredVersion, client: InferenceServerClient, binary: bool
) -> None:
    table = flavours.rows(3, seed=5)
    inputs = []
    for name in FEATURES:
        made = InferInput(name, [3, 1], "FP64")
        made.set_data_from_numpy(table[[name]].to_numpy(), binary_data=binary)
        inputs.append(made)
    outputs = [
        InferRequestedOutput("probabilities", binary),
        InferRequestedOutput("prediction", binary),
    ]
    result = client.infer(
        BOOSTED, inputs, outputs=outputs, request_id="r1", parameters={"user_id": "asha"}
    )
    native = flavours.boosting().predict_proba(table.to_numpy(np.float32))
    np.testing.assert_allclose(result.as_numpy("probabilities"), native, atol=1e-5)
    assert result.as_numpy("prediction").tolist() == native.argmax(axis=1).tolist()
    said = result.get_response()
    assert (said["id"], said["model_version"], said["parameters"]["arm"]) == (
        "r1", "v1.0.0", "production",
    )  # fmt: skip
    records = logged(world, said["parameters"]["prediction_ids"].split(","))
    assert [r["entity_key"] for r in records] == ["asha"] * 3
    assert [r["input"]["f7"] for r in records] == table["f7"].tolist()


def test_infer_on_texts_of_one_of_the_four(
    world: World, intent: str, client: InferenceServerClient
) -> None:
    queries = [["Where is my money going?"], ["कहाँ गया पैसा"]]
    result = client.infer(intent, [tensor("query", queries, "BYTES")])
    assert result.as_numpy("intent").tolist() == [b"spending_analysis"] * 2
    assert (result.as_numpy("confidence") > 0.5).all()
    plain = world.inference.predict(queries[0][0]).json()
    assert result.as_numpy("confidence")[0] == plain["confidence"]


@pytest.mark.long
def test_infer_on_a_python_model_by_json(world: World, forest: RegisteredVersion) -> None:
    answer = world.inference.http.post(
        f"/v2/models/{FOREST}/infer",
        json={
            "inputs": [
                {"name": "income", "datatype": "FP32", "shape": [2], "data": [1.0, 9.0]},
                {"name": "loans", "datatype": "INT32", "shape": [2, 1], "data": [[5], [0]]},
            ]
        },
    )
    assert answer.status_code == 200
    outputs = {one["name"]: one for one in answer.json()["outputs"]}
    assert outputs["prediction"] == {
        "name": "prediction", "datatype": "BYTES", "shape": [2], "data": ["high", "low"],
    }  # fmt: skip
    assert outputs["probabilities"]["shape"] == [2, 2]
    assert json.loads(outputs["probabilities"]["parameters"]["classes"]) == ["high", "low"]


def test_metadata_index_and_health(
    world: World, boosted: RegisteredVersion, intent: str, client: InferenceServerClient
) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(BOOSTED)
    assert client.is_model_ready(BOOSTED, "v1.0.0")
    assert not client.is_model_ready(BOOSTED, "v9.0.0")
    about = client.get_model_metadata(BOOSTED)
    assert about["versions"] == ["v1.0.0"]
    assert {"name": "f0", "datatype": "FP64", "shape": [-1, 1]} in about["inputs"]
    assert about["outputs"] == [
        {"name": "prediction", "datatype": "INT64", "shape": [-1]},
        {"name": "probabilities", "datatype": "FP64", "shape": [-1, 2]},
        {"name": "confidence", "datatype": "FP64", "shape": [-1]},
    ]
    query = next(i for i in client.get_model_metadata(intent)["inputs"] if i["name"] == "query")
    assert query == {"name": "query", "datatype": "BYTES", "shape": [-1, 1]}
    assert {"name": BOOSTED, "version": "v1.0.0", "state": "READY", "reason": ""} in (
        client.get_model_repository_index()
    )
    with pytest.raises(InferenceServerException, match="There is no model 'nobody'"):
        client.get_model_metadata("nobody")


def test_load_and_unload_want_the_token_and_never_stop_what_serves(
    world: World, boosted: RegisteredVersion, client: InferenceServerClient
) -> None:
    for act in (client.load_model, client.unload_model):
        with pytest.raises(InferenceServerException, match="needs the admin token"):
            act(BOOSTED)
    # The client writes into the headers that it is given.
    client.load_model(BOOSTED, headers=dict(ADMIN))
    with pytest.raises(InferenceServerException, match=r"its routes need v1\.0\.0"):
        client.unload_model(BOOSTED, headers=dict(ADMIN))
    assert world.inference.http.post(f"/predict/{BOOSTED}", json=ROW).status_code == 200


def one(name: str, kind: str = "FP64", shape: Any = (1,), data: Any = (1.0,)) -> dict[str, Any]:
    """An input of one value."""
    return {"name": name, "datatype": kind, "shape": list(shape), "data": list(data)}


ALL = [one(name) for name in FEATURES]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "has no inputs"),
        ({"inputs": [5]}, "no object with a name"),
        ({"inputs": ALL[1:]}, "f0 is missing; send a number"),
        ({"inputs": [*ALL, one("f20")]}, "f20 is not a field of this model"),
        ({"inputs": [*ALL, one("f0")]}, "'f0' is there twice"),
        ({"inputs": [one("f0", "FP12"), *ALL[1:]]}, "has the datatype 'FP12'"),
        ({"inputs": [one("f0", shape=(2,)), *ALL[1:]]}, "has 1 values, and its shape"),
        ({"inputs": [one("f0", shape=[]), *ALL[1:]]}, "has 0 axes"),
        ({"inputs": [one("f0", data=["1"]), *ALL[1:]]}, "is of datatype FP64 and holds something"),
        ({"inputs": [one("f0", "BYTES", data=["1"]), *ALL[1:]]}, "f0 is '1'; send a number"),
        ({"inputs": [one("f0", shape=(2,), data=[1.0, 2.0]), *ALL[1:]]}, "have 1, 2 rows"),
        ({"inputs": [one("f0", "INT8", data=[300]), *ALL[1:]]}, "a number that INT8 cannot"),
        ({"inputs": ALL, "outputs": [{"name": "x"}]}, "There is no output 'x'"),
        ({"inputs": ALL, "outputs": 5}, "outputs is no list"),
        ({"inputs": ALL, "parameters": {"user_id": [1]}}, "user_id is of type list"),
        (
            {"inputs": [one(n, shape=(300,), data=[1.0] * 300) for n in FEATURES]},
            "300 rows; send 256",
        ),
    ],
)
def test_a_wrong_infer_request_is_refused_by_its_place(
    world: World, boosted: RegisteredVersion, body: dict[str, Any], says: str
) -> None:
    answer = world.inference.http.post(f"/v2/models/{BOOSTED}/infer", json=body)
    assert answer.status_code == 400
    assert says in answer.json()["error"]


def test_bytes_that_do_not_fit_are_refused(world: World, boosted: RegisteredVersion) -> None:
    head = json.dumps(
        {"inputs": [{"name": "f0", "datatype": "FP64", "shape": [1],
                     "parameters": {"binary_data_size": 8}}]}
    ).encode()  # fmt: skip
    for length, tail, says in (
        (len(head), b"123", "and 3 bytes are left"),
        (len(head), b"1" * 20, "12 bytes are left behind the last input"),
        (10_000, b"", "Inference-Header-Content-Length is"),
    ):
        answer = world.inference.http.post(
            f"/v2/models/{BOOSTED}/infer", content=head + tail,
            headers={"Inference-Header-Content-Length": str(length)},
        )  # fmt: skip
        assert answer.status_code == 400
        assert says in answer.json()["error"]


def test_a_certain_version_needs_the_token_over_v2_too(
    world: World, boosted: RegisteredVersion, client: InferenceServerClient
) -> None:
    inputs = [tensor(name, [[0.5]], "FP64") for name in FEATURES]
    with pytest.raises(InferenceServerException, match="needs the admin token"):
        client.infer(BOOSTED, inputs, model_version="v1.0.0")
    asked = client.infer(BOOSTED, inputs, model_version="v1.0.0", headers=dict(ADMIN))
    assert asked.get_response()["parameters"]["arm"] == "staging"
