"""A rollout as callers see it: plan, counts, verdicts, and the price of a share."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from backend_api import comparison, slo
from backend_api.catalog import ModelEntry
from backend_api.errors import NotFound
from backend_api.operations.course import frozen, plan_of, rule_plan, under_way
from backend_api.rules.budget import Left
from backend_api.rules.price import DAY, HOUR, Budget, Traffic, price
from backend_api.rules.sequential import interval
from backend_api.schemas import (
    ArmRate,
    Comparison,
    CountedMinute,
    Plan,
    Price,
    Rollout,
    RolloutStep,
    RolloutVerdict,
    Said,
)
from backend_api.tables import RolloutMinuteRow, RolloutRow, RolloutStepRow, VerdictRow

# Two days of minutes are as many points as a chart can show.
MINUTES, CHANGES = 2_880, 100


def newest(session: Session, model: str, now: datetime) -> Rollout:
    """The rollout under way, else the last one.

    Raises:
        NotFound: the model never had one.
    """
    row = session.scalar(
        select(RolloutRow)
        .where(RolloutRow.model_name == model)
        .order_by(RolloutRow.ended_at.is_(None).desc(), RolloutRow.started_at.desc())
        .limit(1)
    )
    if row is None:
        raise NotFound(
            f"{model} never had a canary.",
            "Ask for one on the Registry page: a promotion by canary, which a lead approves.",
        )
    asked = row.promotion
    return Rollout(
        model_name=model, kind=row.kind, canary=row.canary.version, stable=row.stable.version,
        state=row.state, revision=row.revision, share=row.share, plan=Plan.model_validate(row.plan),
        since=row.since, measured_from=row.measured_from, due_at=row.due_at, reason=row.reason,
        asked_by=asked.requested_by if asked else None,
        approved_by=asked.decided_by if asked else None, started_by=row.started_by,
        started_at=row.started_at, ended_by=row.ended_by,
        ended_at=row.ended_at, users=comparison.users(session, row, row.ended_at or now),
        latest=_latest(session, row), said=_said(session, row),
        timeline=_timeline(session, row), minutes=_minutes(session, row),
    )  # fmt: skip


def _latest(session: Session, row: RolloutRow) -> RolloutVerdict | None:
    found = session.scalar(
        select(VerdictRow)
        .where(VerdictRow.rollout_id == row.id)
        .order_by(VerdictRow.at.desc(), VerdictRow.id.desc())
        .limit(1)
    )
    if found is None:
        return None
    detail = {k: v for k, v in found.detail.items() if k != "findings"}
    return RolloutVerdict(
        at=found.at, share=found.share, verdict=found.verdict, sentence=found.sentence,
        comparisons=[_comparison(one) for one in found.detail["findings"]], **detail,
    )  # fmt: skip


def _comparison(stored: dict[str, Any]) -> Comparison:
    def arm(name: str) -> ArmRate:
        bad, units = stored[f"{name}_bad"], stored[f"{name}_units"]
        low, high = interval(bad, units)
        return ArmRate(bad=bad, units=units, low=low, high=high)

    return Comparison(
        name=stored["name"], title=stored["title"], canary=arm("canary"), stable=arm("stable"),
        log_evidence=stored["log_evidence"], detectable=stored["detectable"],
    )  # fmt: skip


def _said(session: Session, row: RolloutRow) -> list[Said]:
    """Verdicts where they changed, newest first."""
    rows = session.execute(
        text(
            """
            SELECT at, share, verdict, sentence FROM (
                SELECT *, lag((share, verdict)) OVER (ORDER BY at, id) AS before
                FROM rollout_verdicts WHERE rollout_id = :id
            ) v WHERE before IS DISTINCT FROM (share, verdict) ORDER BY at DESC LIMIT :most
            """
        ),
        {"id": row.id, "most": CHANGES},
    )
    return [Said.model_validate(dict(one)) for one in rows.mappings()]


def _timeline(session: Session, row: RolloutRow) -> list[RolloutStep]:
    """What was done to it, oldest first; of very many the newest."""
    rows = session.scalars(
        select(RolloutStepRow)
        .where(RolloutStepRow.rollout_id == row.id)
        .order_by(RolloutStepRow.id.desc())
        .limit(CHANGES)
    )
    return [
        RolloutStep(
            at=one.at, actor=one.actor, what=one.what, state=one.state, share=one.share,
            reason=one.reason,
        )
        for one in reversed(list(rows))
    ]  # fmt: skip


def _minutes(session: Session, row: RolloutRow) -> list[CountedMinute]:
    rows = session.scalars(
        select(RolloutMinuteRow)
        .where(RolloutMinuteRow.rollout_id == row.id)
        .order_by(RolloutMinuteRow.minute.desc())
        .limit(MINUTES)
    )
    return [
        CountedMinute(
            at=one.minute, share=one.share,
            **{
                f"{arm}_{name}": counts[name]
                for arm, counts in (("canary", one.canary), ("stable", one.stable))
                for name in ("units", "errors", "slow")
            },
        )
        for one in reversed(list(rows))
    ]  # fmt: skip


def priced(session: Session, model: str, entry: ModelEntry, share: int, now: datetime) -> Price:
    """What a step at this share would cost and could show, at the pace of the last hour."""
    row = under_way(session, model)
    chosen = plan_of(row) if row is not None else rule_plan(frozen(entry.rollout))
    hour = _traffic(session, model, min(chosen.each, DAY), now)
    budget = _budget(session, model, entry, hour, now)
    cost = price(hour, share, chosen.each, chosen.least, budget)
    return Price(
        share=share, users_an_hour=round(hour.users * share / 100), units_a_step=cost.units_a_step,
        people=cost.people, hours_to_least=cost.hours_to_least, error_rate=cost.error_rate,
        detectable=cost.detectable, errors_at_risk=cost.errors_at_risk,
        requests_at_risk=cost.requests_at_risk, budget_at_risk=cost.budget_at_risk,
        budget_left=budget.left, budget_days=budget.days, sentence=cost.sentence,
    )  # fmt: skip


def _traffic(session: Session, model: str, step: timedelta, now: datetime) -> Traffic:
    hour = session.execute(
        text(
            """
            SELECT count(DISTINCT entity_key) AS users, count(*) AS units,
                count(*) FILTER (WHERE failed) AS errors,
                coalesce(sum(requests), 0)::bigint AS requests
            FROM (SELECT entity_key, bool_or(status = 'error') AS failed, count(*) AS requests
                FROM model_predictions
                WHERE model_name = :model AND predicted_at >= :since
                    AND entity_key IS NOT NULL AND arm IN ('canary', 'production')
                GROUP BY entity_key, date_trunc('minute', predicted_at)) u
            """
        ),
        {"model": model, "since": now - HOUR},
    ).one()
    people = session.scalar(
        text(
            "SELECT count(DISTINCT entity_key) FROM model_predictions"
            " WHERE model_name = :model AND predicted_at >= :since"
            " AND arm IN ('canary', 'production')"
        ),
        {"model": model, "since": now - step},
    )
    return Traffic(hour.users, hour.units, hour.errors, hour.requests, people or 0)


def _budget(
    session: Session, model: str, entry: ModelEntry, hour: Traffic, now: datetime
) -> Budget:
    """The error budget of a whole window; where little was counted, at the last hour's pace."""
    stand = slo.budgets(session, entry, model, now)
    errors = next(b for b in stand.budgets if b.name == "errors")
    if errors.state in (Left.SOME, Left.GONE):
        return Budget(stand.days, errors.whole, errors.left)
    pace = hour.requests * 24 * stand.days
    return Budget(stand.days, (1 - entry.slo.errors) * pace, None)
