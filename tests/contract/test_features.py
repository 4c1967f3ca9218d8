"""Features from a real Redis: written by the command, read by predictions, never waited for."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from backend_api import db
from backend_api.catalog import Catalog
from ops.cli import app
from tests.artefacts import PAYMENT, tiny_anomaly
from tests.conftest import Postgres
from tests.inference_process import ADMIN, Inference
from tests.makers import Registry, wait_until

ANOMALY = "anomaly_detection"
URL = "/predict/anomaly"


@pytest.fixture(scope="module")
def engine(postgres: Postgres) -> Iterator[Engine]:
    """A database for the whole file."""
    with postgres.fresh() as url:
        made = db.create(url)
        yield made
        made.dispose()


@pytest.fixture(scope="module")
def service(
    engine: Engine, redis_port: int, catalog: Catalog, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Inference]:
    """An anomaly detector in production, beside a real Redis that has all the time it needs."""
    home = tmp_path_factory.mktemp("inference-features")
    registry = Registry(engine, catalog, ANOMALY)
    registry.promoted("v1.0.0", **tiny_anomaly(home / "one"))
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    started = Inference(
        home, url, REDIS_HOST="127.0.0.1", REDIS_PORT=str(redis_port), INFERENCE_WORKERS="1",
        INFERENCE_FEATURE_TIMEOUT_MS="2000",
    )  # fmt: skip
    yield started.start()
    started.close()


@pytest.fixture
def store(redis_port: int) -> Iterator["redis.Redis"]:
    """The feature store, empty."""
    client = redis.Redis("127.0.0.1", redis_port, decode_responses=True)
    client.flushdb()
    yield client
    client.close()


@pytest.fixture
def backfill(
    service: Inference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Runs the command on a file with this content."""
    for name in ("DATABASE_URL", "REDIS_HOST", "REDIS_PORT", "MODELS_FILE"):
        monkeypatch.setenv(name, service.env[name])
    monkeypatch.setenv("NIVESH_HOME", str(tmp_path / "home"))

    def run(content: str, *arguments: str, name: str = "features.csv") -> Result:
        file = tmp_path / name
        file.write_text(content)
        return CliRunner().invoke(app, ["features", "backfill", "--file", str(file), *arguments])

    return run


def logged(engine: Engine, prediction_id: str) -> dict[str, Any]:
    """The input that the prediction log holds."""
    by_id = text("SELECT input FROM model_predictions WHERE prediction_id = :id")
    found: list[dict[str, Any]] = []

    def there() -> bool:
        with engine.connect() as connection:
            found[:] = connection.scalars(by_id, {"id": prediction_id})
        return bool(found)

    wait_until(there, 20, "the prediction is logged")
    return found[0]


def counted(service: Inference, state: str) -> float:
    """Fields that were counted with this state."""
    line = f'ml_features_total{{model="{ANOMALY}",state="{state}"}} '
    found = [row for row in service.http.get("/metrics").text.splitlines() if row.startswith(line)]
    return float(found[0].removeprefix(line)) if found else 0.0


HEAD = "user_id,amount,hour,merchant_category,channel,usual_amount,new_device,spent_24h\n"


def test_a_user_id_is_enough_where_the_store_has_the_rest(
    service: Inference, store: "redis.Redis", backfill: Callable[..., Result], engine: Engine
) -> None:
    done = backfill(f"{HEAD}asha,450,13,groceries,upi,640.5,false,\n", "--model", ANOMALY)
    assert done.exit_code == 0, done.output
    assert "1 rows are in the feature store, good for 3,600 s." in done.stdout
    assert 3_590 < int(store.ttl("features:user:asha")) <= 3_600
    before = {state: counted(service, state) for state in ("from_store", "missing")}
    answer = service.http.post(URL, json={"user_id": "asha"})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    told = body["features"]
    assert sorted(told["from_store"]) == sorted([*PAYMENT, "new_device", "usual_amount"])
    assert "spent_24h" in told["missing"]
    assert told["stale"] == []
    assert {state: counted(service, state) - before[state] for state in before} == {
        "from_store": len(told["from_store"]), "missing": len(told["missing"]),
    }  # fmt: skip
    whole = {"user_id": "asha", **PAYMENT, "usual_amount": 640.5, "new_device": False}
    assert logged(engine, body["prediction_id"]) == whole
    # The same as if the caller had sent it all.
    sent = service.http.post(URL, json=whole).json()
    assert (sent["score"], sent["is_anomaly"]) == (body["score"], body["is_anomaly"])


def test_what_the_caller_sends_wins_also_when_it_is_null(
    service: Inference, store: "redis.Redis", engine: Engine
) -> None:
    store.hset("features:user:ravi", mapping={"usual_amount": "10", "spent_24h": "5", "hour": "3"})
    row = {**PAYMENT, "user_id": "ravi", "usual_amount": 99.0, "spent_24h": None}
    body = service.http.post(URL, json=row).json()
    assert body["features"]["from_store"] == []
    assert logged(engine, body["prediction_id"]) == row


def test_a_models_own_features_are_everybodys_and_a_users_go_before(
    service: Inference, store: "redis.Redis", backfill: Callable[..., Result], engine: Engine
) -> None:
    shared = '{"usual_amount": 700, "km_from_last": 1.5}\n{"user_id": "meera", "usual_amount": 20}'
    assert backfill(shared, "--model", ANOMALY, name="f.jsonl").exit_code == 0
    assert store.hget(f"features:model:{ANOMALY}", "usual_amount") == "700"
    body = service.http.post(URL, json={**PAYMENT, "user_id": "meera"}).json()
    found = logged(engine, body["prediction_id"])
    assert (found["usual_amount"], found["km_from_last"]) == (20, 1.5)
    stats = service.http.get("/admin/feature-store/stats", headers=ADMIN).json()
    assert (stats["user_features"], stats["model_features"]) == (1, 1)


def test_what_is_too_old_is_named_and_not_used(
    service: Inference, store: "redis.Redis", engine: Engine
) -> None:
    past = str(int(time.time()) - 5)
    store.hset("features:user:omar", mapping={"usual_amount": "10", "@usual_amount": past})
    before = counted(service, "stale")
    body = service.http.post(URL, json={**PAYMENT, "user_id": "omar"}).json()
    assert body["features"]["stale"] == ["usual_amount"]
    assert "usual_amount" not in logged(engine, body["prediction_id"])
    assert counted(service, "stale") - before == 1
    path = "/admin/feature-store/users/omar"
    assert service.http.get(path, headers=ADMIN).json() == {}


def test_a_required_field_that_is_nowhere_is_named(
    service: Inference, store: "redis.Redis"
) -> None:
    row = {"user_id": "nobody", **PAYMENT}
    del row["channel"]
    answer = service.http.post(URL, json=row)
    assert answer.status_code == 400
    assert answer.json()["details"]["field"] == "channel"
    assert "backfill" in answer.json()["hint"]


@pytest.mark.parametrize(("value", "said"), [("many", "type str"), ("31", "above 23")])
def test_a_stored_value_is_checked_like_a_callers(
    service: Inference, store: "redis.Redis", value: str, said: str
) -> None:
    store.hset("features:user:odd", mapping={"hour": value})
    row = {"user_id": "odd", **PAYMENT}
    del row["hour"]
    answer = service.http.post(URL, json=row)
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    assert "feature store's" in answer.json()["hint"]


def test_a_key_of_another_kind_is_an_outage_of_the_store_and_not_of_the_service(
    service: Inference, store: "redis.Redis"
) -> None:
    store.set("features:user:text", "not a hash")
    answer = service.http.post(URL, json={**PAYMENT, "user_id": "text"})
    assert answer.status_code == 200
    assert answer.json()["features"]["store"] == "unreachable"


def test_a_store_that_hangs_is_not_waited_for(
    service: Inference, engine: Engine, tmp_path: Path
) -> None:
    with socket.socket() as hangs:
        hangs.bind(("127.0.0.1", 0))
        hangs.listen(64)
        started = Inference(
            tmp_path, service.env["DATABASE_URL"], REDIS_HOST="127.0.0.1",
            REDIS_PORT=str(hangs.getsockname()[1]), INFERENCE_WORKERS="1",
        )  # fmt: skip
        try:
            _hangs(started, engine)
        finally:
            started.close()


def _hangs(started: Inference, engine: Engine) -> None:
    started.start()
    row = {**PAYMENT, "user_id": "asha"}
    answers = [started.http.post(URL, json=row) for _ in range(8)]
    assert {answer.status_code for answer in answers} == {200}
    outcomes = [answer.json()["features"]["store"] for answer in answers]
    # After some time-outs nobody asks for a while.
    assert outcomes[:5] == ["timeout"] * 5
    assert "skipped" in outcomes[5:]
    assert logged(engine, answers[0].json()["prediction_id"]) == row
    needy = started.http.post(URL, json={"user_id": "asha"})
    assert needy.status_code == 400
    assert needy.json()["details"]["field"] == "amount"
    assert "could not be read" in needy.json()["hint"]
    # Whoever sends all that there is needs no store.
    assert "features" not in started.http.post(URL, json=PAYMENT).json()


def test_bad_rows_are_named_the_good_ones_are_written_and_it_may_be_repeated(
    service: Inference, store: "redis.Redis", backfill: Callable[..., Result]
) -> None:
    rows = "".join(f"u{n},{n % 30}\n" for n in range(1_200))
    for _ in range(2):
        done = backfill(f"user_id,hour\n{rows}", "--model", ANOMALY, "--ttl", "60")
        assert done.exit_code == 1
        assert "960 rows are in the feature store, good for 60 s." in done.stdout
        assert "Line 26: hour is 24, above 23." in done.stderr
        assert "240 rows were left out. The first 20 are named above." in done.stderr
        assert store.dbsize() == 960
        values = store.hgetall("features:user:u1")
        assert values.keys() == {"hour", "@hour"}
        assert 50 < int(store.ttl("features:user:u1")) <= 60
    # A shorter life of one feature does not shorten that of another.
    assert backfill("user_id,hour\nu1,5\n", "--ttl", "3000").exit_code == 0
    assert backfill("user_id,amount\nu1,5\n", "--ttl", "10").exit_code == 0
    assert int(store.ttl("features:user:u1")) > 2_000


def test_the_command_says_what_stands_in_its_way(
    service: Inference, backfill: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = backfill("user_id,age\nu1,30\n", "--model", "credit_risk")
    assert "Nothing of credit_risk is in production" in nothing.stderr
    unknown = backfill("user_id,age\nu1,30\n", "--model", "horoscope")
    assert unknown.exit_code == 1
    monkeypatch.setenv("REDIS_PORT", "9")
    down = backfill("user_id,age\nu1,30\n")
    assert "Redis at 127.0.0.1:9 does not take them" in down.stderr
    assert "Run the same command again" in down.stderr
