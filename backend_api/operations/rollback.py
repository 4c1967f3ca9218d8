"""The way back. Needs PostgreSQL and the workers, and nothing and nobody else."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from backend_api.deployment import desired
from backend_api.errors import Conflict, StaleView
from backend_api.operations import course
from backend_api.operations.order import Order, locked
from backend_api.operations.traffic import compiled_epoch
from backend_api.operations.version import end_slot, put
from backend_api.registry import version_row
from backend_api.schemas import Desired, Outcome
from backend_api.states import VersionStatus
from backend_api.tables import ModelRow, VersionRow


@dataclass(frozen=True)
class Way:
    """Where a rollback goes from, and to; they are the same where only a canary has to end."""

    serving: str
    canary: str | None
    target: VersionRow

    @property
    def left(self) -> str:
        """The version that is no longer wanted."""
        only_canary = self.canary is not None and self.target.version == self.serving
        return self.canary or "" if only_canary else self.serving


def _target(
    session: Session, model: str, want: Desired, asked: str | None, *, walking: bool
) -> VersionRow:
    # With nothing to go back to, production itself is the way back from its canary; so it is from
    # a version that is being walked down.
    own = want.production if want.canary else None
    name = asked or (own if walking else want.target or own)
    if name is None:
        raise Conflict(
            f"{model} has no earlier version that was verified in production.",
            "Promote a fixed version instead.",
        )
    row = version_row(session, model, name, lock=True)
    if name == want.production:
        if want.canary is None:
            raise Conflict(f"{model} {name} is in production already.", "Nothing to roll back.")
        return row
    if row.verified_at is None or row.aborted_at is not None:
        raise Conflict(
            f"{model} {name} was "
            + ("rolled back once" if row.aborted_at else "never verified in production")
            + ", so it is no safe way back.",
            f"Leave the target out to go to {want.target}." if want.target else "",
            status=row.status,
        )
    if row.status in (VersionStatus.REJECTED, VersionStatus.CANARY):
        raise Conflict(f"{model} {name} is {row.status}.", "Choose an archived version.")
    return row


def way_back(
    session: Session, model: str, held: ModelRow, expected_production: str | None, to: str | None
) -> Way:
    """Where a rollback would go from and to.

    Raises:
        StaleView: another version is in production than the caller saw.
        Conflict: there is nothing to go back to, or ``to`` is no safe target.
    """
    walking = course.goes_down(course.under_way(session, model))
    want = desired(session, model)
    if want is None or want.production is None:
        raise Conflict(f"{model} has nothing in production.", "Promote a version first.")
    if expected_production is not None and want.production != expected_production:
        raise StaleView(
            f"{model} has {want.production} in production by now, not {expected_production}.",
            "Look at the page again: somebody may have rolled back already.",
            production=want.production,
        )
    named = expected_production is not None or to is not None
    if not named and not walking and held.held_at is not None:
        raise Conflict(
            f"{model} was rolled back already and serves {want.production}: {held.held_reason}.",
            "To go back further, say from which version or to which.",
            production=want.production,
        )
    target = _target(session, model, want, to, walking=walking)
    return Way(want.production, want.canary, target)


def set_hold(order: Order, held: ModelRow, left: str) -> None:
    """Let nothing promote the model until a lead has lifted this."""
    held.held_at, held.held_by = order.now, order.actor
    held.held_reason = f"{left} rolled back by {order.actor}: {order.reason}"


def roll_back(
    session: Session,
    order: Order,
    model: str,
    url: str,
    *,
    expected_production: str | None = None,
    to: str | None = None,
) -> Outcome:
    """Send all traffic back to the last verified version, end any canary, and set a hold.

    ``expected_production`` None means whatever serves now (the command line at night); a second
    rollback while the first one's hold stands then has to name a version, so that pressing twice
    does not go back twice. Where only a canary has to go, production stays; a version that is
    being walked down goes at once.

    Raises:
        StaleView: another version is in production than the caller saw.
        Conflict: there is nothing to go back to, or ``to`` is no safe target.
    """
    model_row = locked(session, model)
    way = way_back(session, model, model_row, expected_production, to)
    if way.canary is not None:
        end_slot(session, model, "canary", "rolled_back")
    if way.target.version != way.serving:
        end_slot(session, model, "production", "rolled_back")
        put(session, way.target, "production", 100, "active", url)
    set_hold(order, model_row, way.left)
    epoch = compiled_epoch(session, model)
    course.close(session, order, model)
    order.record(
        session,
        "model.roll_back",
        model=model,
        version=way.target.version,
        evidence={
            "from": way.left,
            "to": way.target.version,
            "canary": way.canary,
            "epoch": epoch,
        },
    )
    return Outcome(
        sentence=f"{model} goes back from {way.left} to {way.target.version}; a hold is set.",
        model_name=model,
        version=way.target.version,
        epoch=epoch,
    )


def raise_hold(session: Session, order: Order, model: str) -> Outcome:
    """Let nothing promote the model until a lead lifts the hold.

    Raises:
        Conflict: there is a hold already; its reason stays.
    """
    row = locked(session, model)
    if row.held_at is not None:
        raise Conflict(f"{model} is on hold already: {row.held_reason}.", "A lead can lift it.")
    row.held_at, row.held_by, row.held_reason = order.now, order.actor, order.reason
    order.record(session, "hold.raise", model=model)
    return Outcome(sentence=f"{model} is on hold; nothing promotes it.", model_name=model)


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
