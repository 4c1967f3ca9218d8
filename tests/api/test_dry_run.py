"""A plan's dry run and a share's price, over HTTP on a real log."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from backend_api import db, dry_run, retention
from shared.split import takes_canary
from tests.conftest import Backend
from tests.makers import INTENT

USERS, MINUTES = 50, 240
PATH = f"/models/{INTENT}/rollout/dry-run"


@pytest.fixture
def start(backend: Backend) -> datetime:
    """Four hours of 50 users a minute, of 400 in all, each 50th answer failed; then an hour ago
    ten requests without a user."""
    now = db.now().replace(second=0, microsecond=0)
    begin = now - timedelta(minutes=MINUTES)
    with db.transaction(backend.engine, "tests") as session:
        retention.make_partitions(session, begin)
        session.execute(
            text(
                "INSERT INTO model_predictions (prediction_id, predicted_at, model_name, version,"
                " arm, entity_key, latency_ms, status)"
                " SELECT gen_random_uuid(), :begin + m * interval '1 minute', :model, 'v1.0.0',"
                "  'production', 'user-' || (m * 7 + u * 8) % 400, 5,"
                "  CASE WHEN u = 0 THEN 'error' ELSE 'ok' END"
                " FROM generate_series(0, :minutes - 1) m, generate_series(0, :users - 1) u"
            ),
            {"begin": begin, "model": INTENT, "minutes": MINUTES, "users": USERS},
        )
        session.execute(
            text(
                "INSERT INTO model_predictions (prediction_id, predicted_at, model_name, version,"
                " arm, latency_ms, status) SELECT gen_random_uuid(), :at, :model, 'v1.0.0',"
                " 'production', 5, 'ok' FROM generate_series(1, 10)"
            ),
            {"at": now - timedelta(hours=1), "model": INTENT},
        )
    return begin


def ask(backend: Backend, role: str = "analyst", **body: Any) -> dict[str, Any]:
    plan = {"days": 1, "steps": [10, 50, 100], "hours": 0.5, "min_requests": 100}
    answer = backend.client(role).post(PATH, json=plan | body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_arms_of_the_past_are_split_as_inference_splits(
    backend: Backend, start: datetime
) -> None:
    found = ask(backend, salt="another")
    assert found["outcome"] == "completed"
    assert (found["requests"], found["keyless"], found["people"]) == (12_010, 10, 400)
    first = found["steps"][0]
    units = [
        takes_canary(f"user-{(m * 7 + u * 8) % 400}", "another", 10)
        for m in range(first["minutes"])
        for u in range(USERS)
    ]
    assert first["canary_units"] == sum(units)
    assert first["stable_units"] == len(units) - sum(units)
    assert datetime.fromisoformat(first["since"]) == start
    assert ask(backend, salt="more")["steps"][0]["canary_units"] != first["canary_units"]


def test_it_says_how_long_the_plan_takes_and_what_each_step_shows(
    backend: Backend, start: datetime
) -> None:
    found = ask(backend)
    first, second = found["steps"]
    assert first["minutes"] == 30
    assert first["error_rate"] == pytest.approx(0.02, abs=0.001)
    assert 0.02 < second["detectable"] < first["detectable"]
    assert found["minutes"] == 61
    assert "the plan would have taken 61 min (10 % 30 min, 50 % 30 min)." in found["sentence"]
    assert "10 of 12,010 requests named no user" in found["sentence"]
    assert found["assumed"] is None


def test_a_night_without_traffic_is_named(backend: Backend, start: datetime) -> None:
    with backend.engine.begin() as connection:
        connection.execute(
            text("DELETE FROM model_predictions WHERE predicted_at >= :a AND predicted_at < :b"),
            {"a": start + timedelta(minutes=10), "b": start + timedelta(minutes=100)},
        )
    found = ask(backend)
    (stall,) = found["stalls"]
    assert datetime.fromisoformat(stall["since"]) == start + timedelta(minutes=10)
    assert datetime.fromisoformat(stall["until"]) == start + timedelta(minutes=100)
    assert "For 90 min of that nothing could be compared (one stall)." in found["sentence"]


def test_an_assumed_regression_is_sent_back_in_time_and_hits_people(
    backend: Backend, start: datetime
) -> None:
    found = ask(backend, hours=1.5, errors_to=0.5)["assumed"]
    assert found["errors_from"] == pytest.approx(0.02, abs=0.001)
    assert found["share"] == 10
    assert 0 < found["people_hit"] <= found["people"] <= 400
    assert "would be expected to go back after" in found["sentence"]
    mild = ask(backend, hours=1.5, errors_from=0.02, errors_to=0.0201)["assumed"]
    assert mild["caught_at"] is None
    assert "would not be expected to be seen in this plan" in mild["sentence"]
    people = {
        key for u in range(400) if takes_canary(key := f"user-{u}", "dry run", 50)
    }  # fmt: skip
    assert mild["people"] == len(people)


def test_a_rise_that_is_none_is_refused(backend: Backend, start: datetime) -> None:
    answer = backend.client("lead").post(PATH, json={"errors_to": 0.001})
    assert answer.status_code == 400
    assert (
        "A rise of errors from 2.00%, which is what the log shows, to 0.10% is none."
        in (answer.json()["message"])
    )


def test_a_log_that_is_too_short_says_what_is_lacking(backend: Backend, start: datetime) -> None:
    assert (
        "would not have come to its end: at 10 %, 20 h with answers"
        in (ask(backend, hours=24)["sentence"])
    )
    few = ask(backend, min_requests=100_000)
    assert few["outcome"] == "unfinished"
    assert "one arm has fewer than 100,000 users' minutes" in few["sentence"]


def test_no_traffic_is_said(backend: Backend) -> None:
    found = ask(backend, days=7)
    assert found["outcome"] == "no_traffic"
    assert found["sentence"] == (
        f"Nobody called {INTENT} in the last 7 days: nothing can be replayed."
    )


def test_traffic_without_users_is_said(backend: Backend, start: datetime) -> None:
    with backend.engine.begin() as connection:
        connection.execute(text("DELETE FROM model_predictions WHERE entity_key IS NOT NULL"))
    found = ask(backend)
    assert found["outcome"] == "no_traffic"
    assert "None of 10 requests" in found["sentence"]


def test_what_takes_too_long_is_given_up_with_a_sentence(
    backend: Backend, start: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dry_run, "SECONDS", 0.001)
    answer = backend.client("analyst").post(PATH, json={"days": 30})
    assert answer.status_code == 503
    assert answer.json()["hint"] == "Choose fewer days; nothing was changed."


@pytest.mark.parametrize("wrong", [{"days": 31}, {"days": 0}, {"steps": [0]}, {"errors_to": 1.5}])
def test_what_is_out_of_range_is_refused(backend: Backend, wrong: dict[str, Any]) -> None:
    assert backend.client("analyst").post(PATH, json=wrong).status_code == 400


def test_nothing_is_left_behind(backend: Backend, start: datetime) -> None:
    ask(backend)
    with backend.engine.connect() as connection:
        left = connection.scalar(
            text("SELECT count(*) FROM pg_class WHERE relname LIKE 'dry_run%'")
        )
    assert left == 0


# Price


def test_a_share_is_priced_in_budget_and_people(backend: Backend, start: datetime) -> None:
    price = backend.client("viewer").get(f"/models/{INTENT}/rollout/price?share=10").json()
    assert price["people"] == 40
    assert price["budget_left"] is None, "four hours are no month"
    hour = 3_000
    assert price["budget_at_risk"] == pytest.approx(
        price["requests_at_risk"] / (0.001 * hour * 24 * 30), rel=0.05
    )
    assert "of the 30-day error budget." in price["sentence"]
