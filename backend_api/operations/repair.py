"""Putting a place right that says otherwise than decided."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from backend_api import db
from backend_api.operations.order import Order
from backend_api.schemas import Outcome


def mirror(session: Session, order: Order, model: str) -> Outcome:
    """Have the decision written to MLflow again."""
    session.execute(text("INSERT INTO outbox (model_name) VALUES (:m)"), {"m": model})
    order.record(session, "mirror.repair", model=model)
    return Outcome(sentence=f"MLflow is being made equal for {model}.", model_name=model)


def reload(session: Session, order: Order, model: str) -> Outcome:
    """Ask every worker to read the decision again, and to verify and load its versions anew.

    What a worker serves goes on until that has succeeded there.
    """
    db.notify(session, "nivesh_routing", {"model": model})
    db.notify(session, "nivesh_admin", {"do": "reload", "model": model})
    order.record(session, "workers.reload", model=model)
    return Outcome(
        sentence=f"Every worker is asked to load the versions of {model} anew.", model_name=model
    )
