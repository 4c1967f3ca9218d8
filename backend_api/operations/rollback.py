"""The way back. Needs PostgreSQL and the workers, and nothing and nobody else."""

from sqlalchemy.orm import Session

from backend_api.deployment import desired
from backend_api.errors import Conflict, StaleView
from backend_api.operations.order import Order, locked
from backend_api.operations.traffic import compiled_epoch
from backend_api.operations.version import end_slot, put
from backend_api.registry import version_row
from backend_api.schemas import Desired, Outcome
from backend_api.states import VersionStatus
from backend_api.tables import VersionRow


def _target(session: Session, model: str, want: Desired, asked: str | None) -> VersionRow:
    name = asked or want.target
    if name is None:
        raise Conflict(
            f"{model} has no earlier version that was verified in production.",
            "If a canary is the trouble, set its share to 0; else promote a fixed version.",
        )
    if name == want.production:
        raise Conflict(f"{model} {name} is in production already.", "Nothing to roll back.")
    row = version_row(session, model, name, lock=True)
    if row.verified_at is None or row.aborted_at is not None:
        raise Conflict(
            f"{model} {name} was "
            + ("rolled back once" if row.aborted_at else "never verified in production")
            + ", so it is no safe way back.",
            f"Leave the target out to go to {want.target}." if want.target else "",
            status=row.status,
        )
    if row.status != VersionStatus.ARCHIVED:
        raise Conflict(f"{model} {name} is {row.status}.", "Choose an archived version.")
    return row


def roll_back(
    session: Session,
    order: Order,
    model: str,
    url: str,
    *,
    expected_production: str | None = None,
    to: str | None = None,
    hold: bool = True,
) -> Outcome:
    """Send all traffic back to the last verified version, end any canary, and set a hold.

    ``expected_production`` None means whatever serves now (the command line at night).

    Raises:
        StaleView: another version is in production than the caller saw.
        Conflict: there is nothing to go back to, or ``to`` is no safe target.
    """
    model_row = locked(session, model)
    want = desired(session, model)
    if want is None or want.production is None:
        raise Conflict(f"{model} has nothing in production.", "Promote a version first.")
    if expected_production is not None and want.production != expected_production:
        raise StaleView(
            f"{model} has {want.production} in production by now, not {expected_production}.",
            "Look at the page again: somebody may have rolled back already.",
            production=want.production,
        )
    target = _target(session, model, want, to)
    if want.canary is not None:
        end_slot(session, model, "canary", "rolled_back")
    end_slot(session, model, "production", "rolled_back")
    put(session, target, "production", 100, "active", url)
    if hold:
        model_row.held_at, model_row.held_by = order.now, order.actor
        model_row.held_reason = f"{want.production} rolled back by {order.actor}: {order.reason}"
    session.flush()
    epoch = compiled_epoch(session, model)
    order.record(
        session,
        "model.roll_back",
        model=model,
        version=target.version,
        evidence={
            "from": want.production,
            "to": target.version,
            "canary": want.canary,
            "epoch": epoch,
        },
    )
    return Outcome(
        sentence=f"{model} goes back from {want.production} to {target.version}; a hold is set.",
        model_name=model,
        version=target.version,
        epoch=epoch,
    )


def lift_hold(session: Session, order: Order, model: str) -> Outcome:
    """Let promotions of the model through again.

    Raises:
        StaleView: there is no hold.
    """
    row = locked(session, model)
    if row.held_at is None:
        raise StaleView(f"{model} is not on hold.", "Look at the page again.")
    was = row.held_reason
    row.held_at = row.held_by = row.held_reason = None
    order.record(session, "hold.lift", model=model, evidence={"hold": was})
    return Outcome(sentence=f"The hold on {model} is lifted.", model_name=model)
