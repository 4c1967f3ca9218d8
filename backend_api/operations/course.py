"""A rollout's row: its frozen plan, its legal moves, and the timeline that they leave."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from backend_api import deployment
from backend_api.catalog import RolloutPlan
from backend_api.errors import Conflict, StaleView
from backend_api.operations.order import Order
from backend_api.rules import rollout_plan as rule
from backend_api.schemas import Desired, Plan
from backend_api.states import ROLLOUT_MOVES, UNDER_WAY, RolloutKind, RolloutState
from backend_api.tables import RolloutRow, RolloutStepRow, RoutingRow


def frozen(entry: RolloutPlan) -> Plan:
    """The catalogue's plan as a rollout keeps it; the judge counts whole minutes."""
    return Plan(
        steps=sorted(set(entry.steps)), minutes=max(1.0, entry.hours * 60),
        min_requests=entry.min_requests, patience_minutes=max(1.0, entry.patience_hours * 60),
        on_bad=entry.on_bad,
    )  # fmt: skip


def rule_plan(plan: Plan) -> rule.Plan:
    """A plan as the rules take it."""
    return rule.Plan(
        tuple(plan.steps), timedelta(minutes=plan.minutes), plan.min_requests,
        timedelta(minutes=plan.patience_minutes), plan.on_bad,
    )  # fmt: skip


def plan_of(row: RolloutRow) -> rule.Plan:
    """The plan that this rollout goes by."""
    return rule_plan(Plan.model_validate(row.plan))


def under_way(session: Session, model: str) -> RolloutRow | None:
    """The model's rollout that has not ended."""
    return session.scalar(
        select(RolloutRow).where(RolloutRow.model_name == model, RolloutRow.state.in_(UNDER_WAY)),
        # What was read before the model was locked may have changed since.
        execution_options={"populate_existing": True},
    )


def goes_down(row: RolloutRow | None) -> bool:
    """Whether it is one of a version that is being left."""
    return row is not None and row.kind == RolloutKind.DOWN


def begin(
    session: Session, order: Order, model: str, plan: Plan, *,
    kind: RolloutKind = RolloutKind.UP, promotion_id: UUID | None = None,
) -> RolloutRow:  # fmt: skip
    """Enter a rollout for the canary that the routing names.

    One that was typed as SQL has no approval, so it waits until a lead says that it may go on.
    """
    routing = session.get_one(RoutingRow, model)
    by = routing.changed_by
    by_hand = by.startswith("sql:")
    row = RolloutRow(
        id=uuid7(), model_name=model, kind=kind, plan=plan.model_dump(mode="json"),
        promotion_id=promotion_id, canary_id=routing.canary_id, stable_id=routing.production_id,
        state=RolloutState.PAUSED if by_hand else RolloutState.RUNNING,
        share=routing.canary_share, since=order.now, started_by=by, started_at=order.now,
        due_at=_due(kind, plan, order.now),
        reason="It was begun by SQL, without an approval." if by_hand else "",
    )  # fmt: skip
    session.add(row)
    session.flush()
    _note(session, row, by, order.now, "begin", row.reason if by_hand else order.reason)
    return row


def _due(kind: str, plan: Plan, now: datetime) -> datetime | None:
    """Down goes by the clock; up by what was compared, which nobody knows at first."""
    return now + timedelta(minutes=plan.minutes) if kind == RolloutKind.DOWN else None


def _note(
    session: Session, row: RolloutRow, actor: str, now: datetime, what: str, reason: str
) -> None:
    session.add(
        RolloutStepRow(
            rollout_id=row.id, at=now, actor=actor, what=what, state=row.state, share=row.share,
            reason=reason,
        )
    )  # fmt: skip
    session.flush()


def change(
    session: Session, order: Order, row: RolloutRow, what: str, *, by: str | None = None,
    **values: Any,
) -> None:  # fmt: skip
    """Write a decision about a rollout that is as it was read, and its line in the timeline.

    Raises:
        Conflict: there is no such move from its state.
        StaleView: somebody decided about it in between.
    """
    was, becomes = RolloutState(row.state), RolloutState(values.get("state", row.state))
    if was not in UNDER_WAY or (becomes != was and becomes not in ROLLOUT_MOVES[was]):
        raise Conflict(
            f"The rollout of {row.model_name} {row.canary.version} is {was} and cannot become"
            f" {becomes}.",
            "What has ended stays so; begin another one on the Registry page.",
            state=str(was),
        )
    session.flush()
    done = session.execute(
        update(RolloutRow)
        .where(RolloutRow.id == row.id, RolloutRow.state == was)
        .where(RolloutRow.revision == row.revision)
        .values(**values, revision=row.revision + 1)
        .returning(RolloutRow.id),
        execution_options={"synchronize_session": False},
    ).first()
    if done is None:
        raise StaleView(
            f"Somebody decided about the rollout of {row.model_name} at this moment.",
            "Look at the page again and decide on what it shows.",
        )
    session.refresh(row)
    _note(session, row, by or order.actor, order.now, what, order.reason)


def close(
    session: Session, order: Order, model: str, ending: RolloutState = RolloutState.ABORTED
) -> None:
    """End the model's rollout if its deployments are no longer what it was of."""
    _standing(session, order, model, ending)


def _standing(
    session: Session, order: Order, model: str, ending: RolloutState
) -> tuple[Desired | None, RolloutRow | None]:
    """What is decided, and the rollout that is of it; one that no longer is has ended by now."""
    want, row = deployment.desired(session, model), under_way(session, model)
    if want is None or row is None or _is_of(session, row, want):
        return want, row
    by = want.changed_by
    if row.kind == RolloutKind.UP and want.production == row.canary.version:
        ending = RolloutState.COMPLETED
    change(
        session, order, row, ENDS[ending], by=by, state=ending, ended_by=by, ended_at=order.now,
        due_at=None, reason=order.reason if by == order.actor else f"Ended by {by}.",
    )  # fmt: skip
    return want, None


ENDS = {
    RolloutState.COMPLETED: "complete",
    RolloutState.ABORTED: "abort",
    RolloutState.SUPERSEDED: "supersede",
}


def _is_of(session: Session, row: RolloutRow, want: Desired) -> bool:
    routing = session.get_one(RoutingRow, want.model_name)
    return (row.canary_id, row.stable_id) == (routing.canary_id, routing.production_id)


def follow(
    session: Session, order: Order, model: str, entry: RolloutPlan,
    ending: RolloutState = RolloutState.ABORTED,
) -> RolloutRow | None:  # fmt: skip
    """Make the model's rollout what its deployments are, whoever changed them and how.

    A canary that was typed as SQL gets one too: it is guarded, and goes on when a lead says so.
    """
    want, row = _standing(session, order, model, ending)
    if want is None:
        return None
    if row is None and want.canary is not None and want.production is not None:
        row = begin(session, order, model, frozen(entry))
    if row is not None and row.share != want.canary_share:
        change(
            session, order, row, "lower" if want.canary_share < row.share else "raise",
            by=want.changed_by, share=want.canary_share, since=order.now, measured_from=None,
            counted_to=None, due_at=_due(row.kind, Plan.model_validate(row.plan), order.now),
            reason=row.reason if row.state == RolloutState.PAUSED else "",
        )  # fmt: skip
    return row
