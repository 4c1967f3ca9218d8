"""What is kept ready, and what is forgotten: partitions and rows that nobody will ask for."""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from backend_api.db import due

PARTITIONS_AHEAD = 3
EVERY = timedelta(hours=1)
# A page that is open for longer asks with a new request id.
REQUESTS_KEPT = timedelta(days=7)
OUTBOX_KEPT = timedelta(days=7)
REPLICAS_KEPT = timedelta(days=1)
COUNTS_KEPT = timedelta(days=400)


def make_partitions(session: Session, now: datetime) -> None:
    """Keep the prediction log's partitions of the coming days ready."""
    for ahead in range(PARTITIONS_AHEAD):
        session.execute(
            text("SELECT ensure_prediction_partition(:day)"),
            {"day": (now + timedelta(days=ahead)).date()},
        )


def forget(session: Session, now: datetime, prediction_days: int) -> None:
    """Once an hour, whichever worker comes first: drop what is past its time."""
    if not due(session, "retention", now, EVERY):
        return
    for statement, kept in (
        ("DELETE FROM requests WHERE created_at < :old", REQUESTS_KEPT),
        ("DELETE FROM outbox WHERE done_at < :old", OUTBOX_KEPT),
        ("DELETE FROM replicas WHERE heartbeat_at < :old", REPLICAS_KEPT),
        ("DELETE FROM slo_counts WHERE slot < :old", COUNTS_KEPT),
        ("DELETE FROM drift_counts WHERE at < :old", COUNTS_KEPT),
        ("DELETE FROM accuracy_hours WHERE hour < :old", COUNTS_KEPT),
        ("DELETE FROM accuracy_late WHERE hour < :old", COUNTS_KEPT),
        ("DELETE FROM label_corrections WHERE predicted_at < :old", timedelta(prediction_days)),
        # What people asked goes with the log that it was quoted from; scores stay.
        (
            'UPDATE drift_text_results SET found = found || \'{"words": [], "examples": []}\''
            " WHERE until < :old AND found -> 'examples' <> '[]'",
            timedelta(prediction_days),
        ),
    ):
        session.execute(text(statement), {"old": now - kept})
    session.execute(
        text("SELECT drop_prediction_partitions(:day)"),
        {"day": (now - timedelta(days=prediction_days)).date()},
    )
