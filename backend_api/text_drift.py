"""Comparing new texts of the log with those of a version's reference, as a job."""

import threading
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from backend_api.context import Context
from backend_api.db import now, transaction
from backend_api.drift_counts import reference
from backend_api.errors import Conflict, ConsoleError
from backend_api.jobs import begun, enqueue, note
from backend_api.operations.order import Order
from backend_api.predictions import ANSWERED, BY_CHANCE
from backend_api.registry import version_row
from backend_api.schemas import Outcome, TextDrift
from backend_api.states import DriftState, JobState

KIND = "text-drift"
MOST = 2_000

_NEW = text(f"""
    SELECT input #>> CAST(:path AS text[]) FROM model_predictions
    WHERE model_name = :model AND version = :version AND predicted_at >= :since
        AND predicted_at < :until AND {ANSWERED}
        AND jsonb_typeof(input #> CAST(:path AS text[])) = 'string'
    {BY_CHANCE}
""")
_OLD = text("SELECT texts FROM drift_texts WHERE model_name = :model AND version = :version")
_KEEP = text("""
    INSERT INTO drift_text_results VALUES (:job, :model, :version, :at, :since, :until,
        CAST(:found AS jsonb)) ON CONFLICT DO NOTHING
""")
_NEWEST = text("""
    SELECT version, at, since, until, found FROM drift_text_results
    WHERE model_name = :model AND version = :version ORDER BY at DESC LIMIT 1
""")


def order(session: Session, wanted: Order, model: str, version: str, days: int) -> Outcome:
    """Put the comparison of the last days on the queue.

    Raises:
        NotFound: no such version, or it has no reference.
        Conflict: it reads no text, or no texts came with its reference, or it is under way.
    """
    version_row(session, model, version)
    if not reference(session, model, version).text_path:
        raise Conflict(
            f"{model} reads no text.", "Its fields are compared one by one on the Drift page."
        )
    if _texts(session, model, version) is None:
        raise Conflict(
            f"The reference of {model} {version} came without texts to compare with.",
            "Train and register it again: references keep a sample of texts since then.",
        )
    job = enqueue(session, KIND, wanted, model, version, {"days": str(days)})
    return Outcome(
        sentence=f"Texts of the last {days} days are compared with those of {model} {version}.",
        model_name=model,
        version=version,
        job_id=job,
    )


def _texts(session: Session, model: str, version: str) -> list[str] | None:
    found: list[str] | None = session.scalar(_OLD, {"model": model, "version": version})
    return found


def compare(context: Context, arguments: dict[str, str], stop: threading.Event) -> None:
    """Do it; what fails in between leaves no result."""
    job = UUID(arguments["job_id"])
    model, version = arguments["model"], arguments["version"]
    until = now()
    since = until - timedelta(days=int(arguments["days"]))
    say = begun(context, job)
    try:
        with transaction(context.engine, None) as session:
            path = reference(session, model, version).text_path
            old = _texts(session, model, version) or []
            values: dict[str, Any] = {
                "model": model, "version": version, "since": since, "until": until,
                "path": list(path[1:]), "most": MOST,
            }  # fmt: skip
            new = list(session.scalars(_NEW, values))
    except ConsoleError as error:
        note(context, job, JobState.FAILED, 1.0, error.message)
        return
    say(0.3, f"Comparing {len(new):,} texts with {len(old):,}")
    # It brings half a second of imports, which no other job and no request should pay.
    from backend_api.rules import text_drift as rule

    found = rule.compare(old, new)
    with transaction(context.engine, arguments["actor"]) as session:
        session.execute(
            _KEEP,
            {
                "job": job, "model": model, "version": version, "at": until, "since": since,
                "until": until, "found": orjson.dumps(asdict(found)).decode(),
            },
        )  # fmt: skip
    note(context, job, JobState.SUCCEEDED, 1.0, _sentence(found.state, found.score, len(new)))


def _sentence(state: str, score: float | None, rows: int) -> str:
    if state == DriftState.INSUFFICIENT:
        return f"{rows:,} texts are too few to say whether they changed."
    told = {
        DriftState.NONE: "Texts are as those of the reference",
        DriftState.MEDIUM: "Texts differ from those of the reference",
        DriftState.HIGH: "Texts are clearly others than those of the reference",
    }[DriftState(state)]
    return f"{told}: score {score:.2f} over {rows:,} texts."


def newest(session: Session, model: str, version: str) -> TextDrift | None:
    """What the last comparison found, if there was one."""
    row = session.execute(_NEWEST, {"model": model, "version": version}).one_or_none()
    if row is None:
        return None
    said = _sentence(row.found["state"], row.found["score"], row.found["rows"])
    return TextDrift(
        version=row.version, at=row.at, since=row.since, until=row.until, sentence=said, **row.found
    )
