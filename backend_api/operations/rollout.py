"""A canary's way through its plan: moved by the watch, paused and resumed by people."""

from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from backend_api import comparison, deployment
from backend_api.catalog import ModelEntry, RolloutPlan
from backend_api.errors import Conflict, NotFound, PromotionBlocked, StaleView
from backend_api.operations import rollback, traffic
from backend_api.operations.order import Order, locked
from backend_api.rules import rollout as rule
from backend_api.rules.judge import Judgement, judge
from backend_api.schemas import Desired, Outcome, ShiftTraffic
from backend_api.states import RolloutState
from backend_api.tables import RolloutRow, RoutingRow, VerdictRow

UNDER_WAY = (RolloutState.RUNNING, RolloutState.PAUSED)
# A record needs this long from the answer to the log; a minute is counted once it is this old.
SETTLED = timedelta(seconds=5)
# Records that an outage kept back come to their minute if it is not older.
RECOUNT = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)


def plan(entry: RolloutPlan) -> rule.Plan:
    """The catalogue's plan as the rules take it."""
    return rule.Plan(
        tuple(sorted(entry.steps)), timedelta(hours=entry.hours), entry.min_requests,
        timedelta(hours=entry.patience_hours), entry.on_bad,
    )  # fmt: skip


def under_way(session: Session, model: str) -> RolloutRow | None:
    """The model's rollout that has not ended."""
    return session.scalar(
        select(RolloutRow).where(RolloutRow.model_name == model, RolloutRow.state.in_(UNDER_WAY)),
        # What was read before the model was locked may have changed since.
        execution_options={"populate_existing": True},
    )


def follow(session: Session, model: str, now: datetime) -> RolloutRow | None:
    """Make the model's rollout what its deployments are, whoever changed them and how.

    A canary that was typed as SQL gets one too: it is guarded, and goes on when a lead says so.
    """
    want = deployment.desired(session, model)
    if want is None:
        return None
    row = under_way(session, model)
    if row is not None and not _is_of(session, row, want):
        done = want.production == row.canary.version
        row.state = RolloutState.COMPLETED if done else RolloutState.ABORTED
        row.ended_by, row.ended_at = want.changed_by, now
        if not done and not row.reason:
            row.reason = f"Ended by {want.changed_by}."
        session.flush()
        row = None
    if row is None and want.canary is not None and want.production is not None:
        row = _begun(session, model, want, now)
    if row is not None and row.share != want.canary_share:
        row.share, row.since = want.canary_share, now
        row.measured_from = row.counted_to = None
    return row


def _is_of(session: Session, row: RolloutRow, want: Desired) -> bool:
    routing = session.get_one(RoutingRow, want.model_name)
    return (row.canary_id, row.stable_id) == (routing.canary_id, routing.production_id)


def _begun(session: Session, model: str, want: Desired, now: datetime) -> RolloutRow:
    routing = session.get_one(RoutingRow, model)
    by_hand = want.changed_by.startswith("sql:")
    row = RolloutRow(
        id=uuid7(), model_name=model, canary_id=routing.canary_id, stable_id=routing.production_id,
        state=RolloutState.PAUSED if by_hand else RolloutState.RUNNING,
        share=want.canary_share, since=now, started_by=want.changed_by, started_at=now,
        reason="It was begun by SQL, without an approval." if by_hand else "",
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def tend(session: Session, entry: ModelEntry, model: str, now: datetime, timeout: float) -> None:
    """One look at a model's rollout: count what is new, judge it, and do what follows."""
    routing = session.get(RoutingRow, model)
    no_canary = routing is None or routing.canary_id is None
    # Looked at every few seconds: a model without a canary must not be locked for that.
    if no_canary and under_way(session, model) is None:
        return
    # Decisions lock the model before anything else; so does who writes beside them.
    locked(session, model)
    row = follow(session, model, now)
    if row is None or not _measurable(session, row, now, timeout):
        return
    until = (now - SETTLED).replace(second=0, microsecond=0)
    start = row.measured_from or now
    if until <= max(start, row.counted_to or start):
        return
    since = max(start, (row.counted_to or start) - RECOUNT)
    comparison.count(session, row, entry.rollout.output, since, until)
    row.counted_to = until
    _decide(session, entry, row, until, now, timeout)


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
    return False


def _decide(
    session: Session, entry: ModelEntry, row: RolloutRow, until: datetime, now: datetime,
    timeout: float,
) -> None:  # fmt: skip
    chosen = plan(entry.rollout)
    found = judge(
        comparison.minutes(session, row), row.canary.version, row.stable.version, chosen.each,
        chosen.least,
    )  # fmt: skip
    session.add(
        VerdictRow(
            rollout_id=row.id, at=now, share=row.share, verdict=found.verdict,
            sentence=found.sentence, detail=detail(found),
        )
    )  # fmt: skip
    idle = until - (found.until or row.measured_from or row.since)
    skew = rule.skew(*comparison.users(session, row, until), row.share)
    move = rule.next_move(chosen, RolloutState(row.state), row.share, found, idle, skew)
    _act(session, entry, row, move, now, timeout)


def detail(found: Judgement) -> dict[str, object]:
    """A judgement as JSON: counts, statistic, threshold and window."""
    return {
        "findings": [asdict(f) for f in found.findings],
        "log_evidence": found.log_evidence, "threshold": found.threshold,
        "since": found.since and found.since.isoformat(),
        "until": found.until and found.until.isoformat(), "minutes": found.minutes,
    }  # fmt: skip


def _act(
    session: Session, entry: ModelEntry, row: RolloutRow, move: rule.Move, now: datetime,
    timeout: float,
) -> None:  # fmt: skip
    order = Order("watch", move.sentence, uuid7(), now)
    model = row.model_name
    if move.action == rule.Action.WAIT:
        return
    if move.action == rule.Action.PAUSE:
        _pause(session, order, row)
        return
    row.reason = move.sentence
    if move.action == rule.Action.ROLL_BACK:
        rollback.roll_back(session, order, model, entry.endpoint, to=row.stable.version)
    else:
        body = ShiftTraffic(
            request_id=order.request_id, reason=move.sentence[:500], share=move.share,
            expected_canary=row.canary.version, expected_share=row.share,
        )  # fmt: skip
        try:
            traffic.shift(session, order, entry, model, body, timeout)
        except PromotionBlocked as shut:
            # The gate may open again; until then the share stays.
            row.reason = shut.message
            return
        row.reason = "" if move.action == rule.Action.ADVANCE else row.reason
    follow(session, model, now)


def _pause(session: Session, order: Order, row: RolloutRow) -> None:
    if row.state == RolloutState.PAUSED:
        return
    row.state, row.reason = RolloutState.PAUSED, order.reason
    order.record(
        session, "canary.pause", model=row.model_name, version=row.canary.version,
        evidence={"share": row.share},
    )  # fmt: skip


def _expected(session: Session, model: str, expected_share: int) -> tuple[RolloutRow, str]:
    locked(session, model)
    row = under_way(session, model)
    if row is None:
        raise NotFound(f"{model} has no canary under way.", "Start one on the Registry page.")
    if row.share != expected_share:
        raise StaleView(
            f"The canary of {model} is at {row.share} % by now, not {expected_share} %.",
            "Look at the page again and decide on what it shows.",
            share=row.share,
        )
    return row, row.canary.version


def pause(session: Session, order: Order, model: str, expected_share: int) -> Outcome:
    """Let a canary stay at its share. A verdict against it still sends it back.

    Raises:
        NotFound: no canary is under way.
        StaleView: its share is another than the caller saw.
        Conflict: it is paused already.
    """
    row, canary = _expected(session, model, expected_share)
    if row.state == RolloutState.PAUSED:
        raise Conflict(
            f"{model} {canary} is paused already: {row.reason}", "Resume it, or abort it."
        )
    _pause(session, order, row)
    return Outcome(
        sentence=f"{model} {canary} stays at {row.share} % until somebody resumes it.",
        model_name=model, version=canary,
    )  # fmt: skip


def resume(session: Session, order: Order, model: str, expected_share: int) -> Outcome:
    """Let a paused canary go on by its plan.

    Raises:
        NotFound: no canary is under way.
        StaleView: its share is another than the caller saw.
        Conflict: it is not paused.
    """
    row, canary = _expected(session, model, expected_share)
    if row.state != RolloutState.PAUSED:
        raise Conflict(f"{model} {canary} is not paused.", "Nothing to resume.")
    row.state, row.reason = RolloutState.RUNNING, ""
    order.record(
        session, "canary.resume", model=model, version=canary, evidence={"share": row.share}
    )
    return Outcome(
        sentence=f"{model} {canary} goes on by its plan, now at {row.share} %.",
        model_name=model, version=canary,
    )  # fmt: skip
