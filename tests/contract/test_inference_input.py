"""What callers may send and what they get back, from one service over real parts."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from backend_api import db
from backend_api.catalog import Catalog
from tests.artefacts import tiny_intent
from tests.conftest import Postgres
from tests.inference_process import ADMIN, Inference
from tests.makers import Registry, wait_until

ERROR_KEYS = {"error", "message", "hint", "details"}


@pytest.fixture(scope="module")
def service(
    postgres: Postgres, redis_port: int, catalog: Catalog, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Inference]:
    """v1.0.0 in production and v1.1.0 staged, with Redis beside it."""
    home = tmp_path_factory.mktemp("inference-input")
    with postgres.fresh() as url:
        engine = db.create(url)
        registry = Registry(engine, catalog)
        registry.promoted("v1.0.0", **tiny_intent(home / "one", "loan_affordability", longest=50))
        registry.validated("v1.1.0", **tiny_intent(home / "two", "retirement_planning"))
        running = Inference(
            home,
            url,
            REDIS_PORT=str(redis_port),
            INFERENCE_FEATURE_TIMEOUT_MS="2000",
            INFERENCE_WORKERS="1",
        )
        try:
            yield running.start()
        finally:
            running.close()
            engine.dispose()


def problem(answer: httpx2.Response, status: int) -> dict[str, Any]:
    """The error's body, after checking its shape."""
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    assert set(body) == ERROR_KEYS
    assert body["message"]
    return body


BAD_BODIES: list[tuple[str, bytes, int, str]] = [
    ("nothing", b"", 400, "not JSON"),
    ("no JSON", b"query=hello", 400, "not JSON"),
    ("half of it", b'{"query": "hello"', 400, "not JSON"),
    ("not UTF-8", b'{"query": "\xff\xfe"}', 400, "not JSON"),
    ("half a surrogate", b'{"query": "\\ud800"}', 400, "not JSON"),
    ("a list", b'["hello"]', 400, "send an object"),
    ("a text", b'"hello"', 400, "send an object"),
    ("null", b"null", 400, "send an object"),
    ("missing field", b"{}", 400, "query is missing"),
    ("empty text", b'{"query": ""}', 400, "query is empty"),
    ("blank text", b'{"query": " \\n "}', 400, "query is empty"),
    ("number for text", b'{"query": 5}', 400, "query is of type int"),
    ("null for text", b'{"query": null}', 400, "query is of type NoneType"),
    ("NaN", b'{"query": NaN}', 400, "query is nan"),
    ("Infinity", b'{"query": "x", "amount": -Infinity}', 400, "amount is -inf"),
    ("unknown field", b'{"query": "x", "colour": "red"}', 400, "colour is not a field"),
    ("user of wrong type", b'{"query": "x", "user_id": 7}', 400, "user_id is of type int"),
    ("NUL character", b'{"query": "a\\u0000b"}', 400, "NUL"),
    ("NUL deep inside", b'{"query": {"a": ["b\\u0000"]}}', 400, "NUL"),
    ("endless key", json.dumps({"query": "x", "user_id": "u" * 300}).encode(), 400, "256"),
    ("deep nesting", b"[" * 5000 + b"]" * 5000, 400, "not JSON"),
    ("text of a megabyte", json.dumps({"query": "x" * 1_000_000}).encode(), 400, "query has"),
    ("body of two megabytes", json.dumps({"query": "x" * 2_000_000}).encode(), 413, "bytes"),
]


@pytest.mark.parametrize(
    ("body", "status", "says"), [row[1:] for row in BAD_BODIES], ids=[row[0] for row in BAD_BODIES]
)
def test_a_bad_body_is_refused_with_what_is_wrong(
    service: Inference, body: bytes, status: int, says: str
) -> None:
    answer = service.http.post("/predict/intent", content=body)
    assert says in problem(answer, status)["message"]
    assert service.predict().status_code == 200


def test_the_field_is_named_for_programs_too(service: Inference) -> None:
    answer = service.http.post("/predict/intent", json={"query": "x", "colour": "red"})
    assert problem(answer, 400)["details"] == {"field": "colour"}


def test_a_body_without_length_is_cut_off_at_the_limit(service: Inference) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    answer = service.http.post("/predict/intent", content=endless())
    assert "1,048,576" in problem(answer, 413)["message"]


def test_a_literal_backslash_u0000_is_a_text_like_any_other(service: Inference) -> None:
    body = json.dumps({"query": "what does \\u0000 mean"}).encode()
    assert b"\\\\u0000" in body
    assert service.http.post("/predict/intent", content=body).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused_and_told_which_to_use(service: Inference, method: str) -> None:
    answer = service.http.request(method, "/predict/intent")
    assert "POST" in problem(answer, 405)["hint"]
    assert answer.headers["allow"] == "POST"


def test_an_unknown_model_is_404_and_names_the_known_ones(service: Inference) -> None:
    body = problem(service.http.post("/predict/horoscope", json={}), 404)
    assert "/predict/credit-risk" in body["hint"]


def test_a_known_model_without_a_version_is_answered_by_its_rules(service: Inference) -> None:
    answer = service.http.post("/predict/anomaly", json={"amount": 90_000, "hour": 3})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["source"], body["arm"], body["is_anomaly"]) == ("fallback", "fallback", True)
    body = problem(service.http.post("/predict/credit-risk", json={"age": 30}), 400)
    assert body["details"]["field"] == "monthly_income"


def test_an_unknown_path_and_a_wrong_argument_have_the_same_shape(service: Inference) -> None:
    problem(service.http.get("/nowhere"), 404)
    problem(service.http.post("/health"), 405)
    problem(service.http.post("/admin/reload-model", headers=ADMIN), 400)
    url = "/admin/reload-model?model_name=intent_classifier&stage=Moon"
    assert "stage" in problem(service.http.post(url, headers=ADMIN), 400)["message"]


ADMIN_CALLS = [
    ("POST", "/admin/reload-model?model_name=intent_classifier"),
    ("DELETE", "/admin/clear-cache"),
    ("GET", "/admin/feature-store/stats"),
    ("GET", "/admin/feature-store/users/u1"),
]


@pytest.mark.parametrize(("method", "path"), ADMIN_CALLS)
@pytest.mark.parametrize("token", [None, "Bearer wrong", "Basic abc", "Bearer"])
def test_admin_endpoints_want_the_token(
    service: Inference, method: str, path: str, token: str | None
) -> None:
    headers = {"Authorization": token} if token else {}
    answer = service.http.request(method, path, headers=headers)
    assert "admin token" in problem(answer, 401)["message"]


def test_a_certain_version_wants_the_token_and_must_be_loaded(service: Inference) -> None:
    asked = {"X-Nivesh-Version": "v1.1.0"}
    answer = service.http.post("/predict/intent", json={"query": "x"}, headers=asked)
    problem(answer, 401)
    answer = service.predict(version="v1.1.0")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["version"], body["arm"]) == ("v1.1.0", "staging")
    assert body["intent"] == "retirement_planning"
    missing = problem(service.predict(version="v9.0.0"), 404)
    assert "v1.1.0" in missing["hint"]


def test_health_has_the_runbooks_keys(service: Inference) -> None:
    def seen() -> dict[str, Any]:
        body: dict[str, Any] = service.http.get("/health").json()
        return body

    wait_until(lambda: seen()["feature_store_connected"], 10, "Redis was looked at")
    assert seen() == {
        "status": "healthy", "models_loaded": 1, "feature_store_connected": True,
        "mlflow_connected": False,
    }  # fmt: skip
    assert service.http.get("/health/live").status_code == 200
    assert service.http.get("/health/ready").status_code == 200


def test_feature_store_stats_have_the_runbooks_keys(service: Inference, redis_port: int) -> None:
    import redis

    client = redis.Redis("127.0.0.1", redis_port, decode_responses=True)
    client.flushdb()
    client.hset("features:user:u1", mapping={"balance": "1200", "age": "31"})
    client.hset("features:user:u2", mapping={"balance": "7"})
    client.hset("features:model:credit_risk", mapping={"threshold": "0.4"})
    client.set("something:else", "1")
    stats = service.http.get("/admin/feature-store/stats", headers=ADMIN).json()
    memory, uptime = stats.pop("used_memory"), stats.pop("uptime_seconds")
    assert stats == {"connected": True, "user_features": 2, "model_features": 1, "total_keys": 4}
    assert memory[-1] in "BKMG"
    assert uptime >= 0
    found = service.http.get("/admin/feature-store/users/u1", headers=ADMIN).json()
    assert found == {"balance": "1200", "age": "31"}
    client.close()


def test_models_names_what_is_served_and_what_is_loaded(service: Inference) -> None:
    seen = service.http.get("/models").json()
    assert seen["following"] is True
    (model,) = seen["models"]
    assert (model["production"], model["endpoint"]) == ("v1.0.0", "/predict/intent")
    assert {v: one["state"] for v, one in model["loaded"].items()} == {
        "v1.0.0": "ready", "v1.1.0": "ready",
    }  # fmt: skip


def test_reload_verifies_and_answers_with_the_version(service: Inference) -> None:
    answer = service.http.post(
        "/admin/reload-model?model_name=intent_classifier&stage=Production", headers=ADMIN
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["version"] == "v1.0.0"
    staged = "/admin/reload-model?model_name=intent_classifier&stage=Staging"
    assert service.http.post(staged, headers=ADMIN).json()["version"] == "v1.1.0"
    unknown = service.http.post("/admin/reload-model?model_name=horoscope", headers=ADMIN)
    assert "intent_classifier" in problem(unknown, 404)["hint"]
    assert service.predict().status_code == 200


def test_clearing_the_cache_keeps_what_is_routed(service: Inference) -> None:
    answer = service.http.delete("/admin/clear-cache", headers=ADMIN)
    assert answer.json() == {
        "status": "cleared", "evicted": [],
        "kept": ["intent_classifier v1.0.0", "intent_classifier v1.1.0"],
    }  # fmt: skip
    assert service.predict().status_code == 200


def test_openapi_documents_each_model_with_an_example(service: Inference) -> None:
    document = service.http.get("/openapi.json").json()
    for path in ("/predict/intent", "/predict/ner", "/predict/credit-risk", "/predict/anomaly"):
        content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        assert content["example"]
    schema = document["paths"]["/predict/intent"]["post"]["requestBody"]["content"][
        "application/json"
    ]["schema"]
    assert schema["required"] == ["query"]
    assert schema["properties"]["query"]["maxLength"] == 10_000
    assert service.http.get("/docs").status_code == 200


def counted(service: Inference, name: str, **labels: str) -> float:
    """Sum of a metric's samples that carry the labels."""
    wanted = {f'{key}="{value}"' for key, value in labels.items()}

    def has(line: str) -> set[str]:
        return set(line.split("{")[1].split("}")[0].split(","))

    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in service.http.get("/metrics").text.splitlines()
        if line.startswith(f"{name}{{") and wanted <= has(line)
    )


def test_a_version_that_breaks_is_a_500_counted_and_logged_against_it(service: Inference) -> None:
    production = {"model": "intent_classifier", "version": "v1.0.0", "arm": "production"}
    before = counted(service, "ml_errors_total", **production)
    body = problem(service.predict("loan " * 60, user_id="broken"), 500)
    assert body["details"]["version"] == "v1.0.0"
    assert counted(service, "ml_errors_total", **production) - before == 1
    assert service.predict(user_id="u1").status_code == 200
    engine = db.create(service.env["DATABASE_URL"])
    by_id = text("SELECT * FROM model_predictions WHERE prediction_id = :id")

    def row() -> Any:
        with engine.connect() as connection:
            found = connection.execute(by_id, {"id": body["details"]["prediction_id"]})
            return found.mappings().one_or_none()

    wait_until(row, 20, "the failure is in the log")
    assert (row()["status"], row()["entity_key"], row()["output"]) == ("error", "broken", None)
    assert "Gather" in row()["error"]
    engine.dispose()


def test_metrics_count_by_model_version_and_arm(service: Inference) -> None:
    production = {"model": "intent_classifier", "version": "v1.0.0", "arm": "production"}
    staged = {"model": "intent_classifier", "version": "v1.1.0", "arm": "staging"}
    names = ("ml_predictions_total", "ml_prediction_latency_seconds_count", "ml_errors_total")
    before = [counted(service, name, **production) for name in names]
    staged_before = counted(service, "ml_predictions_total", **staged)
    for number in range(3):
        service.predict(user_id=f"u{number}")
    service.predict(version="v1.1.0")
    after = [counted(service, name, **production) for name in names]
    assert [b - a for a, b in zip(before, after, strict=True)] == [3, 3, 0]
    assert counted(service, "ml_predictions_total", **staged) - staged_before == 1
    assert 'le="0.2"' in service.http.get("/metrics").text
