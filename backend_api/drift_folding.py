"""Keeping the counts of drift: what deliveries added is folded, and hours can be counted again."""

from datetime import datetime, timedelta

import numpy as np
import orjson
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from backend_api.db import due, sole, transaction
from backend_api.drift_counts import reference
from backend_api.predictions import ANSWERED
from backend_api.spans import DAY, HOUR, floor
from backend_api.tables import ProfileRow
from shared.counting import count
from shared.profile import Counts, Profile

ACTOR = "watch"
# Whoever changes the counts holds this, so that an hour is not folded while it is counted again.
LOCK = "nivesh.drift_counts"
# So that a busy version's row is written a few times a minute and not at every look.
FOLD_AFTER = timedelta(seconds=10)
MOST_DELTAS = 5_000
PAGE = 10_000
# A look at old hours ends after so many, or once it has read this many predictions.
HOURS_A_LOOK, ROWS_A_LOOK = 200, 200_000

_TAKE = text("""
    DELETE FROM drift_deltas WHERE id IN (SELECT id FROM drift_deltas ORDER BY id LIMIT :most)
    RETURNING model_name, version, hour, rows, counts
""")
_HELD = text("""
    SELECT rows, counts FROM drift_counts
    WHERE model_name = :model AND version = :version AND span = :span AND at = :at
""")
_PUT = text("""
    INSERT INTO drift_counts VALUES (:model, :version, :span, :at, :rows, :counts)
    ON CONFLICT (model_name, version, span, at)
    DO UPDATE SET rows = excluded.rows, counts = excluded.counts
""")
_RECORDS = text(f"""
    SELECT json_build_object('input', input, 'output', output)::text
    FROM model_predictions
    WHERE model_name = :model AND version = :version AND predicted_at >= :hour
        AND predicted_at < :end AND {ANSWERED}
""")
_OF_HOUR = text("""
    DELETE FROM drift_deltas
    WHERE model_name = :model AND version = :version AND hour = :hour
""")
_HOURS_OF_DAY = text("""
    SELECT rows, counts FROM drift_counts WHERE model_name = :model AND version = :version
        AND span = 'hour' AND at >= :day AND at < :day + interval '1 day'
""")


def tend(engine: Engine, now: datetime) -> None:
    """Fold what was delivered, and count some hours again where that was ordered.

    Does nothing while another process does.

    Raises:
        Unavailable: PostgreSQL does not answer.
    """
    with sole(engine, LOCK) as won:
        if not won:
            return
        with transaction(engine, ACTOR) as session:
            fold(session, now)
        recount(engine)


def fold(session: Session, now: datetime) -> None:
    """Add deltas to the counts of their hours and days; call it under ``LOCK`` only."""
    if not due(session, "drift counts", now, FOLD_AFTER):
        return
    sums: dict[tuple[str, str, str, datetime], tuple[int, Counts]] = {}
    for row in session.execute(_TAKE, {"most": MOST_DELTAS}):
        added = np.frombuffer(row.counts, dtype="<i8")
        for span, at in (("hour", row.hour), ("day", floor(row.hour, DAY))):
            key = (row.model_name, row.version, span, at)
            rows, counts = sums.get(key, (0, np.zeros_like(added)))
            sums[key] = (rows + row.rows, counts + added)
    for (model, version, span, at), (rows, counts) in sums.items():
        place = {"model": model, "version": version, "span": span, "at": at}
        held = session.execute(_HELD, place).one_or_none()
        if held is not None:
            rows, counts = rows + held.rows, counts + np.frombuffer(held.counts, dtype="<i8")
        session.execute(_PUT, {**place, "rows": rows, "counts": _bytes(counts)})


def _bytes(counts: Counts) -> bytes:
    return counts.astype("<i8").tobytes()


def recount(engine: Engine) -> None:
    """Count the next hours of every version that has some to be counted again.

    Call it under ``LOCK`` only. Deliveries go on meanwhile: a record and what it adds are of one
    transaction, so a snapshot holds either both or neither, and what it holds is replaced.
    """
    with transaction(engine, None) as session:
        waiting = session.execute(
            select(ProfileRow.model_name, ProfileRow.version).where(
                ProfileRow.recount_from.is_not(None), ProfileRow.profile.is_not(None)
            )
        ).all()
    if not waiting:
        return
    with transaction(engine, ACTOR) as session:
        # Deliveries that began before they could know the reference must be over.
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext('nivesh.drift_profiles'))"))
    still = engine.execution_options(isolation_level="REPEATABLE READ")
    for model, version in waiting:
        read = 0
        for _ in range(HOURS_A_LOOK):
            with transaction(still, ACTOR) as session:
                found = _next_hour(session, model, version)
            if found is None or (read := read + found) > ROWS_A_LOOK:
                break


def _next_hour(session: Session, model: str, version: str) -> int | None:
    """Count one hour again; how many records it has, or None when there is nothing to do."""
    row = session.get_one(ProfileRow, (model, version))
    if row.recount_from is None or row.recount_until is None:
        return None
    hour = row.recount_from
    rows, counts = _recounted(session, reference(session, model, version), row, hour)
    following = hour + HOUR
    if following >= row.recount_until:
        row.recount_from, row.recount_until = None, None
    else:
        row.recount_from = following
    # Where there is none, they are past their time; what was counted of them stays.
    if rows:
        _replace(session, model, version, hour, rows, counts)
    return rows


def _recounted(
    session: Session, profile: Profile, row: ProfileRow, hour: datetime
) -> tuple[int, Counts]:
    rows, counts = 0, np.zeros(profile.size, dtype=np.int64)
    records = session.execute(
        _RECORDS,
        {"model": row.model_name, "version": row.version, "hour": hour, "end": hour + HOUR},
        execution_options={"stream_results": True, "yield_per": PAGE},
    )
    for page in records.scalars().partitions():
        rows += len(page)
        counts += count(profile, [orjson.loads(line) for line in page])
    return rows, counts


def _replace(
    session: Session, model: str, version: str, hour: datetime, rows: int, counts: Counts
) -> None:
    version_at = {"model": model, "version": version}
    session.execute(_OF_HOUR, {**version_at, "hour": hour})
    session.execute(
        _PUT, {**version_at, "span": "hour", "at": hour, "rows": rows, "counts": _bytes(counts)}
    )
    day = floor(hour, DAY)
    hours = session.execute(_HOURS_OF_DAY, {**version_at, "day": day}).all()
    whole = np.frombuffer(b"".join(h.counts for h in hours), dtype="<i8").reshape(len(hours), -1)
    session.execute(
        _PUT,
        {
            **version_at, "span": "day", "at": day, "rows": sum(h.rows for h in hours),
            "counts": _bytes(whole.sum(axis=0)),
        },
    )  # fmt: skip
