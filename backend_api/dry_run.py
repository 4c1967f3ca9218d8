"""A plan walked through the prediction log: SQL counts minutes, the rules walk."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, cast

import numpy as np
from sqlalchemy import CursorResult, TextClause, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from backend_api import db, dry_run_words
from backend_api.catalog import ModelEntry
from backend_api.errors import BadRequest, Unavailable
from backend_api.operations.course import frozen, rule_plan
from backend_api.rules import dry_run as rule
from backend_api.rules.rollout_plan import Plan
from backend_api.schemas import DryRun, DryRunCatch, DryRunResult, DryRunStep, Stall
from backend_api.states import DryRunOutcome
from shared.split import bucket

# In all; whoever asks waits for it, and gives up after 20.
SECONDS = 15.0
# A million groups are sorted on disk otherwise; one dry run is asked for at a time.
MEMORY = "128MB"
# Each is hashed as a request of theirs would be: about a microsecond and 100 bytes.
MOST_PEOPLE = 1_000_000
BATCH = 50_000
STALLS = 100

# One look at the log; all else is asked of these rows. Who has no key is one row a minute.
_UNITS = text(
    """
    CREATE TEMPORARY TABLE dry_run_units ON COMMIT DROP AS
    SELECT date_trunc('minute', predicted_at) AS minute, entity_key, count(*) AS requests,
        bool_or(status = 'error') AS failed
    FROM model_predictions
    WHERE model_name = :model AND predicted_at >= :since AND predicted_at < :until
        AND arm IN ('production', 'canary')
    GROUP BY 1, 2
    """
)
_PEOPLE = "CREATE TEMPORARY TABLE dry_run_people (entity_key text, place int) ON COMMIT DROP"
_PLACES = text(
    "INSERT INTO dry_run_people SELECT * FROM unnest(CAST(:keys AS text[]), CAST(:places AS int[]))"
)
_MINUTES = text(
    """
    SELECT floor(extract(epoch FROM minute - CAST(:start AS timestamptz)) / 60)::int AS number,
        place, count(*) AS units, count(*) FILTER (WHERE failed) AS errors
    FROM dry_run_units JOIN dry_run_people USING (entity_key) GROUP BY 1, 2
    """
)
_VISITS = text(
    """
    SELECT units, count(*) AS people FROM (
        SELECT entity_key, count(*) AS units
        FROM unnest(CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[]),
                CAST(:orders AS int[])) AS step (since, until, number)
        JOIN dry_run_units u ON u.minute >= step.since AND u.minute < step.until
        JOIN dry_run_people p USING (entity_key)
        WHERE p.place <= step.number GROUP BY 1
    ) visited GROUP BY 1
    """
)


def plan_of(entry: ModelEntry, body: DryRun) -> Plan:
    """The plan that was asked for, with the model's own where nothing was said."""
    own = rule_plan(frozen(entry.rollout))
    return replace(
        own,
        steps=tuple(sorted(set(body.steps))) if body.steps else own.steps,
        each=timedelta(hours=body.hours) if body.hours else own.each,
        least=body.min_requests or own.least,
    )


def run(
    session: Session, entry: ModelEntry, model: str, body: DryRun, now: datetime
) -> DryRunResult:
    """Walk the plan through the log of the last days; nothing is kept.

    Raises:
        BadRequest: too many people, or an assumed rate that is no regression.
        Unavailable: it takes longer than ``SECONDS``.
    """
    try:
        session.execute(text(f"SET LOCAL work_mem = '{MEMORY}'"))
        return _run(_Timed(session), plan_of(entry, body), model, body, now)
    except (OperationalError, TimeoutError) as error:
        if not isinstance(error, TimeoutError) and not db.overran(error):
            raise
        raise Unavailable(
            f"Replaying {body.days} days of {model} takes longer than {SECONDS:g} s.",
            "Choose fewer days; nothing was changed.",
        ) from error


class _Timed:
    """A session whose statements together may take ``SECONDS``."""

    def __init__(self, session: Session) -> None:
        self._session, self._end = session, monotonic() + SECONDS

    def __call__(self, statement: str | TextClause, values: Any = None) -> CursorResult[Any]:
        left = int(1000 * (self._end - monotonic()))
        if left <= 0:
            raise TimeoutError
        self._session.execute(text(f"SET LOCAL statement_timeout = {left}"))
        found = text(statement) if isinstance(statement, str) else statement
        return cast(CursorResult[Any], self._session.execute(found, values))


def _run(run: _Timed, plan: Plan, model: str, body: DryRun, now: datetime) -> DryRunResult:
    until = now.replace(second=0, microsecond=0)
    run(_UNITS, {"model": model, "since": until - timedelta(days=body.days), "until": until})
    run("ANALYZE dry_run_units")
    seen = run(
        "SELECT min(minute) AS first, coalesce(sum(requests), 0)::bigint AS requests,"
        " coalesce(sum(requests) FILTER (WHERE entity_key IS NULL), 0)::bigint AS keyless"
        " FROM dry_run_units"
    ).one()
    people = _split(run, rule.shares(plan), model, body)
    start: datetime = seen.first or until
    traffic = _traffic(run, len(rule.shares(plan)), start, until)
    found = rule.walk(traffic, plan) if people else None
    done = found is not None and found.outcome != DryRunOutcome.UNFINISHED
    result = DryRunResult(
        model_name=model, days=body.days, since=start, until=until, requests=seen.requests,
        keyless=seen.keyless, people=people,
        outcome=found.outcome if found else DryRunOutcome.NO_TRAFFIC,
        ends_at=traffic.at(found.end) if found and done else None,
        minutes=found.end if found else None,
        steps=[_step(traffic, step) for step in found.steps] if found else [],
        stalls=_stalls(traffic, found) if found else [],
        assumed=_assumed(run, traffic, found, body) if found else None, sentence="",
    )  # fmt: skip
    return result.model_copy(update={"sentence": dry_run_words.told(result, plan)})


def _split(run: _Timed, shares: tuple[int, ...], model: str, body: DryRun) -> int:
    """Note for every user the first share above their place in the split, as inference has it."""
    keys = run(
        "SELECT entity_key FROM dry_run_units WHERE entity_key IS NOT NULL GROUP BY 1"
        f" LIMIT {MOST_PEOPLE + 1}"
    ).scalars()
    found = keys.all()
    if len(found) > MOST_PEOPLE:
        raise BadRequest(
            f"More than {MOST_PEOPLE:,} people called {model} in {body.days} days, and a dry run"
            " takes no more.",
            "Choose fewer days.",
        )
    run(_PEOPLE)
    for at in range(0, len(found), BATCH):
        part = list(found[at : at + BATCH])
        places = np.searchsorted(shares, [bucket(key, body.salt) for key in part], side="right")
        run(_PLACES, {"keys": part, "places": places.tolist()})
    run("ANALYZE dry_run_people")
    return len(found)


def _traffic(run: _Timed, shares: int, start: datetime, until: datetime) -> rule.Log:
    """The log by minute and by the first share that gives a user the canary."""
    shape = (int((until - start) / rule.MINUTE), shares + 1)
    units, errors = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    rows = run(_MINUTES, {"start": start}).all()
    if rows:
        numbers, places, counts, failed = np.array([tuple(row) for row in rows]).T
        units[numbers, places], errors[numbers, places] = counts, failed
    return rule.Log(start, units, errors)


def _step(traffic: rule.Log, step: rule.Step) -> DryRunStep:
    return DryRunStep(
        share=step.share, since=traffic.at(step.begin),
        least_at=None if step.least is None else traffic.at(step.least),
        until=None if step.done is None else traffic.at(step.done), minutes=step.minutes,
        canary_units=step.canary, stable_units=step.stable, error_rate=step.rate,
        detectable=step.detectable, stalled_minutes=sum(b - a for a, b in step.stalls),
    )  # fmt: skip


def _stalls(traffic: rule.Log, found: rule.Walk) -> list[Stall]:
    return [
        Stall(share=step.share, since=traffic.at(a), until=traffic.at(b))
        for step in found.steps
        for a, b in step.stalls
    ][:STALLS]


def _assumed(run: _Timed, traffic: rule.Log, found: rule.Walk, body: DryRun) -> DryRunCatch | None:
    worse = body.errors_to
    if worse is None:
        return None
    rate = body.errors_from or (traffic.errors.sum() + 0.5) / (traffic.units.sum() + 1)
    if worse <= rate:
        own = "" if body.errors_from else ", which is what the log shows,"
        raise BadRequest(
            f"A rise of errors from {rate:.2%}{own} to {worse:.2%} is none.",
            "Send an errors_to that is higher.",
        )
    hit = rule.caught(found, rate, worse)
    end = hit.minute if hit else found.end
    visits = _visits(run, traffic, rule.spans(found, end))
    people = sum(visits.values())
    caught = DryRunCatch(
        errors_from=rate, errors_to=worse, caught_at=traffic.at(hit.minute) if hit else None,
        share=hit.step.share if hit else None, minutes=end, people=people,
        people_hit=rule.people_hit(list(visits.items()), worse - rate), sentence="",
    )  # fmt: skip
    return caught.model_copy(update={"sentence": dry_run_words.caught(caught)})


def _visits(run: _Timed, traffic: rule.Log, spans: Sequence[tuple[int, int, int]]) -> Counter[int]:
    """How many people had so many units with the canary."""
    rows = run(
        _VISITS,
        {
            "since": [traffic.at(a) for a, _, _ in spans],
            "until": [traffic.at(b) for _, b, _ in spans],
            "orders": [order for _, _, order in spans],
        },
    )
    return Counter({row.units: row.people for row in rows})
