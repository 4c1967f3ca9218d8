"""The gradual way back: production is left in steps by the clock, which nothing raises again."""

from sqlalchemy.orm import Session

from backend_api.catalog import ModelEntry
from backend_api.errors import Conflict
from backend_api.operations import course
from backend_api.operations.order import Order, locked
from backend_api.operations.rollback import set_hold, way_back
from backend_api.operations.traffic import compiled_epoch
from backend_api.operations.version import end_slot, put
from backend_api.registry import version_row
from backend_api.rules import rollout_plan as rule
from backend_api.schemas import Outcome, Plan, WalkDown
from backend_api.states import RolloutKind, RolloutState
from backend_api.tables import RolloutRow, VersionRow


def walk_down(
    session: Session, order: Order, entry: ModelEntry, model: str, body: WalkDown
) -> Outcome:
    """Make the way back production at once, and let the version being left keep half for a while.

    It loses the rest in steps by the clock, whatever is frozen or held. Sets a hold as a rollback
    does. A canary under way ends.

    Raises:
        StaleView: another version is in production than the caller saw.
        Conflict: there is nothing to go back to, or it is on its way down already.
    """
    model_row = locked(session, model)
    if course.goes_down(course.follow(session, order, model, entry.rollout)):
        raise Conflict(
            f"{model} is being walked down already.",
            "Abort it to finish at once; a rollback does the same.",
        )
    way = way_back(session, model, model_row, body.expected_production, body.to)
    if way.target.version == way.serving:
        raise Conflict(
            f"{model} {way.serving} is what a rollback would keep; only its canary can go.",
            "Lower the canary's share, or abort it.",
        )
    left = version_row(session, model, way.serving, lock=True)
    if way.canary is not None:
        end_slot(session, model, "canary", "rolled_back")
    # In this order: while it has a row that serves, it does not count as gone.
    put(session, left, "canary", rule.WALK[0], "active", entry.endpoint)
    end_slot(session, model, "production", "rolled_back")
    put(session, way.target, "production", rule.FULL, "active", entry.endpoint)
    _condemn(session, order, left)
    set_hold(order, model_row, left.version)
    epoch = compiled_epoch(session, model)
    course.close(session, order, model)
    plan = Plan(
        steps=sorted(rule.WALK), minutes=body.minutes, min_requests=1,
        patience_minutes=body.minutes,
    )  # fmt: skip
    course.begin(session, order, model, plan, kind=RolloutKind.DOWN)
    order.record(
        session, "model.walk_down", model=model, version=way.target.version,
        evidence={"from": way.serving, "to": way.target.version, "canary": way.canary,
                  "epoch": epoch, "minutes": body.minutes},
    )  # fmt: skip
    return Outcome(
        sentence=f"{model} {way.serving} keeps {rule.WALK[0]} % and is walked down every"
        f" {body.minutes:g} min; {way.target.version} is production and a hold is set.",
        model_name=model, version=way.target.version, epoch=epoch,
    )  # fmt: skip


def _condemn(session: Session, order: Order, left: VersionRow) -> None:
    """Whatever ends its way down, and how: nothing goes back to it."""
    session.flush()
    session.refresh(left)
    left.verified_at, left.aborted_at = None, order.now
    session.flush()


def go_on(session: Session, order: Order, entry: ModelEntry, row: RolloutRow) -> None:
    """Take the next step down if its time has come; no gate is asked."""
    if row.due_at is None or order.now < row.due_at:
        return
    model, canary, share = row.model_name, row.canary, row.share
    to = rule.lower_share(course.plan_of(row), share)
    if to == 0:
        end_slot(session, model, "canary", "rolled_back")
    else:
        put(session, canary, "canary", to, "active", entry.endpoint)
    order.record(
        session, "canary.walked_down", model=model, version=canary.version,
        evidence={"from": share, "to": to},
    )  # fmt: skip
    compiled_epoch(session, model)
    course.follow(session, order, model, entry.rollout, ending=RolloutState.COMPLETED)
