"""Comparing texts through the API and the job, over a log that inference delivered."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import text

from backend_api import db, drift_results, text_drift, watch
from backend_api.candidate import Reference
from backend_api.catalog import Catalog
from backend_api.operations import reference as references
from backend_api.schemas import DriftResult
from backend_api.spans import DAY, floor
from inference import database
from inference.drift import References
from shared.profile import as_document
from shared.reference import make
from tests.conftest import Backend
from tests.makers import INTENT, Registry
from tests.queued import work
from tests.unit.test_text_drift import MONEY, TRAVEL, asked
from tests.unit.training.test_requests import handler

VERSION = "v1.0.0"
PATH = f"/models/{INTENT}/versions/{VERSION}/texts"
ORDER = {"reason": "a new campaign began", "days": 2}


def records(queries: list[str]) -> list[dict[str, Any]]:
    output = {"intent": "save", "confidence": 0.9}
    return [{"input": {"query": query}, "output": output} for query in queries]


def deliver(url: str, queries: list[str]) -> None:
    at = int(db.now().timestamp() * 1e6)
    common = {"at": at, "model": INTENT, "version": VERSION, "arm": "production", "key": None,
              "confidence": 0.9, "ms": 1.0, "status": "ok", "error": None}  # fmt: skip
    made = [{"id": str(uuid4()), **common, **record} for record in records(queries)]
    connection = database.connect(url, "tests")
    lines = b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in made)
    assert database.deliver(connection, lines, References()) == len(made)
    connection.close()


def referenced(backend: Backend) -> None:
    """v1.0.0's reference speaks of money, and came with a sample of its texts."""
    old = records(asked(MONEY, 800, 1))
    document = {**as_document(make(handler(INTENT).watched(), old)),
                "texts": [r["input"]["query"] for r in old]}  # fmt: skip
    with db.transaction(backend.engine, "tests") as session:
        assert references.keep(session, INTENT, VERSION, Reference(document), "artefact")


def test_new_texts_are_compared_kept_and_shown_to_analysts(
    backend: Backend, catalog: Catalog, database_url: str
) -> None:
    Registry(backend.engine, catalog).register(VERSION)
    analyst, viewer = backend.client("analyst"), backend.client("viewer")
    body = {**ORDER, "request_id": str(uuid4())}
    refused = analyst.post(PATH, json=body)
    assert refused.status_code == 404
    assert "has no reference" in refused.json()["message"]
    referenced(backend)
    assert analyst.get(PATH).json() is None
    deliver(database_url, asked(TRAVEL, 600, 2))
    told = analyst.post(PATH, json={**body, "request_id": str(uuid4())})
    assert told.status_code == 202
    again = analyst.post(PATH, json={**body, "request_id": str(uuid4())})
    assert (again.status_code, again.json()["error"]) == (409, "Conflict")
    work(backend, text_drift.KIND)
    job = analyst.get(f"/jobs/{told.json()['job_id']}").json()
    assert job["state"] == "succeeded"
    assert "clearly others" in job["message"]
    found = analyst.get(PATH).json()
    assert (found["state"], found["rows"], found["reference_rows"]) == ("high", 600, 800)
    assert found["score"] > 0.9
    assert "flight" in found["words"]
    assert viewer.get(PATH).status_code == 403


def travelled(backend: Backend, catalog: Catalog) -> None:
    """v1.0.0 with its reference, and 600 questions on travel of today."""
    Registry(backend.engine, catalog).register(VERSION)
    referenced(backend)
    deliver(backend.settings.database_url, asked(TRAVEL, 600, 2))


def tend(backend: Backend, later: timedelta) -> list[DriftResult]:
    """As the watch does so long after today is over; the results that are kept by then."""
    at = floor(db.now(), DAY) + DAY + later
    watch.judge_drift(backend.engine, INTENT, at)
    with db.transaction(backend.engine, None) as session:
        return drift_results.page(session, INTENT, None, alarms=False, before=None, limit=9).results


def test_each_day_has_its_words_compared_before_it_is_judged(
    backend: Backend, catalog: Catalog
) -> None:
    travelled(backend, catalog)
    for minutes in (31, 42, 53):
        assert tend(backend, timedelta(minutes=minutes)) == []
    work(backend, text_drift.KIND)  # there is one, however often the watch looked
    (found,) = tend(backend, timedelta(minutes=64))
    assert (found.seen, found.rows, found.days) == ("high", 600, 1)
    assert found.text_score is not None
    assert found.text_score > 0.9
    assert "the texts moved by" in found.sentence
    (compared,) = backend.client("analyst").get(f"{PATH}/results").json()
    assert compared["until"].startswith(str((db.now() + DAY).date()))
    assert "flight" in compared["words"]
    assert backend.client("viewer").get(f"{PATH}/results").status_code == 403


@pytest.mark.parametrize("ended", ["failed", "still queued"])
def test_a_day_is_judged_without_its_words_when_these_do_not_come(
    backend: Backend, catalog: Catalog, ended: str
) -> None:
    travelled(backend, catalog)
    assert tend(backend, timedelta(minutes=31)) == []
    later = timedelta(hours=3, minutes=32)
    if ended == "failed":
        later = timedelta(minutes=45)
        with backend.engine.begin() as connection:
            connection.execute(text("UPDATE jobs SET state = 'failed', finished_at = now()"))
    (found,) = tend(backend, later)
    assert (found.text_score, found.rows) == (None, 600)


def test_a_reference_without_texts_says_what_to_do(backend: Backend, catalog: Catalog) -> None:
    Registry(backend.engine, catalog).register(VERSION)
    document = as_document(make(handler(INTENT).watched(), records(asked(MONEY, 200, 1))))
    with db.transaction(backend.engine, "tests") as session:
        references.keep(session, INTENT, VERSION, Reference(document), "artefact")
    refused = backend.client("analyst").post(PATH, json={**ORDER, "request_id": str(uuid4())})
    assert refused.status_code == 409
    assert "Train and register it again" in refused.json()["hint"]
