"""Rules instead of versions: chosen for a model, and given up again."""

from sqlalchemy.orm import Session

from backend_api.catalog import ModelEntry
from backend_api.errors import Conflict, StaleView
from backend_api.operations.order import Order, locked
from backend_api.operations.traffic import compiled_epoch
from backend_api.schemas import Outcome


def choose(session: Session, order: Order, entry: ModelEntry, model: str, on: bool) -> Outcome:
    """Have every worker answer by rules, or by its versions again.

    What is in production stays there, loaded and warm, and rollbacks and promotions go on; nobody
    is answered by them meanwhile.

    Raises:
        Conflict: models.yaml allows no rules for the model.
        StaleView: it is so already.
    """
    row = locked(session, model)
    if on and entry.fallback == "none":
        raise Conflict(
            f"{model} has no rules to answer by.",
            "Roll back instead; or write rules, and allow them under fallback in models.yaml.",
        )
    if on == (row.fallback_at is not None):
        by = f" since {row.fallback_at:%Y-%m-%d %H:%M} UTC" if row.fallback_at else ""
        raise StaleView(
            f"{model} is answered by {'rules' if on else 'its versions'} already{by}.",
            "Look at the page again.",
        )
    was = row.fallback_reason
    row.fallback_at = order.now if on else None
    row.fallback_by = order.actor if on else None
    row.fallback_reason = order.reason if on else None
    epoch = compiled_epoch(session, model)
    order.record(
        session, f"fallback.{'on' if on else 'off'}", model=model,
        evidence={"epoch": epoch, "ended": was} if not on else {"epoch": epoch},
    )  # fmt: skip
    who = "rules, no version answers" if on else "its versions again"
    return Outcome(sentence=f"{model} is answered by {who}.", model_name=model, epoch=epoch)
