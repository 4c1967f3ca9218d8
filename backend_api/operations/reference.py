"""What a version's predictions are counted into: set once, and the log counted again from then."""

from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from backend_api import predictions
from backend_api.candidate import Reference
from backend_api.errors import BadRequest, Conflict
from backend_api.operations.order import Order
from backend_api.registry import version_row
from backend_api.rules.drift import ROWS_MEDIUM
from backend_api.schemas import Outcome
from backend_api.spans import HOUR, ceiling, floor
from backend_api.tables import ProfileRow
from shared.profile import Profile, ProfileError, as_document, read
from shared.reference import infer, make

# With fewer nothing could ever be called alike, and there is no second reference.
FEWEST_ROWS = ROWS_MEDIUM
MOST_ROWS = 20_000

_KEEP = text("""
    INSERT INTO drift_profiles
        (model_name, version, profile, problem, origin, recount_from, recount_until)
    VALUES (:model, :version, CAST(:profile AS jsonb), :problem, :origin, :since, :until)
    ON CONFLICT (model_name, version) DO UPDATE SET profile = excluded.profile,
        problem = excluded.problem, origin = excluded.origin, made_by = excluded.made_by,
        made_at = excluded.made_at, recount_from = excluded.recount_from,
        recount_until = excluded.recount_until
    WHERE drift_profiles.profile IS NULL
    RETURNING model_name
""")
_KEEP_TEXTS = text("""
    INSERT INTO drift_texts VALUES (:model, :version, CAST(:texts AS jsonb)) ON CONFLICT DO NOTHING
""")

_KEEP_HELD_OUT = text("""
    INSERT INTO held_out_answers VALUES (:model, :version, CAST(:rows AS jsonb))
    ON CONFLICT DO NOTHING
""")


def keep(
    session: Session, model: str, version: str, found: Reference, origin: str,
    log: tuple[datetime, datetime] | None = None,
) -> bool:  # fmt: skip
    """Write what was found, unless there is a reference already; whether it was written.

    ``log`` is the time whose predictions are to be counted into it. Its last hour is followed by
    another one: while the reference was fetched, answers came that were not counted.
    """
    # Texts and held-out answers are kept apart: whoever counts needs none.
    whole = dict(found.document or {})
    texts, held_out = whole.pop("texts", None), whole.pop("held_out", None)
    document = orjson.dumps(whole).decode() if whole else None
    since = until = None
    if log and document:
        since, until = floor(log[0], HOUR), ceiling(log[1], HOUR) + HOUR
    values = {
        "model": model, "version": version, "profile": document, "problem": found.problem,
        "origin": origin, "since": since, "until": until,
    }  # fmt: skip
    kept = session.execute(_KEEP, values).first() is not None
    if kept and isinstance(texts, list) and all(isinstance(t, str) for t in texts) and texts:
        session.execute(
            _KEEP_TEXTS,
            {"model": model, "version": version, "texts": orjson.dumps(texts).decode()},
        )
    usable = [row for row in held_out if _judgeable(row)] if isinstance(held_out, list) else []
    if kept and usable:
        session.execute(
            _KEEP_HELD_OUT,
            {"model": model, "version": version, "rows": orjson.dumps(usable).decode()},
        )
    return kept


def _judgeable(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and {"answer", "label"} <= row.keys()
        and isinstance(row.get("confidence"), float)
        and 0 <= row["confidence"] <= 1
    )


def give(
    session: Session, order: Order, model: str, version: str, document: dict[str, Any]
) -> Outcome:
    """Set the reference that somebody made of rows of their own.

    Raises:
        BadRequest: it is none, or made of too few rows.  Conflict: the version has a reference.
    """
    try:
        profile = read(document)
    except ProfileError as error:
        raise BadRequest(
            f"This is no reference: {error}.",
            f"`nivesh reference {model} {version} FILE` makes one.",
        ) from error
    return _set(session, order, model, version, profile, "records", "rows that were given")


def give_from_log(session: Session, order: Order, model: str, version: str, days: int) -> Outcome:
    """Make the reference of the first days of the version's own answers.

    Raises:
        BadRequest: it has answered too little.  Conflict: the version has a reference.
    """
    row = version_row(session, model, version)
    first: datetime | None = session.scalar(
        text(
            "SELECT min(predicted_at) FROM model_predictions WHERE model_name = :model"
            " AND version = :version AND predicted_at >= :since"
        ),
        {"model": model, "version": version, "since": row.created_at},
    )
    since = first or order.now
    records = predictions.sample(
        session, model, version, since, since + timedelta(days=days), MOST_ROWS
    )
    if len(records) < FEWEST_ROWS:
        raise _few(model, version, len(records))
    try:
        profile = make(infer(records), records)
    except ProfileError as error:
        raise BadRequest(f"No reference can be made of these answers: {error}.") from error
    told = f"of its own from {since:%Y-%m-%d %H:%M} UTC on"
    return _set(session, order, model, version, profile, "log", told)


def _few(model: str, version: str, rows: int) -> BadRequest:
    return BadRequest(
        f"A reference of {model} {version} needs {FEWEST_ROWS:,} rows or more, and not {rows:,}.",
        "With fewer nothing could be called alike, and a reference is never overwritten. Give a"
        " random sample of the rows that it was tested on, or wait until it has answered so many.",
    )


def _set(
    session: Session, order: Order, model: str, version: str, profile: Profile, origin: str,
    told: str,
) -> Outcome:  # fmt: skip
    row = version_row(session, model, version)
    if profile.rows < FEWEST_ROWS:
        raise _few(model, version, profile.rows)
    log = (row.created_at, order.now)
    if not keep(session, model, version, Reference(as_document(profile)), origin, log):
        raise Conflict(
            f"{model} {version} has a reference, and a reference is never overwritten.",
            "Register the model again as another version to compare with other rows.",
        )
    order.record(
        session, "drift.reference", model=model, version=version,
        evidence={"origin": origin, "rows": profile.rows, "features": len(profile.features)},
    )  # fmt: skip
    names = ", ".join(f.name for f in profile.features[:8])
    return Outcome(
        sentence=f"{model} {version} is compared with {profile.rows:,} {told}, in"
        f" {len(profile.features)} features ({names}). What was logged before is being counted.",
        model_name=model,
        version=version,
    )


def recount(session: Session, order: Order, model: str, version: str, days: int) -> Outcome:
    """Have the last days of the log counted again, hour by hour, beside the traffic.

    Raises:
        NotFound: no such version.  Conflict: it has no reference to count into.
    """
    version_row(session, model, version)
    row = session.get(ProfileRow, (model, version), with_for_update=True)
    if row is None or row.profile is None:
        raise Conflict(
            f"{model} {version} has no reference, so nothing can be counted.",
            f"Give it one: nivesh reference {model} {version} FILE, or --from-log DAYS.",
        )
    since = floor(order.now - timedelta(days=days), HOUR)
    row.recount_from = min(since, row.recount_from or since)
    row.recount_until = ceiling(order.now, HOUR)
    order.record(session, "drift.recount", model=model, version=version, evidence={"days": days})
    return Outcome(
        sentence=f"The last {days} days of {model} {version} are being counted again.",
        model_name=model,
        version=version,
    )
