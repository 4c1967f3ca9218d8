"""The watch's look at a rollout: count what is new, judge it, and do what follows."""

from dataclasses import asdict, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from backend_api import comparison, deployment
from backend_api.catalog import ModelEntry
from backend_api.errors import PromotionBlocked
from backend_api.operations import course, descent, rollback, steering
from backend_api.operations.order import Order, locked
from backend_api.rules import rollout as rule
from backend_api.rules import rollout_plan
from backend_api.rules.judge import Judgement, judge
from backend_api.states import RolloutState
from backend_api.tables import RolloutRow, RoutingRow, VerdictRow

# A record needs this long from the answer to the log; a minute is counted once it is this old.
SETTLED = timedelta(seconds=5)
# Records that an outage kept back come to their minute if it is not older.
RECOUNT = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)


def tend(session: Session, entry: ModelEntry, model: str, now: datetime, timeout: float) -> None:
    """One look at a model's rollout: one step at most, however long nobody looked."""
    routing = session.get(RoutingRow, model)
    no_canary = routing is None or routing.canary_id is None
    # Looked at every few seconds: a model without a canary must not be locked for that.
    if no_canary and course.under_way(session, model) is None:
        return
    # Decisions lock the model before anything else; so does who writes beside them.
    locked(session, model)
    order = Order("watch", "Seen by the watch.", uuid7(), now)
    row = course.follow(session, order, model, entry.rollout)
    if row is None:
        return
    if course.goes_down(row):
        descent.go_on(session, order, entry, row)
        return
    if not _measurable(session, row, now, timeout):
        return
    until = (now - SETTLED).replace(second=0, microsecond=0)
    start = row.measured_from or now
    if until <= max(start, row.counted_to or start):
        return
    since = max(start, (row.counted_to or start) - RECOUNT)
    comparison.count(session, row, entry.rollout.output, since, until)
    row.counted_to = until
    _decide(session, order, entry, row, until, timeout)


def _measurable(session: Session, row: RolloutRow, now: datetime, timeout: float) -> bool:
    """Whether every live worker serves this share; what came before is of another one."""
    if row.measured_from is not None:
        return True
    want = deployment.desired(session, row.model_name)
    if want is None:
        return False
    workers = deployment.observed(session, row.model_name, want, now, timeout)
    if not deployment.agreed(workers):
        return False
    row.measured_from = now.replace(second=0, microsecond=0) + MINUTE
    row.due_at = rollout_plan.earliest(course.plan_of(row), 0, row.measured_from)
    return False


def _decide(
    session: Session, order: Order, entry: ModelEntry, row: RolloutRow, until: datetime,
    timeout: float,
) -> None:  # fmt: skip
    chosen = course.plan_of(row)
    found = judge(
        comparison.minutes(session, row), row.canary.version, row.stable.version, chosen.each,
        chosen.least,
    )  # fmt: skip
    row.due_at = rollout_plan.earliest(chosen, found.minutes, until)
    session.add(
        VerdictRow(
            rollout_id=row.id, at=order.now, share=row.share, verdict=found.verdict,
            sentence=found.sentence, detail=detail(found),
        )
    )  # fmt: skip
    idle = until - (found.until or row.measured_from or row.since)
    skew = rule.skew(*comparison.users(session, row, until), row.share)
    move = rule.next_move(chosen, RolloutState(row.state), row.share, found, idle, skew)
    _act(session, replace(order, reason=move.sentence), entry, row, move, timeout)


def detail(found: Judgement) -> dict[str, object]:
    """A judgement as JSON: counts, statistic, threshold and window."""
    return {
        "findings": [asdict(f) for f in found.findings],
        "log_evidence": found.log_evidence, "threshold": found.threshold,
        "since": found.since and found.since.isoformat(),
        "until": found.until and found.until.isoformat(), "minutes": found.minutes,
    }  # fmt: skip


def _act(
    session: Session, order: Order, entry: ModelEntry, row: RolloutRow, move: rule.Move,
    timeout: float,
) -> None:  # fmt: skip
    if move.action == rule.Action.WAIT:
        return
    if move.action == rule.Action.PAUSE:
        if row.state != RolloutState.PAUSED:
            steering.stop(session, order, row)
        return
    if move.action == rule.Action.ROLL_BACK:
        rollback.roll_back(session, order, row.model_name, entry.endpoint, to=row.stable.version)
        return
    try:
        steering.shift(session, order, entry, row, move.share, timeout)
    except PromotionBlocked as shut:
        # The gate may open again; until then the share stays.
        row.reason = shut.message
