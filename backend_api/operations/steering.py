"""What people do to a rollout under way: pause, resume, step, promote, abort, another plan."""

from sqlalchemy.orm import Session

from backend_api import comparison
from backend_api.catalog import ModelEntry
from backend_api.errors import Conflict, NotFound, StaleView
from backend_api.operations import course, traffic
from backend_api.operations.order import Order, locked
from backend_api.rules import rollout_plan as rule
from backend_api.schemas import Outcome, SetPlan, ShiftTraffic, SteerRollout
from backend_api.states import RolloutState
from backend_api.tables import RolloutRow


def _seen(
    session: Session, order: Order, entry: ModelEntry, model: str, body: SteerRollout
) -> RolloutRow:
    locked(session, model)
    row = course.follow(session, order, model, entry.rollout)
    if row is None:
        raise NotFound(f"{model} has no canary under way.", "Start one on the Registry page.")
    if row.share != body.expected_share:
        raise StaleView(
            f"The canary of {model} is at {row.share} % by now, not {body.expected_share} %.",
            "Look at the page again and decide on what it shows.",
            share=row.share, revision=row.revision,
        )  # fmt: skip
    if body.expected_revision not in (None, row.revision):
        raise StaleView(
            f"The rollout of {model} {row.canary.version} was changed since the page was read.",
            "Look at the page again and decide on what it shows.",
            share=row.share, revision=row.revision,
        )  # fmt: skip
    return row


def _goes_up(row: RolloutRow, deed: str) -> None:
    if course.goes_down(row):
        raise Conflict(
            f"{row.model_name} {row.canary.version} is being left and only goes down; it cannot be"
            f" {deed}.",
            "Abort sends the rest of its share to the other version at once.",
        )


def stop(session: Session, order: Order, row: RolloutRow) -> None:
    """Keep a running rollout at its share."""
    course.change(session, order, row, "pause", state=RolloutState.PAUSED, reason=order.reason)
    order.record(
        session, "canary.pause", model=row.model_name, version=row.canary.version,
        evidence={"share": row.share},
    )  # fmt: skip


def pause(
    session: Session, order: Order, entry: ModelEntry, model: str, body: SteerRollout
) -> Outcome:
    """Let a canary stay at its share. A verdict against it still sends it back.

    Raises:
        NotFound: no canary is under way.
        StaleView: it is not as the caller saw it.
        Conflict: it is paused already, or goes down.
    """
    row = _seen(session, order, entry, model, body)
    _goes_up(row, "paused")
    canary = row.canary.version
    if row.state == RolloutState.PAUSED:
        raise Conflict(
            f"{model} {canary} is paused already: {row.reason}", "Resume it, or abort it."
        )
    stop(session, order, row)
    return Outcome(
        sentence=f"{model} {canary} stays at {row.share} % until somebody resumes it.",
        model_name=model, version=canary,
    )  # fmt: skip


def resume(
    session: Session, order: Order, entry: ModelEntry, model: str, body: SteerRollout
) -> Outcome:
    """Let a paused canary go on by its plan.

    Raises:
        NotFound: no canary is under way.
        StaleView: it is not as the caller saw it.
        Conflict: it is not paused.
    """
    row = _seen(session, order, entry, model, body)
    canary = row.canary.version
    if row.state != RolloutState.PAUSED:
        raise Conflict(f"{model} {canary} is not paused.", "Nothing to resume.")
    course.change(session, order, row, "resume", state=RolloutState.RUNNING, reason="")
    order.record(
        session, "canary.resume", model=model, version=canary, evidence={"share": row.share}
    )
    return Outcome(
        sentence=f"{model} {canary} goes on by its plan, now at {row.share} %.",
        model_name=model, version=canary,
    )  # fmt: skip


def step(
    session: Session, order: Order, entry: ModelEntry, model: str, body: SteerRollout,
    timeout: float,
) -> Outcome:  # fmt: skip
    """Give the canary its plan's next share now, whatever the judge has seen so far.

    Raises:
        NotFound: no canary is under way.
        StaleView: it is not as the caller saw it.
        Conflict: it goes down.
        PromotionBlocked: a gate is shut.
    """
    row = _seen(session, order, entry, model, body)
    _goes_up(row, "raised")
    to = rule.next_share(course.plan_of(row), row.share)
    return shift(session, order, entry, row, to, timeout)


def promote(
    session: Session, order: Order, entry: ModelEntry, model: str, body: SteerRollout,
    timeout: float,
) -> Outcome:  # fmt: skip
    """Make the canary production now.

    Raises:
        NotFound: no canary is under way.
        StaleView: it is not as the caller saw it.
        Conflict: it goes down.
        PromotionBlocked: a gate is shut.
    """
    row = _seen(session, order, entry, model, body)
    _goes_up(row, "promoted")
    return shift(session, order, entry, row, rule.FULL, timeout)


def abort(
    session: Session, order: Order, entry: ModelEntry, model: str, body: SteerRollout,
    timeout: float,
) -> Outcome:  # fmt: skip
    """Take the whole share away, for good; of a version that is being left, the rest of it.

    Raises:
        NotFound: no canary is under way.
        StaleView: it is not as the caller saw it.
    """
    row = _seen(session, order, entry, model, body)
    return shift(session, order, entry, row, 0, timeout)


def shift(
    session: Session, order: Order, entry: ModelEntry, row: RolloutRow, share: int, timeout: float
) -> Outcome:
    """Set the share of a rollout that was read under the model's lock; see ``traffic.shift``."""
    body = ShiftTraffic(
        request_id=order.request_id, reason=order.reason[:500], share=share,
        expected_canary=row.canary.version, expected_share=row.share,
    )  # fmt: skip
    return traffic.shift(session, order, entry, row.model_name, body, timeout)


def replan(session: Session, order: Order, entry: ModelEntry, model: str, body: SetPlan) -> Outcome:
    """Give a rollout under way another plan; what it has compared so far counts on.

    Raises:
        NotFound: no canary is under way.
        StaleView: it is not as the caller saw it.
        Conflict: it goes down.
    """
    row = _seen(session, order, entry, model, body)
    _goes_up(row, "planned anew")
    was, plan = row.plan, body.plan.model_dump(mode="json")
    due = None
    if row.measured_from is not None:
        compared = len(comparison.minutes(session, row))
        due = rule.earliest(
            course.rule_plan(body.plan), compared, row.counted_to or row.measured_from
        )
    course.change(session, order, row, "plan", plan=plan, due_at=due)
    canary = row.canary.version
    order.record(
        session, "canary.plan", model=model, version=canary, evidence={"was": was, "is": plan}
    )
    steps = ", ".join(f"{share} %" for share in body.plan.steps)
    return Outcome(
        sentence=f"{model} {canary} goes by another plan: {steps}, {body.plan.minutes:g} min each.",
        model_name=model, version=canary,
    )  # fmt: skip
