"""Good and total requests of a model in slots of five minutes, counted from the prediction log."""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from backend_api.catalog import ModelEntry
from backend_api.rules.budget import SLOW_MS, Hour, Objectives, Standing, standing
from backend_api.spans import floor

SLOT = timedelta(minutes=5)
EVERY = timedelta(minutes=1)
# Records come late by minutes when a host is busy, and by hours when its spool had to wait.
LATE, SWEEP, SWEEP_EVERY = timedelta(minutes=15), timedelta(days=1), timedelta(hours=1)
# The most that one look counts, so that a month is caught up on in small transactions.
CHUNK = timedelta(hours=6)
# Before this nothing is caught up on: no window is longer.
OLDEST = timedelta(days=90)

# Answers that nobody got (shadow, staging) are not a user's.
_COUNT = text(
    """
    INSERT INTO slo_counts
    SELECT :model, date_bin('5 minutes', predicted_at, '2000-01-01T00:00:00Z'), count(*),
        count(*) FILTER (WHERE status = 'error'), count(*) FILTER (WHERE latency_ms > :slow)
    FROM model_predictions
    WHERE model_name = :model AND predicted_at >= :since AND predicted_at < :until
        AND arm IN ('production', 'canary', 'fallback')
    GROUP BY 2
    ON CONFLICT (model_name, slot) DO UPDATE
    SET total = excluded.total, errors = excluded.errors, slow = excluded.slow
    """
)


def count(session: Session, model: str, since: datetime, until: datetime) -> None:
    """Count the slots from the one that holds ``since``; again if they were counted.

    ``until`` is the end of a slot, or the present.
    """
    session.execute(
        _COUNT, {"model": model, "since": floor(since, SLOT), "until": until, "slow": SLOW_MS}
    )


def follow(session: Session, model: str, now: datetime) -> None:
    """Once a minute count what is new with the last minutes again; once an hour sweep the last day.

    A model that was never counted begins with its oldest record, and who is behind comes nearer
    by ``CHUNK`` a look: one query each. Counting again changes nothing, so two watches do no harm;
    slots whose records are past their time stay as they were counted.
    """
    at = session.execute(
        text("SELECT * FROM slo_progress WHERE model_name = :model FOR UPDATE"), {"model": model}
    ).one_or_none()
    if at is None:
        start = _oldest(session, model, now)
        until = _chunk(session, model, start, now)
        _note(session, model, until, now, now, now)
    elif at.counted_to < at.looked_at or now - at.looked_at >= EVERY:
        until = _chunk(session, model, at.counted_to - LATE, now)
        _note(session, model, until, now, at.swept_to, at.swept_at)
    elif now - at.swept_at >= SWEEP_EVERY:
        _note(session, model, at.counted_to, at.looked_at, now - SWEEP, now)
    elif at.swept_to < floor(at.swept_at, SLOT):
        until = _chunk(session, model, at.swept_to, floor(at.swept_at, SLOT))
        _note(session, model, at.counted_to, at.looked_at, until, at.swept_at)


def _chunk(session: Session, model: str, start: datetime, end: datetime) -> datetime:
    until = min(end, floor(start, SLOT) + CHUNK)
    count(session, model, start, until)
    return until


def _note(
    session: Session, model: str, counted_to: datetime, looked_at: datetime, swept_to: datetime,
    swept_at: datetime,
) -> None:  # fmt: skip
    session.execute(
        text(
            "INSERT INTO slo_progress VALUES (:model, :counted, :looked, :swept_to, :swept_at)"
            " ON CONFLICT (model_name) DO UPDATE SET counted_to = :counted, looked_at = :looked,"
            " swept_to = :swept_to, swept_at = :swept_at"
        ),
        {
            "model": model, "counted": counted_to, "looked": looked_at, "swept_to": swept_to,
            "swept_at": swept_at,
        },
    )  # fmt: skip


def _oldest(session: Session, model: str, now: datetime) -> datetime:
    found: datetime | None = session.scalar(
        text(
            "SELECT min(predicted_at) FROM model_predictions"
            " WHERE model_name = :model AND predicted_at >= :since"
        ),
        {"model": model, "since": now - OLDEST},
    )
    return min(found or now, now)


def budgets(session: Session, entry: ModelEntry, model: str, now: datetime) -> Standing:
    """How the model's error budgets stand, from at most one row an hour."""
    window = timedelta(days=entry.slo.days)
    counted_to: datetime | None = session.scalar(
        text("SELECT counted_to FROM slo_progress WHERE model_name = :model"), {"model": model}
    )
    rows = session.execute(
        text(
            """
            SELECT floor(extract(epoch FROM CAST(:now AS timestamptz) - slot) / 3600)::int AS age,
                sum(total)::bigint AS total, sum(errors)::bigint AS errors,
                sum(slow)::bigint AS slow
            FROM slo_counts
            WHERE model_name = :model AND slot > :since AND slot <= :now GROUP BY 1 ORDER BY 1
            """
        ),
        {"model": model, "since": now - window, "now": now},
    )
    hours = [Hour(row.age, row.total, row.errors, row.slow) for row in rows]
    return standing(hours, Objectives(entry.slo.errors, entry.slo.fast, window), counted_to, now)
