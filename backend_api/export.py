"""Logged predictions on their way out: page by page, with their labels, and redacted."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Engine, text

from backend_api.catalog import ModelEntry
from backend_api.db import transaction
from shared.privacy import Redaction

# One page is in memory at a time, whatever is asked for.
PAGE_ROWS = 2_000
FIELDS = (
    "prediction_id", "predicted_at", "model_name", "version", "arm", "entity_key", "input",
    "output", "confidence", "latency_ms", "status", "error", "label", "labelled_at", "correct",
)  # fmt: skip
NESTED = ("input", "output", "label")
# Short transactions, each of which goes on behind the last row of the one before.
_PAGE = text(f"""
    SELECT {", ".join(FIELDS)} FROM model_predictions
    -- It follows from the pair, but lets days that are done with be left out.
    WHERE model_name = :model AND predicted_at >= :at AND predicted_at < :until
        AND (predicted_at, prediction_id) > (:at, :id)
        AND arm IN ('production', 'canary', 'fallback')
        -- With each label comes whether the answer was right, and of those there is an index.
        AND (NOT :labelled OR (label IS NOT NULL AND correct IS NOT NULL))
    ORDER BY predicted_at, prediction_id LIMIT {PAGE_ROWS}
""")


@dataclass(frozen=True)
class Asked:
    """Which answers: those that users got in a span, all or the labelled ones."""

    model: str
    since: datetime
    until: datetime
    labelled: bool = False


Page = list[dict[str, Any]]


def pages(engine: Engine, asked: Asked) -> Iterator[Page]:
    """The answers as they are logged, oldest first, some at a time.

    Raises:
        Unavailable: PostgreSQL does not answer.
    """
    at, last = asked.since, UUID(int=0)
    while True:
        values = {
            "model": asked.model, "until": asked.until, "labelled": asked.labelled,
            "at": at, "id": last,
        }  # fmt: skip
        with transaction(engine, None) as session:
            page = [dict(row) for row in session.execute(_PAGE, values).mappings()]
        if page:
            yield page
        if len(page) < PAGE_ROWS:
            return
        at, last = page[-1]["predicted_at"], page[-1]["prediction_id"]


def redacted(found: dict[str, Any], entry: ModelEntry, redaction: Redaction) -> dict[str, Any]:
    """A row as it may leave: fields of requests and answers kept, hashed or dropped."""
    if not redaction.rules:
        return found
    row = dict(found)
    row["input"] = redaction.of(row["input"])
    row["output"] = redaction.of(row["output"], "output.")
    key = redaction.of({entry.entity_key: row["entity_key"]})
    row["entity_key"] = key.get(entry.entity_key)
    # What went wrong may quote what was asked.
    row["error"] = None
    if entry.accuracy is not None:
        told = redaction.of({entry.accuracy.output: row["label"]}, "output.")
        row["label"] = told.get(entry.accuracy.output)
    return row


def jsonl(found: Iterator[Page]) -> Iterator[bytes]:
    """One object a line, a page at a time: each piece costs its way to the network."""
    for page in found:
        yield b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in page)


def table(found: Iterator[Page]) -> Iterator[bytes]:
    """CSV with a header; requests, answers and labels are JSON in their cells."""
    buffer = StringIO()
    writer = csv.writer(buffer)
    writer.writerow(FIELDS)
    for page in found:
        writer.writerows([_cell(name, row[name]) for name in FIELDS] for row in page)
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue().encode()


def _cell(name: str, value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    return orjson.dumps(value).decode() if name in NESTED else value
