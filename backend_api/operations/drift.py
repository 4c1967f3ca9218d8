"""Judging each day once it is over, and what people say of the alarms."""

from dataclasses import asdict, replace
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from backend_api import deployment, drift_results, heartbeat, ledger, text_drift
from backend_api.db import due
from backend_api.drift_counts import days
from backend_api.errors import Conflict
from backend_api.operations import incident
from backend_api.operations.order import Order
from backend_api.rules import drift_words
from backend_api.rules.data_quality import quality
from backend_api.rules.drift import ROWS_MEDIUM, judge
from backend_api.rules.drift_course import Window, changed, raised, settle
from backend_api.rules.drift_kept import Rules
from backend_api.rules.drift_window import WIDEST, Look, narrowest
from backend_api.schemas import JudgeAlarm, Outcome
from backend_api.spans import DAY, floor
from backend_api.states import DriftState, IncidentKind, Severity
from backend_api.tables import DriftResultRow, RoutingRow, VersionRow
from shared.profile import Profile

# Records come late by minutes when a host is busy, and when the database was away they come once it
# is back. Who comes later still counts in windows only.
LATE = timedelta(minutes=30)
EVERY = timedelta(minutes=10)
# Days further back than this are not caught up on.
OLDEST = timedelta(days=90)


# Those that answered on days without a result; the one in production has one of each day.
_NEWS = text("""
    SELECT p.version FROM drift_profiles p CROSS JOIN LATERAL (
        SELECT greatest(CAST(:oldest AS timestamptz), max(r.day) + interval '1 day') AS at
        FROM drift_results r WHERE r.model_name = p.model_name AND r.version = p.version
    ) since
    WHERE p.model_name = :model AND p.profile IS NOT NULL
        -- While the log is counted again, days that were counted before would look empty.
        AND p.recount_from IS NULL
        AND (p.version = :production OR EXISTS (
            SELECT FROM drift_counts c WHERE c.model_name = p.model_name AND c.version = p.version
                AND c.span = 'day' AND c.at >= since.at AND c.at < :end
        ) OR EXISTS (
            SELECT FROM drift_deltas d WHERE d.model_name = p.model_name AND d.version = p.version
                AND d.hour >= since.at AND d.hour < :end
        ))
    ORDER BY p.version
""")


def waiting(session: Session, model: str, now: datetime) -> list[str] | None:
    """Versions of which a day may be over that was not judged yet; None: it is not time to look.

    It is once in ``EVERY``, whichever watch comes first. After an outage it is no time for
    ``LATE``: records are still being delivered.
    """
    back = heartbeat.back_since(session)
    if back is not None and now < back + LATE:
        return None
    if not due(session, f"drift {model}", now, EVERY):
        return None
    end = floor(now - LATE, DAY)
    values = {
        "model": model, "end": end, "oldest": end - OLDEST,
        "production": _production(session, model),
    }  # fmt: skip
    return list(session.scalars(_NEWS, values))


def _production(session: Session, model: str) -> str | None:
    desired = deployment.desired(session, model)
    return desired.production if desired else None


def catch_up(
    session: Session, model: str, version: str, now: datetime, actor: str, rules: Rules
) -> None:
    """Judge every day of a version that is over and was not judged yet.

    A version that answered nothing on a day has no result for it, but for the one in production:
    no traffic is no good news. Where a model reads text, the newest day waits for its words to be
    compared, which is ordered here. ``rules`` are the model's ``privacy.log``: what is not kept
    whole is not judged.
    """
    end = floor(now - LATE, DAY)
    last = drift_results.newest(session, model, version)
    since = end - OLDEST if last is None else max(end - OLDEST, _midnight(last.day) + DAY)
    if since >= end:
        return
    before = WIDEST - 1
    found = days(session, model, version, since - before * DAY, end).judgeable(rules)
    if not found.profile.features:
        return
    serving = _serving_since(session, model, version)
    state = DriftState.INSUFFICIENT if last is None else last.state
    seen = drift_results.judged(session, model, version)
    for place, day in enumerate(found.days[before:]):
        if not found.rows[before + place] and (serving is None or _midnight(day) < serving):
            continue
        window = slice(place, place + WIDEST)
        look = narrowest(found.profile, found.rows[window], found.counts[window])
        # With fewer texts the comparison says nothing; and of old days nobody waits for it.
        newest = _midnight(day) + DAY == end
        if newest and look.rows >= ROWS_MEDIUM and found.profile.text_path:
            span = (end - look.days * DAY, end)
            if not text_drift.is_settled(session, model, version, span, now, actor):
                return
            look = _with_words(session, model, version, found.profile, look, span)
        row = _judged(model, version, found.profile, day, look, now)
        seen.append(Window(DriftState(row.seen), day, look.days))
        after = settle(state, seen)
        row.state, row.changed, row.raised = after, changed(state, after), raised(state, after)
        session.add(row)
        session.flush()
        if row.changed:
            _tell(session, row, state, actor)
        state = after


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _serving_since(session: Session, model: str, version: str) -> datetime | None:
    """Since when the version is in production; None if it is not."""
    return session.scalar(
        select(VersionRow.deployed_at)
        .join(RoutingRow, RoutingRow.production_id == VersionRow.id)
        .where(VersionRow.model_name == model, VersionRow.version == version)
    )


def _with_words(
    session: Session, model: str, version: str, profile: Profile, look: Look,
    span: tuple[datetime, datetime],
) -> Look:  # fmt: skip
    """The same days with what comparing their words found, if it could say something."""
    part = text_drift.part(text_drift.of(session, model, version, *span))
    if part is None:
        return look
    return replace(look, judgement=judge(profile, profile.counts, look.counts, part))


def _judged(
    model: str, version: str, profile: Profile, day: date, look: Look, now: datetime
) -> DriftResultRow:
    """A day, with those before it where it takes them; its state is still to be settled."""
    judgement, rows = look.judgement, look.rows
    odd = quality(profile, profile.counts, look.counts)
    lead = {part.name: part for part in judgement.parts}
    worst = max(judgement.parts, key=lambda part: part.worst_distance or 0.0, default=None)
    return DriftResultRow(
        model_name=model, version=version, day=day, days=look.days, judged_at=now, rows=rows,
        seen=judgement.state, state=judgement.state, changed=False, raised=False, quality=odd.state,
        sentence=drift_words.sentence(version, rows, judgement, odd, look.days),
        prediction=lead["prediction"].distance if "prediction" in lead else None,
        input=lead["input"].distance if "input" in lead else None,
        text_score=lead["text"].distance if "text" in lead else None,
        worst=worst.worst if worst else None,
        worst_score=worst.worst_distance if worst else None,
        evidence={
            "parts": [asdict(part) for part in judgement.parts],
            "scores": [asdict(score) for score in judgement.scores],
            "odd": [asdict(one) for one in odd.findings],
            "reference_rows": profile.rows,
        },
    )  # fmt: skip


def _tell(session: Session, row: DriftResultRow, before: DriftState, actor: str) -> None:
    ledger.append(
        session, actor, f"drift.{row.state}", model=row.model_name, version=row.version,
        reason=row.sentence,
        evidence={
            "result": row.id, "day": row.day, "days": row.days, "from": before, "to": row.state,
            "rows": row.rows, "texts": row.text_score,
            "prediction": row.prediction, "input": row.input, "worst": row.worst,
            "worst_score": row.worst_score,
        },
    )  # fmt: skip


def review(session: Session, model: str, now: datetime, actor: str) -> None:
    """High drift of what serves wants somebody: to mend the data, or to retrain."""
    version = _production(session, model)
    found = drift_results.newest(session, model, version) if version else None
    if found is None or version is None:
        return
    incident.seen(
        session, actor, model, IncidentKind.DRIFT, Severity.MINOR,
        holds=found.state == DriftState.HIGH,
        title=f"Requests no longer look like what {model} {version} was made for",
        sentence=f"{found.day:%-d %b %Y}: {found.sentence}",
        evidence={
            "version": version, "result": found.id, "state": found.state, "worst": found.worst,
            "worst_score": found.worst_score, "rows": found.rows,
        },
        now=now,
    )  # fmt: skip


def judge_alarm(session: Session, order: Order, result_id: int, body: JudgeAlarm) -> Outcome:
    """Note whether an alarm was true; a later word replaces an earlier one.

    Raises:
        NotFound: no such result.
        Conflict: it raised no alarm.
    """
    row = drift_results.row(session, result_id)
    if not row.raised:
        raise Conflict(
            f"Nothing was raised on {row.day:%-d %b %Y}: {row.version} was {row.state}.",
            "Only the day on which a state became worse can be called true or false.",
        )
    row.true_alarm, row.told_by, row.told_at = body.true_alarm, order.actor, order.now
    row.told_why = order.reason
    word = "true" if body.true_alarm else "false"
    order.record(
        session, f"drift.{word}_alarm", model=row.model_name, version=row.version,
        evidence={"result": row.id, "day": row.day, "state": row.state},
    )  # fmt: skip
    session.flush()
    found = drift_results.precision(session, row.model_name)
    return Outcome(
        sentence=f"The alarm of {row.day:%-d %b %Y} is noted as {word}: {found.true} of"
        f" {found.true + found.false} judged alarms of {row.model_name} were true.",
        model_name=row.model_name, version=row.version,
    )  # fmt: skip
