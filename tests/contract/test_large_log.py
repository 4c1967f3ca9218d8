"""Reading little of a large log: few labels among many answers, and a sample of a wide window."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import md5
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from backend_api import db, export, predictions
from backend_api.spans import DAY, floor
from tests.makers import INTENT
from tests.statements import statements

ROWS, DAYS, EACH = 40_000, 4, "v1.0.0"
FILL = text("""
    INSERT INTO model_predictions (prediction_id, predicted_at, model_name, version, arm, input,
        output, confidence, latency_ms, status)
    SELECT uuidv7(), :first + n * CAST(:step AS interval), :model,
        CASE WHEN n % 4 = 0 THEN 'v1.1.0' ELSE 'v1.0.0' END,
        CASE WHEN n % 50 = 0 THEN 'shadow' ELSE 'production' END,
        jsonb_build_object('query', repeat('what did I spend ', 20) || n),
        '{"intent": "savings"}', 0.9, 1, 'ok'
    FROM generate_series(0, :rows - 1) n
""")


@pytest.fixture
def first(engine: Engine) -> datetime:
    """When a log of four days begins, of which one row in 1,000 is labelled."""
    made = floor(db.now(), DAY) - DAYS * DAY
    with engine.begin() as connection:
        for day in range(DAYS):
            at = (made + day * DAY).date()
            connection.execute(text("SELECT ensure_prediction_partition(:day)"), {"day": at})
        values = {"first": made, "step": DAYS * DAY / ROWS, "rows": ROWS, "model": INTENT}
        connection.execute(FILL, values)
        connection.execute(
            text(
                "UPDATE model_predictions SET label = '\"savings\"', correct = true,"
                " labelled_at = now(), labelled_by = 'asha'"
                " WHERE split_part(input ->> 'query', ' ', 81)::int % 1000 = 1"
            )
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE) model_predictions"))
    return made


@contextmanager
def plans(engine: Engine) -> Iterator[list[dict[str, Any]]]:
    """Nodes of the plans, with what they really read, of each SELECT on the log meanwhile."""
    nodes: list[dict[str, Any]] = []
    with statements(engine) as asked:
        yield nodes
    with engine.connect() as connection:
        for statement, values in asked:
            if "FROM model_predictions" not in statement:
                continue
            told = connection.exec_driver_sql(
                f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values
            ).scalar_one()
            nodes += flat(told[0]["Plan"])


def flat(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from flat(below)


def scans(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [n for n in nodes if "Relation Name" in n and n["Actual Loops"]]


def read(nodes: list[dict[str, Any]]) -> float:
    """Rows that were looked at, taken or not."""
    return sum(n["Actual Rows"] + n.get("Rows Removed by Filter", 0) for n in scans(nodes))


def test_an_export_of_few_labels_reads_little_else(engine: Engine, first: datetime) -> None:
    asked = export.Asked(INTENT, first, first + DAYS * DAY, labelled=True)
    with plans(engine) as nodes:
        found = [row for page in export.pages(engine, asked) for row in page]
    assert len(found) == ROWS // 1000
    assert [row["predicted_at"] for row in found] == sorted(row["predicted_at"] for row in found)
    assert read(nodes) == ROWS // 1000


def test_pages_of_an_export_go_on_where_the_last_one_ended(engine: Engine, first: datetime) -> None:
    asked = export.Asked(INTENT, first, first + DAYS * DAY)
    with plans(engine) as nodes:
        found = sum(len(page) for page in export.pages(engine, asked))
    assert found == ROWS * 49 // 50
    # Each row once, those of the shadow too, and of each page what follows in its order.
    assert read(nodes) < ROWS * 1.5


def smallest(
    session: Session, since: datetime, until: datetime, most: int
) -> tuple[list[str], int]:
    """Questions of the window in the order of their ids' hashes, and how many there are."""
    rows = session.execute(
        text(
            "SELECT prediction_id, input ->> 'query' FROM model_predictions WHERE version = :v"
            " AND arm = 'production' AND predicted_at >= :since AND predicted_at < :until"
        ),
        {"v": EACH, "since": since, "until": until},
    ).all()
    order = sorted(rows, key=lambda row: md5(str(UUID(str(row[0]))).encode()).hexdigest())
    return [asked for _, asked in order[:most]], len(rows)


@pytest.mark.parametrize(
    ("span", "most", "share"),
    [(DAYS * DAY, 50, 0.05), (timedelta(hours=60), 50, 0.05), (timedelta(hours=3), 400, None)],
    ids=["whole days", "within a day", "few rows, so all are looked at"],
)
def test_a_sample_is_that_of_the_smallest_hashes_and_reads_no_whole_window(
    engine: Engine, first: datetime, span: timedelta, most: int, share: float | None
) -> None:
    since, until = first + DAYS * DAY - span, first + DAYS * DAY
    with db.transaction(engine, None) as session:
        with plans(engine) as nodes:
            found = predictions.sample(session, INTENT, EACH, since, until, most)
        wanted, rows = smallest(session, since, until, most)
    assert [row["input"]["query"] for row in found] == wanted
    assert len(found) == most < rows
    assert orjson.dumps(found[0]["output"]) == b'{"intent":"savings"}'
    if share is not None:
        assert read(nodes) < rows * share
        assert "Sort" not in {node["Node Type"] for node in nodes}
