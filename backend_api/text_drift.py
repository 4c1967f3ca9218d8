"""Comparing new texts of the log with those of a version's reference, as a job.

A person may order it for the last days; the watch does for each day that is over.
"""

import threading
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
from sqlalchemy import Row, TextClause, select, text
from sqlalchemy.orm import Session

from backend_api.context import Context
from backend_api.db import now, transaction
from backend_api.drift_counts import reference
from backend_api.errors import Conflict, ConsoleError
from backend_api.jobs import OPEN, begun, enqueue, note
from backend_api.operations.order import Order
from backend_api.predictions import ANSWERED, by_chance
from backend_api.registry import version_row
from backend_api.rules.drift import Part
from backend_api.rules.drift_kept import Rules, judgeable, unjudged
from backend_api.schemas import Outcome, TextDrift
from backend_api.states import DriftState, JobState
from backend_api.tables import JobRow
from shared.profile import Profile

KIND = "text-drift"
MOST = 2_000
# A day's judgement goes on without its words when a job has not compared them in so long.
PATIENCE = timedelta(hours=3)

_NEW = f"""
    SELECT input #>> CAST(:path AS text[]) FROM model_predictions
    WHERE model_name = :model AND version = :version AND predicted_at >= :since
        AND predicted_at < :until AND {ANSWERED}
        AND jsonb_typeof(input #> CAST(:path AS text[])) = 'string'
"""
_OLD = text("SELECT texts FROM drift_texts WHERE model_name = :model AND version = :version")
_KEEP = text("""
    INSERT INTO drift_text_results VALUES (:job, :model, :version, :at, :since, :until,
        CAST(:found AS jsonb)) ON CONFLICT DO NOTHING
""")
_NEWEST = text("""
    SELECT version, at, since, until, found FROM drift_text_results
    WHERE model_name = :model AND version = :version ORDER BY at DESC LIMIT :most
""")
_ENDED = text("""
    SELECT version, at, since, until, found FROM drift_text_results
    WHERE model_name = :model AND version = :version AND until > :since AND until <= :until
    ORDER BY at DESC LIMIT 1
""")
_OF = text("""
    SELECT version, at, since, until, found FROM drift_text_results
    WHERE model_name = :model AND version = :version AND since = :since AND until = :until
    ORDER BY at DESC LIMIT 1
""")


def order(
    session: Session, wanted: Order, model: str, version: str, days: int, rules: Rules
) -> Outcome:
    """Put the comparison of the last days on the queue.

    Raises:
        NotFound: no such version, or it has no reference.
        Conflict: it reads no text, or its text is not kept whole, or no texts came with its
            reference, or it is under way.
    """
    version_row(session, model, version)
    _path(reference(session, model, version), model, rules)
    if _texts(session, model, version) is None:
        raise Conflict(
            f"The reference of {model} {version} came without texts to compare with.",
            "Train and register it again: references keep a sample of texts since then.",
        )
    span = (wanted.now - timedelta(days=days), wanted.now)
    job = enqueue(session, KIND, wanted, model, version, _arguments(span))
    return Outcome(
        sentence=f"Texts of the last {days} days are compared with those of {model} {version}.",
        model_name=model,
        version=version,
        job_id=job,
    )


def _path(profile: Profile, model: str, rules: Rules) -> tuple[str, ...]:
    """Where the text stands that can be compared."""
    if not profile.text_path:
        raise Conflict(
            f"{model} reads no text.", "Its fields are compared one by one on the Drift page."
        )
    kept, _ = judgeable(profile, rules)
    if not kept.text_path:
        raise Conflict(
            f"The texts of {model} cannot be compared: {unjudged(profile, rules)}",
            "What the log keeps is set by privacy.log in models.yaml.",
        )
    return kept.text_path


def _arguments(span: tuple[datetime, datetime]) -> dict[str, str]:
    return {"since": span[0].isoformat(), "until": span[1].isoformat()}


def is_settled(
    session: Session, model: str, version: str, span: tuple[datetime, datetime], at: datetime,
    actor: str,
) -> bool:  # fmt: skip
    """Whether nothing more will be known of the words of these days, which ended at ``span[1]``.

    They are compared, or cannot be, or it failed, or took too long. Else the comparison is put on
    the queue if it is not there yet.
    """
    if of(session, model, version, *span) is not None:
        return True
    path = reference(session, model, version).text_path
    if not path or _texts(session, model, version) is None:
        return True
    ordered = (JobRow.kind == KIND, JobRow.model_name == model, JobRow.version == version)
    mine = (JobRow.created_by == actor, JobRow.created_at >= span[1])
    job = session.scalar(
        select(JobRow).where(*ordered, *mine).order_by(JobRow.created_at.desc()).limit(1)
    )
    if job is not None and (job.state == JobState.FAILED or at > job.created_at + PATIENCE):
        return True
    # Somebody else's, of other days, ends first: one of a version is under way at a time.
    under_way = select(JobRow.id).where(*ordered, JobRow.state.in_(OPEN)).limit(1)
    if session.scalar(under_way) is None:
        wanted = Order(actor, "the words of each day are compared", uuid4(), at)
        enqueue(session, KIND, wanted, model, version, _arguments(span))
    return False


def _texts(session: Session, model: str, version: str) -> list[str] | None:
    found: list[str] | None = session.scalar(_OLD, {"model": model, "version": version})
    return found


def compare(context: Context, arguments: dict[str, str], stop: threading.Event) -> None:
    """Do it; what fails in between leaves no result."""
    job = UUID(arguments["job_id"])
    model, version = arguments["model"], arguments["version"]
    since, until = (datetime.fromisoformat(arguments[name]) for name in ("since", "until"))
    say = begun(context, job)
    try:
        with transaction(context.engine, None) as session:
            rules = context.catalog.get(model).privacy.log
            path = _path(reference(session, model, version), model, rules)
            old = _texts(session, model, version) or []
            values: dict[str, Any] = {
                "model": model, "version": version, "since": since, "until": until,
                "path": list(path[1:]),
            }  # fmt: skip
            new = by_chance(session, _NEW, values, MOST)
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
                "job": job, "model": model, "version": version, "at": now(), "since": since,
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


def _wire(row: Row[Any]) -> TextDrift:
    said = _sentence(row.found["state"], row.found["score"], row.found["rows"])
    return TextDrift(
        version=row.version, at=row.at, since=row.since, until=row.until, sentence=said, **row.found
    )


def newest(session: Session, model: str, version: str, most: int = 1) -> list[TextDrift]:
    """What the last comparisons found, newest first."""
    rows = session.execute(_NEWEST, {"model": model, "version": version, "most": most})
    return [_wire(row) for row in rows]


def _only(session: Session, query: TextClause, **values: object) -> TextDrift | None:
    row = session.execute(query, values).one_or_none()
    return None if row is None else _wire(row)


def of(
    session: Session, model: str, version: str, since: datetime, until: datetime
) -> TextDrift | None:
    """What comparing exactly these days found, if they were compared."""
    return _only(session, _OF, model=model, version=version, since=since, until=until)


def ended_in(
    session: Session, model: str, version: str, since: datetime, until: datetime
) -> TextDrift | None:
    """What the newest comparison found of days whose last one lies in this time."""
    return _only(session, _ENDED, model=model, version=version, since=since, until=until)


def part(found: TextDrift | None) -> Part | None:
    """A comparison as a part of a model's state; None where it could not say anything."""
    if found is None or found.score is None:
        return None
    return Part("text", found.state, found.score, found.noise or 0.0)
