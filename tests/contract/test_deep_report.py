"""Evidently's report: made by a job over the log, kept, bounded, and for analysts only."""

import random
from datetime import timedelta
from uuid import uuid4

import orjson

from backend_api import db, deep_report
from backend_api.candidate import Reference
from backend_api.catalog import Catalog
from backend_api.operations import reference as references
from inference import database
from inference.drift import References
from shared.profile import as_document
from shared.reference import infer, make
from tests.conftest import Backend
from tests.makers import Registry
from tests.queued import work

MODEL, VERSION = "credit_risk", "v1.0.0"
PATH = f"/models/{MODEL}/versions/{VERSION}/drift-report"
CHANCE = random.Random(3)


def records(days_ago: float, number: int, amount: float) -> list[dict[str, object]]:
    at = int((db.now() - timedelta(days=days_ago)).timestamp() * 1e6)
    return [
        {
            "id": str(uuid4()), "at": at, "model": MODEL, "version": VERSION, "arm": "production",
            "key": None, "confidence": None, "ms": 1.0, "status": "ok", "error": None,
            "input": {"amount": CHANCE.gauss(amount, 9), "owner": n % 3 == 0, "always": None,
                      "purpose": CHANCE.choice(["car", "house"])},
            "output": {"risk_band": "low"},
        }
        for n in range(number)
    ]  # fmt: skip


def test_a_report_is_made_kept_and_opened_by_analysts(
    backend: Backend, catalog: Catalog, database_url: str
) -> None:
    Registry(backend.engine, catalog, MODEL).register(VERSION)
    analyst = backend.client("analyst")

    def order() -> str:
        body = {"request_id": str(uuid4()), "reason": "a look in depth", "days": 1}
        told = analyst.post(PATH, json=body)
        assert told.status_code == 202
        work(backend, deep_report.KIND)
        return str(told.json()["job_id"])

    made = records(1.5, 200, 50)
    profile = make(infer(made), made)
    with db.transaction(backend.engine, "tests") as session:
        references.keep(session, MODEL, VERSION, Reference(as_document(profile)), "artefact")
    failed = order()
    assert "0 predictions of these days" in analyst.get(f"/jobs/{failed}").json()["message"]
    assert analyst.get(f"/drift/reports/{failed}").status_code == 404
    connection = database.connect(database_url, "tests")
    for each in (made, records(0.5, 300, 90)):
        lines = b"".join(orjson.dumps(r, option=orjson.OPT_APPEND_NEWLINE) for r in each)
        database.deliver(connection, lines, References())
    connection.close()
    good = order()
    assert analyst.get(f"/jobs/{good}").json()["state"] == "succeeded"
    assert [job["id"] for job in analyst.get("/drift/reports").json()] == [good, failed]
    page = analyst.get(f"/drift/reports/{good}")
    assert page.headers["content-type"].startswith("text/html")
    assert "amount" in page.text
    assert 'src="http' not in page.text
    assert backend.client("viewer").get(f"/drift/reports/{good}").status_code == 403
