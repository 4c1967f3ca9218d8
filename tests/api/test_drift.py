"""Drift over HTTP: any window, what is kept, and what people say of alarms."""

import json
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import text

from backend_api import db, watch
from backend_api.catalog import Catalog
from tests.conftest import Backend
from tests.makers import INTENT, Registry
from tests.profiles import Counted, judging, measured, number, profile, words

HIGHER = [0, 5, 10, 15, 20, 30, 60, 90, 150, 250, 370, 0, 0, 0]
SOME = [0, 40, 50, 60, 80, 95, 105, 120, 135, 150, 165, 0, 0, 0]
UNKNOWN = [0, *[100] * 10, 0, 250, 0]


@pytest.fixture
def counted(backend: Backend, catalog: Catalog) -> Counted:
    """v1.1.0 in production; words and characters as in the reference for 40 days up to today."""
    registry = Registry(backend.engine, catalog)
    registry.promoted("v1.0.0")
    registry.promoted("v1.1.0")
    made = Counted(
        backend.engine,
        profile(measured("query"), number("characters"),
                words("intent", "credit_score", "emi_due_date", side="output"),
                counts={"intent": [600, 380, 20, 0, 0]}),
    )  # fmt: skip
    for back in range(3, 41):
        made.day(back)
    return made


def ask(backend: Backend, role: str = "viewer", **query: object) -> httpx2.Response:
    return backend.client(role).get(f"/models/{INTENT}/drift", params=query)


def tend(backend: Backend, later: timedelta = timedelta(0)) -> None:
    watch.judge_drift(backend.engine, INTENT, judging() + later)


def compared(backend: Backend, found: dict[str, object], days: int, earlier: int = 0) -> None:
    """Keep a comparison, made now, of the words of so many days; they ended so many days ago."""
    until = db.now() - timedelta(days=earlier)
    with backend.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO drift_text_results VALUES (gen_random_uuid(), :m, 'v1.1.0',"
                " clock_timestamp(), :since, :until, CAST(:found AS jsonb))"
            ),
            {"m": INTENT, "since": until - timedelta(days=days), "until": until,
             "found": json.dumps(found)},
        )  # fmt: skip


def say(backend: Backend, result: int, true: bool, role: str = "analyst") -> httpx2.Response:
    body = {"request_id": str(uuid4()), "reason": "a campaign for cards", "true_alarm": true}
    return backend.client(role).post(f"/drift/results/{result}/alarm", json=body)


def test_a_quiet_window_says_so_with_its_numbers(backend: Backend, counted: Counted) -> None:
    for back in range(3):
        counted.day(back)
    found = ask(backend).json()
    assert (found["state"], found["quality"], found["version"]) == ("none", "ok", "v1.1.0")
    assert found["rows"] == 7000
    assert found["day_rows"] == [1000] * 7
    assert found["day_states"] == ["none"] * 7
    assert found["reference_rows"] == counted.made.rows
    assert {part["name"]: part["state"] for part in found["parts"]} == {
        "prediction": "none", "input": "none",
    }  # fmt: skip
    assert found["sentence"].startswith("Requests look like what v1.1.0 was made for: 7,000 rows")
    assert (found["kept"], found["needs"]) == (None, None)


def test_what_moved_is_named_and_seen_on_its_days(backend: Backend, counted: Counted) -> None:
    for back in range(3):
        counted.day(back, words=HIGHER)
    found = ask(backend).json()
    scores = {score["name"]: score for score in found["scores"]}
    assert found["state"] == "medium"
    assert scores["words"]["day_states"] == ["none"] * 4 + ["high"] * 3
    assert scores["characters"]["day_states"] == ["none"] * 7
    assert found["day_states"] == ["none"] * 4 + ["high"] * 3
    assert scores["words"]["psi"] > scores["words"]["distance"] > scores["words"]["noise"]
    part = next(p for p in found["parts"] if p["name"] == "input")
    assert part["worst"] == "words"
    assert "words moved by" in found["sentence"]
    newest = ask(backend, days=1).json()
    assert newest["state"] == "high"
    assert newest["sentence"].endswith("Retrain on newer data.")


def test_missing_values_are_told_apart_and_mended_first(backend: Backend, counted: Counted) -> None:
    counted.day(0, words=UNKNOWN)
    found = ask(backend, days=1).json()
    assert found["quality"] == "degraded"
    assert [(odd["feature"], odd["kind"]) for odd in found["odd"]] == [("words", "empty")]
    assert found["odd"][0]["share"] == pytest.approx(0.2)
    assert "Mend the data before anything is trained on it" in found["sentence"]
    assert "Retrain" not in found["sentence"]


def test_what_comparing_words_found_is_a_part_of_its_own(
    backend: Backend, counted: Counted
) -> None:
    counted.day(0)
    found = {
        "state": "high", "score": 0.41, "auc": 0.7, "noise": 0.08, "rows": 900,
        "reference_rows": 900, "words": ["crypto"], "examples": ["buy crypto"],
    }  # fmt: skip
    compared(backend, found, 7)
    seen = ask(backend, days=1).json()
    assert {part["name"]: part["state"] for part in seen["parts"]} == {
        "prediction": "none", "input": "none", "text": "high",
    }  # fmt: skip
    assert (seen["state"], "the texts moved by 0.41" in seen["sentence"]) == ("high", True)
    assert "crypto" not in json.dumps(seen)
    # A comparison of other days, which came later, takes nothing away from these.
    compared(backend, {**found, "state": "none", "score": 0.01}, 1, earlier=20)
    parts = {part["name"]: part["state"] for part in ask(backend, days=1).json()["parts"]}
    assert parts["text"] == "high"
    before = str(db.now() - timedelta(days=20))
    past = {part["name"]: part["state"] for part in ask(backend, until=before).json()["parts"]}
    assert past["text"] == "none"
    assert ask(backend, days=1, against="weekday").json()["state"] == "none"


@pytest.mark.parametrize(("against", "state"), [("previous", "high"), ("weekday", "high")])
def test_a_window_may_be_held_against_the_time_before(
    backend: Backend, counted: Counted, against: str, state: str
) -> None:
    counted.day(1)
    counted.day(0, words=HIGHER)
    found = ask(backend, against=against, days=1).json()
    assert (found["state"], found["reference_rows"]) == (
        state, {"previous": 1000, "weekday": 4000}[against],
    )  # fmt: skip


def test_a_season_is_no_drift_against_the_same_weekdays(backend: Backend, counted: Counted) -> None:
    for back in range(0, 35, 7):
        counted.day(back, words=HIGHER)
    assert ask(backend, days=1).json()["state"] == "high"
    assert ask(backend, days=1, against="weekday").json()["state"] == "none"


def test_a_distribution_is_for_who_may_see_what_was_asked(
    backend: Backend, counted: Counted
) -> None:
    place = f"/models/{INTENT}/drift/features/intent"
    found = backend.client("analyst").get(place).json()
    assert found["bins"] == ["credit_score", "emi_due_date", "OTHER", "NULL", "WRONG TYPE"]
    assert found["window"] == [2400, 1520, 80, 0, 0]
    assert found["reference"] == [600, 380, 20, 0, 0]
    assert found["score"]["state"] == "none"
    assert backend.client("viewer").get(place).status_code == 403
    wrong = backend.client("analyst").get(f"/models/{INTENT}/drift/features/age")
    assert wrong.status_code == 404
    assert "Watched: " in wrong.json()["hint"]


@pytest.mark.parametrize(
    ("model", "query", "status", "says", "reason"),
    [
        ("horoscope", {}, 404, "There is no model 'horoscope'.", None),
        (INTENT, {"version": "v9.9.9"}, 404, "intent_classifier has no version v9.9.9.", None),
        (INTENT, {"version": "v1.0.0"}, 404, "has no reference to compare with", "no_reference"),
        (INTENT, {"days": 2}, 404, "answered nothing on", "no_data"),
        (INTENT, {"days": 90, "against": "previous"}, 404, "nothing to compare with",
         "nothing_before"),
        ("credit_risk", {}, 404, "Nothing of credit_risk is in production", "not_in_production"),
        (INTENT, {"days": 0}, 400, "days", None),
        (INTENT, {"against": "yesterday"}, 400, "against", None),
        (INTENT, {"until": "0001-01-01T00:00:00"}, 400, "no calendar", None),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_says_why(
    backend: Backend, counted: Counted, model: str, query: dict[str, object], status: int,
    says: str, reason: str | None,
) -> None:  # fmt: skip
    answer = backend.client("viewer").get(f"/models/{model}/drift", params=query)
    assert answer.status_code == status, answer.text
    assert says in answer.json()["message"]
    assert answer.json()["details"].get("reason") == reason


def test_the_example_of_until_is_a_time_of_the_day_that_it_names(
    backend: Backend, counted: Counted
) -> None:
    told = backend.client("viewer").get("/openapi.json").json()
    parameters = told["paths"]["/models/{name}/drift"]["get"]["parameters"]
    (until,) = (one for one in parameters if one["name"] == "until")
    (example,) = until["schema"].get("examples") or until["examples"]
    answer = ask(backend, days=1, until=example).json()
    assert (
        f"answered nothing on {date.fromisoformat(example[:10]):%-d %b %Y} (UTC)"
        in (answer["message"])
    )


# What is kept


def kept(backend: Backend, **query: object) -> dict[str, Any]:
    answer = backend.client("viewer").get("/drift/results", params={"model": INTENT, **query})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_each_day_is_judged_once_and_a_change_of_state_is_told(
    backend: Backend, counted: Counted
) -> None:
    counted.day(2, words=HIGHER)
    counted.day(1, words=HIGHER)
    tend(backend)
    tend(backend, timedelta(hours=1))
    found = kept(backend, limit=500)
    days = [one["day"] for one in found["results"]]
    assert days == sorted(set(days), reverse=True)
    # Caught up on: 40 days, and yesterday; today is not over.
    assert len(days) == 40
    newest, before = found["results"][:2]
    assert (newest["seen"], newest["state"], newest["changed"]) == ("high", "high", True)
    assert (before["seen"], before["state"], before["changed"]) == ("high", "none", False)
    assert (newest["worst"], newest["rows"]) == ("words", 1000)
    rows = backend.client("viewer").get("/ledger", params={"action": "drift"}).json()["entries"]
    assert [row["action"] for row in rows] == ["drift.high"]
    assert rows[0]["evidence"]["worst"] == "words"
    now = ask(backend, days=30).json()
    assert now["kept"]["state"] == "high"
    assert now["alarm"]["id"] == newest["id"]
    assert now["needs"] == "To leave it needs 3 more clean days."


def test_a_day_without_traffic_is_no_good_news(backend: Backend, counted: Counted) -> None:
    with backend.engine.begin() as connection:
        connection.execute(
            text("UPDATE model_registry SET deployed_at = now() - interval '30 days'")
        )
    tend(backend)
    newest = kept(backend)["results"][0]
    assert (newest["rows"], newest["seen"], newest["state"]) == (0, "insufficient", "insufficient")
    assert newest["sentence"] == "No row: 500 more are needed to say."
    needs = ask(backend, days=30).json()["needs"]
    assert needs == "To be judged it needs requests, 500 rows in 28 days at most."


def test_few_requests_a_day_are_judged_over_more_days(backend: Backend, counted: Counted) -> None:
    for back in range(40):
        counted.day(back, 100)
    for back in range(1, 14):
        counted.day(back, 100, words=SOME)
    tend(backend)
    found = kept(backend, limit=500)["results"]
    newest, *before = found
    assert (newest["days"], newest["rows"]) == (7, 700)
    assert newest["sentence"].startswith(
        "Over the last 7 days, as a day has too few requests: requests look less like"
    )
    # Days that were seen before are no second piece of evidence: the alarm is the first one
    # behind which two windows without a common day lie.
    (raised,) = (one for one in found if one["changed"])
    earlier = [one for one in before if one["seen"] in ("medium", "high")]
    first = date.fromisoformat(earlier[-1]["day"])
    assert date.fromisoformat(raised["day"]) == first + timedelta(days=7)
    shown = ask(backend, days=1).json()
    assert (shown["state"], shown["kept"]["days"]) == ("insufficient", 7)
    assert shown["needs"].endswith("Of windows of 7 days that share a day, one counts.")


def test_a_version_that_serves_nobody_has_no_results_for_idle_days(
    backend: Backend, counted: Counted
) -> None:
    idle = Counted(backend.engine, profile(number("words")), "v1.0.0")
    idle.day(5)
    tend(backend)
    assert [one["rows"] for one in kept(backend, version="v1.0.0")["results"]] == [1000]


def test_results_come_in_pages_without_a_gap(backend: Backend, counted: Counted) -> None:
    tend(backend)
    found, before = [], None
    while True:
        page = kept(backend, limit=7, **({"before": before} if before else {}))
        found += [one["id"] for one in page["results"]]
        before = page["next_before"]
        if before is None:
            break
    assert found == [one["id"] for one in kept(backend, limit=500)["results"]]


def test_people_say_whether_alarms_are_true(backend: Backend, counted: Counted) -> None:
    for back in (20, 19, 2, 1):
        counted.day(back, words=HIGHER)
    tend(backend)
    later, earlier = kept(backend, alarms=True)["results"]
    assert kept(backend)["precision"] == {"alarms": 2, "true": 0, "false": 0, "share": None}
    told = say(backend, earlier["id"], False)
    assert "noted as false: 0 of 1 judged alarms" in told.json()["sentence"]
    say(backend, later["id"], False)
    say(backend, later["id"], True, "lead")
    found = kept(backend, alarms=True)
    assert found["precision"] == {"alarms": 2, "true": 1, "false": 1, "share": 0.5}
    assert [one["true_alarm"] for one in found["results"]] == [True, False]
    assert found["results"][0]["told_why"] == "a campaign for cards"
    rows = backend.client("viewer").get("/ledger", params={"action": "drift.false"}).json()
    assert len(rows["entries"]) == 2
    assert say(backend, later["id"], True, "viewer").status_code == 403
    assert say(backend, 10**9, True).status_code == 404
    quiet = next(one for one in kept(backend)["results"] if one["state"] == "none")
    refused = say(backend, quiet["id"], True)
    assert refused.status_code == 409
    assert "Nothing was raised on" in refused.json()["message"]


def test_a_state_that_gets_better_is_no_alarm(backend: Backend, counted: Counted) -> None:
    for back, moved in ((6, HIGHER), (5, HIGHER), (4, SOME), (3, SOME), (2, SOME), (1, SOME)):
        counted.day(back, words=moved)
    tend(backend)
    told = [(one["state"], one["changed"], one["raised"]) for one in kept(backend)["results"][:6]]
    high = ("high", False, False)
    assert told == [
        ("medium", False, False), ("medium", True, False), high, high, ("high", True, True),
        ("none", False, False),
    ]  # fmt: skip
    found = kept(backend, alarms=True)
    (alarm,) = found["results"]
    assert (alarm["state"], found["precision"]["alarms"]) == ("high", 1)
    # What came after does not take its place where people are asked whether it was true.
    assert ask(backend).json()["alarm"]["id"] == alarm["id"]
    eased = kept(backend)["results"][1]["id"]
    assert say(backend, eased, True).status_code == 409
    assert say(backend, alarm["id"], True).status_code == 200
    assert kept(backend)["precision"] == {"alarms": 1, "true": 1, "false": 0, "share": 1.0}
