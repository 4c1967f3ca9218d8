"""Counting answers and their labels by the hour, and reading how right a model is."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from backend_api import deployment, incidents
from backend_api.catalog import AccuracyPlan
from backend_api.predictions import ANSWERED
from backend_api.registry import version_row
from backend_api.rules import accuracy as rule
from backend_api.rules import calibration, label
from backend_api.rules.accuracy import Baseline, Tally
from backend_api.rules.calibration import EDGES, NO_CONFIDENCE, Bin
from backend_api.schemas import Accuracy, AccuracyDay, AccuracyMethod, AccuracySpan
from backend_api.spans import DAY, HOUR, floor
from backend_api.states import IncidentKind

EVERY = timedelta(minutes=2)
# Records come late by minutes when a host is busy. Deliveries note the hours of those that come
# later; what is not late to them may still be on its way for five minutes.
LATE = timedelta(minutes=15)
# The most that one look counts, so that months are caught up on in small transactions.
CHUNK = timedelta(hours=6)
OLDEST = timedelta(days=90)
# What the estimate learns from, and what a drop is measured from where no metric is named.
HISTORY = timedelta(days=90)
LEAST_BASELINE = 300

_PLACE = f"""
    model_name, date_trunc('hour', predicted_at) AS hour, version,
    coalesce(width_bucket(confidence::float8, ARRAY{list(EDGES)}::float8[]), {NO_CONFIDENCE})
        AS bin
"""
_COUNT = text(
    f"""
    INSERT INTO accuracy_hours (model_name, hour, version, bin, predictions, confidence, labelled,
        correct)
    SELECT {_PLACE}, count(*), coalesce(sum(confidence), 0), count(correct),
        count(*) FILTER (WHERE correct)
    FROM model_predictions
    WHERE model_name = :model AND predicted_at >= :since AND predicted_at < :until
        AND {ANSWERED}
    GROUP BY 1, 2, 3, 4
    ON CONFLICT (model_name, hour, version, bin) DO UPDATE
    SET predictions = excluded.predictions, confidence = excluded.confidence,
        labelled = excluded.labelled, correct = excluded.correct
    -- Fewer than there were: the others are past their time, and stay counted.
    WHERE excluded.predictions >= accuracy_hours.predictions
    """
)
_COUNT_LABELS = text(
    f"""
    INSERT INTO accuracy_hours (model_name, hour, version, bin, predictions, confidence, labelled,
        correct)
    SELECT {_PLACE}, count(*), coalesce(sum(confidence), 0), count(*),
        count(*) FILTER (WHERE correct)
    FROM model_predictions
    WHERE model_name = :model AND predicted_at >= :since AND predicted_at < :until
        AND arm IN ('production', 'canary') AND correct IS NOT NULL
    GROUP BY 1, 2, 3, 4
    ON CONFLICT (model_name, hour, version, bin) DO UPDATE
    SET labelled = excluded.labelled, correct = excluded.correct,
        -- Labels may come before their answers are counted: until then these are all there are.
        predictions = greatest(accuracy_hours.predictions, excluded.predictions),
        confidence = CASE WHEN accuracy_hours.predictions < excluded.predictions
            THEN excluded.confidence ELSE accuracy_hours.confidence END
    """
)
_LATE_HOURS = text(
    """
    WITH oldest AS (SELECT DISTINCT hour FROM accuracy_late WHERE model_name = :model
        ORDER BY hour LIMIT :most),
    taken AS (DELETE FROM accuracy_late WHERE model_name = :model
        AND hour IN (SELECT hour FROM oldest) RETURNING hour)
    SELECT DISTINCT hour FROM taken ORDER BY hour
    """
)
_DAYS = text(
    """
    SELECT date_trunc('day', hour)::date AS day, bin, sum(predictions)::bigint AS predictions,
        sum(confidence) AS confidence, sum(labelled)::bigint AS labelled,
        sum(correct)::bigint AS correct
    FROM accuracy_hours
    WHERE model_name = :model AND hour >= :since
        AND (CAST(:version AS text) IS NULL OR version = :version)
    GROUP BY 1, 2
    """
)

Days = dict[date, dict[int, Bin]]


def lock(session: Session, model: str) -> None:
    """Be the only one that labels or counts a model, until the transaction ends."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"nivesh.labels.{model}"}
    )


def count(session: Session, model: str, since: datetime, until: datetime) -> None:
    """Count whole hours from the one that holds ``since``; again if they were counted."""
    values = {"model": model, "since": floor(since, HOUR), "until": until}
    session.execute(_COUNT, values)


def count_labels(session: Session, model: str, hours: Iterable[datetime]) -> None:
    """Count the labels of these hours again: only labelled rows are read."""
    for hour in sorted(set(hours)):
        values = {"model": model, "since": hour, "until": hour + HOUR}
        session.execute(_COUNT_LABELS, values)


def follow(session: Session, model: str, now: datetime) -> bool:
    """Count what is new, the last minutes again, and the hours of which records came late.

    Whether it was time to: between two counts nothing is read.

    A model that was never counted begins with its oldest record; who is behind comes nearer by
    ``CHUNK`` a look. Counting again changes nothing.
    """
    at = session.execute(
        text("SELECT counted_to, looked_at FROM accuracy_progress WHERE model_name = :model"),
        {"model": model},
    ).one_or_none()
    if at is not None and at.counted_to >= at.looked_at and now - at.looked_at < EVERY:
        return False
    lock(session, model)
    start = _oldest(session, model, now) if at is None else at.counted_to - LATE
    until = min(now, floor(start, HOUR) + CHUNK)
    count(session, model, start, until)
    # Deliveries that end from now on note their hours anew.
    for hour in session.scalars(_LATE_HOURS, {"model": model, "most": CHUNK // HOUR}).all():
        count(session, model, hour, hour + HOUR)
    session.execute(
        text(
            "INSERT INTO accuracy_progress VALUES (:model, :until, :now)"
            " ON CONFLICT (model_name) DO UPDATE SET counted_to = :until, looked_at = :now"
        ),
        {"model": model, "until": until, "now": now},
    )
    return True


def _oldest(session: Session, model: str, now: datetime) -> datetime:
    found: datetime | None = session.scalar(
        text(
            "SELECT min(predicted_at) FROM model_predictions"
            " WHERE model_name = :model AND predicted_at >= :since"
        ),
        {"model": model, "since": now - OLDEST},
    )
    return min(found or now, now)


def by_day(session: Session, model: str, since: datetime, version: str | None = None) -> Days:
    """Bins of confidence of each day (UTC) from the one that holds ``since``."""
    values = {"model": model, "since": floor(since, DAY), "version": version}
    days: Days = defaultdict(dict)
    for row in session.execute(_DAYS, values):
        days[row.day][row.bin] = Bin(row.predictions, row.confidence, row.labelled, row.correct)
    return days


@dataclass(frozen=True)
class Latest:
    """The mature days of the version in production, together, and what they are compared with."""

    version: str | None
    span: AccuracySpan | None
    baseline: Baseline | None
    fallen: bool


def _tally(bins: Iterable[Bin]) -> tuple[int, Tally]:
    found = list(bins)
    tally = Tally(sum(b.labelled for b in found), sum(b.right for b in found))
    return sum(b.predictions for b in found), tally


def _span(bins: Iterable[Bin], objective: float) -> AccuracySpan:
    predictions, tally = _tally(bins)
    judged = rule.judge(tally, objective)
    return AccuracySpan(
        predictions=predictions, labelled=tally.labelled, right=tally.right,
        coverage=rule.coverage(tally.labelled, predictions), share=tally.share, low=judged.low,
        high=judged.high, state=judged.state, needed=judged.needed, sentence=judged.sentence,
    )  # fmt: skip


def _mature(bins: Iterable[Bin], plan: AccuracyPlan) -> bool:
    predictions, tally = _tally(bins)
    return bool(tally.labelled) and rule.coverage(tally.labelled, predictions) >= plan.mature


def _first(now: datetime, days: int) -> date:
    """The first of so many days of UTC, of which today is the last."""
    return (floor(now, DAY) - (days - 1) * DAY).date()


def latest(session: Session, model: str, plan: AccuracyPlan, now: datetime) -> Latest:
    """How right the version in production was on the mature ones of the last days."""
    want = deployment.desired(session, model)
    version = want.production if want else None
    if version is None:
        return Latest(None, None, None, fallen=False)
    days = by_day(session, model, now - HISTORY, version)
    first = _first(now, plan.days)
    recent = [bins for day, bins in days.items() if day >= first and _mature(bins.values(), plan)]
    found = [one for bins in recent for one in bins.values()]
    baseline = _baseline(session, model, version, plan, days, first)
    if not found:
        return Latest(version, None, baseline, fallen=False)
    fallen = baseline is not None and rule.fallen(_tally(found)[1], baseline)
    return Latest(version, _span(found, plan.objective), baseline, fallen)


def _baseline(
    session: Session, model: str, version: str, plan: AccuracyPlan, days: Days, first: date
) -> Baseline | None:
    """The version's own metric, else the lower bound of what its labels showed before."""
    if plan.metric is not None:
        value = version_row(session, model, version).metrics.get(plan.metric)
        if value is not None:
            return Baseline(float(value), f"{plan.metric} of {version} when it was trained")
    before = [one for day, bins in days.items() if day < first for one in bins.values()]
    _, tally = _tally(before)
    if tally.labelled < LEAST_BASELINE:
        return None
    return Baseline(
        rule.bounds(tally)[0], f"at least this by {tally.labelled:,} earlier labels of {version}"
    )


def _held_out(
    session: Session, model: str, version: str | None, plan: AccuracyPlan
) -> calibration.Bins:
    """What the version brought along of rows with known labels, held against them as the log is."""
    found: str | None = session.scalar(
        text(
            "SELECT rows::text FROM held_out_answers"
            " WHERE model_name = :model AND version = :version"
        ),
        {"model": model, "version": version},
    )
    rows = orjson.loads(found) if found else []
    return calibration.bins(
        (row["confidence"], label.right(row["label"], row["answer"], plan.cut))
        for row in rows
        if label.unfit(row["label"], row["answer"], plan.output, plan.cut) is None
    )


def read(
    session: Session, model: str, plan: AccuracyPlan, now: datetime, days: int, version: str | None
) -> Accuracy:
    """All that the page shows: days newest first, the latest span, the estimate, the incident."""
    history = by_day(session, model, now - HISTORY, version)
    total: dict[int, Bin] = {}
    for bins in history.values():
        for place, found in bins.items():
            total[place] = total[place] + found if place in total else found
    first = _first(now, days)
    now_is = latest(session, model, plan, now)
    learnt = calibration.learn(total)
    if not learnt.learnt:
        tested = _held_out(session, model, version or now_is.version, plan)
        learnt = calibration.best(total, tested)
    counted_to: datetime | None = session.scalar(
        text("SELECT counted_to FROM accuracy_progress WHERE model_name = :model"),
        {"model": model},
    )
    return Accuracy(
        model_name=model, output=plan.output, objective=plan.objective, mature=plan.mature,
        version=now_is.version, latest_days=plan.days, latest=now_is.span, fallen=now_is.fallen,
        baseline=now_is.baseline.share if now_is.baseline else None,
        baseline_source=now_is.baseline.source if now_is.baseline else "",
        days=[
            AccuracyDay(
                **_span(bins.values(), plan.objective).model_dump(), day=day,
                mature=_mature(bins.values(), plan), estimate=calibration.estimate(bins, learnt),
            )
            for day, bins in sorted(history.items(), reverse=True)
            if day >= first
        ],
        estimate=AccuracyMethod(
            learnt=learnt.learnt, held_out=learnt.held_out, labels=learnt.labels,
            error=learnt.error, method=calibration.method(learnt), blind=calibration.BLIND,
        ),
        counted_to=counted_to,
        incident=incidents.under_way(session, model, IncidentKind.ACCURACY_DROP),
    )  # fmt: skip
