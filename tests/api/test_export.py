"""Predictions on their way out: complete, in order, with labels, and redacted by setting."""

import csv
import json
from datetime import datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from backend_api import db, export
from backend_api.catalog import Catalog, Privacy
from backend_api.states import Role
from shared.privacy import Redaction
from tests.conftest import Backend
from tests.labelled import Log, sheet
from tests.makers import INTENT

PATH = f"/models/{INTENT}/predictions"


@pytest.fixture
def log(backend: Backend) -> Log:
    """Five answers of two days, of which two are labelled, and one of the shadow."""
    made = Log(backend.engine)
    noon = db.now().replace(hour=12, minute=0, second=0, microsecond=0)
    made.answered(noon - timedelta(days=2), [{"intent": "savings"}] * 3)
    made.answered(noon - timedelta(days=1), [{"intent": "savings"}] * 2)
    made.answered(noon - timedelta(days=1), [{"intent": "other"}], arm="shadow")
    backend.client("analyst").post(
        "/labels/csv", content=sheet([(one, "savings") for one in made.ids[:2]]),
        headers={"Content-Type": "text/csv"},
    )  # fmt: skip
    return made


def lines(content: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def test_what_users_got_is_exported_in_order_with_its_labels(backend: Backend, log: Log) -> None:
    answer = backend.client("analyst").get(PATH, params={"days": 30})
    assert answer.status_code == 200
    assert f'filename="{INTENT}_' in answer.headers["content-disposition"]
    rows = lines(answer.text)
    assert {row["prediction_id"] for row in rows} == {str(one) for one in log.ids[:5]}
    assert [row["predicted_at"] for row in rows] == sorted(row["predicted_at"] for row in rows)
    assert [row["label"] for row in rows if row["label"]] == ["savings", "savings"]
    assert rows[0]["input"] == {"query": "what did I spend"}
    few = backend.client("lead").get(PATH, params={"days": 1, "labelled": False})
    recent = {row["prediction_id"] for row in lines(few.text)}
    assert recent <= {str(one) for one in log.ids[3:5]}
    entries = backend.client("viewer").get("/ledger?action=predictions.export").json()["entries"]
    assert [entry["evidence"]["days"] for entry in entries] == [1, 30]


def test_only_labelled_ones_as_a_table(backend: Backend, log: Log) -> None:
    answer = backend.client("analyst").get(PATH, params={"form": "csv", "labelled": True})
    rows = list(csv.DictReader(StringIO(answer.text)))
    assert [json.loads(row["label"]) for row in rows] == ["savings", "savings"]
    assert json.loads(rows[0]["output"]) == {"intent": "savings"}
    assert {row["correct"] for row in rows} == {"True"}


def test_nobody_below_an_analyst_gets_any(backend: Backend, log: Log) -> None:
    for role in (Role.VIEWER, Role.MACHINE, Role.ADMIN):
        assert backend.client(role).get(PATH).status_code == 403


def test_pages_meet_without_a_gap_and_without_a_double(
    backend: Backend, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    at: datetime = db.now() - timedelta(hours=5)
    with backend.engine.begin() as connection:
        connection.execute(text("SELECT ensure_prediction_partition(:day)"), {"day": at.date()})
        connection.execute(
            text(
                "INSERT INTO model_predictions (prediction_id, predicted_at, model_name, version,"
                " arm, latency_ms, status) SELECT gen_random_uuid(), :at, :model, 'v1.1.0',"
                " 'production', 1, 'ok' FROM generate_series(1, :count)"
            ),
            {"at": at, "model": INTENT, "count": 2 * export.PAGE_ROWS + 7},
        )
    asked = export.Asked(INTENT, at - timedelta(days=3), db.now())
    found = export.pages(backend.engine, asked)
    ids: list[UUID] = [row["prediction_id"] for page in found for row in page]
    assert len(ids) == len(set(ids)) == 2 * export.PAGE_ROWS + 7 + 5


def test_fields_leave_kept_hashed_or_not_at_all(catalog: Catalog) -> None:
    rules = Privacy(export={"query": "hash", "user_id": "drop", "output.intent": "hash"}).export
    entry = catalog.get(INTENT)
    row = {
        "input": {"query": "my PAN is ABCDE1234F", "user_id": "u1", "channel": "app"},
        "output": {"intent": "savings", "confidence": 0.9}, "entity_key": "u1",
        "error": "ValueError: my PAN", "label": "savings", "version": "v1.1.0",
    }  # fmt: skip
    told = export.redacted(row, entry, Redaction(rules, b"key"))
    assert told["input"]["channel"] == "app"
    assert set(told["input"]) == {"query", "channel"}
    assert (told["entity_key"], told["error"]) == (None, None)
    assert told["label"] == told["output"]["intent"]
    assert "ABCDE1234F" not in json.dumps(told)
    assert "savings" not in json.dumps(told)
    again = export.redacted(row, entry, Redaction(rules, b"key"))
    other = export.redacted(row, entry, Redaction(rules, b"another key"))
    assert again == told
    assert other["input"]["query"] != told["input"]["query"]
