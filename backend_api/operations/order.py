"""One write, performed once: who orders it, why, and what a repeat of it gets back."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from backend_api import ledger
from backend_api.db import transaction
from backend_api.errors import Conflict
from backend_api.schemas import Outcome, Write
from backend_api.tables import ModelRow, RequestRow

# PostgreSQL ends one of two transactions that wait for each other; doing it again is the cure.
_RETRIED_STATES = {"40001", "40P01"}


@dataclass(frozen=True)
class Order:
    """Who wants something done, why, and when the request was read."""

    actor: str
    reason: str
    request_id: UUID
    now: datetime

    def record(
        self,
        session: Session,
        action: str,
        *,
        model: str | None = None,
        version: str | None = None,
        evidence: dict[str, Any] | None = None,
    ) -> None:
        """Write this order's ledger entry."""
        ledger.append(
            session,
            self.actor,
            action,
            model=model,
            version=version,
            reason=self.reason,
            evidence=evidence,
            request_id=self.request_id,
        )


def _collided(error: BaseException) -> bool:
    cause = error.orig if isinstance(error, DBAPIError) else None
    return getattr(cause, "pgcode", None) in _RETRIED_STATES


def _first_answer(session: Session, operation: str, body_hash: str, order: Order) -> Outcome | None:
    """Claim the request id; a repeat waits here for the first and gets its answer."""
    claimed = session.execute(
        text(
            "INSERT INTO requests (request_id, actor, operation, body_hash, answer)"
            " VALUES (:id, :actor, :operation, :body, '{}') ON CONFLICT DO NOTHING"
            " RETURNING request_id"
        ),
        {
            "id": order.request_id,
            "actor": order.actor,
            "operation": operation,
            "body": body_hash,
        },
    ).first()
    if claimed:
        return None
    row = session.get_one(RequestRow, order.request_id)
    if (row.actor, row.operation, row.body_hash) != (order.actor, operation, body_hash):
        raise Conflict(
            "This request_id was already used for another request.",
            "Make a new request_id for each new decision; repeat it only to retry the same one.",
        )
    return Outcome.model_validate(row.answer)


def perform(
    engine: Engine,
    operation: str,
    body: Write,
    actor: str,
    now: datetime,
    act: Callable[[Session, Order], Outcome],
) -> Outcome:
    """Run ``act`` in one transaction, once per ``body.request_id``, and commit.

    Raises:
        Conflict: the request id belongs to another request, or a constraint refused the change.
        Unavailable: PostgreSQL does not answer; nothing was changed.
        ConsoleError: whatever ``act`` refuses with; nothing was changed.
    """
    order = Order(actor, body.reason, body.request_id, now)
    body_hash = hashlib.sha256(body.model_dump_json().encode()).hexdigest()

    def once() -> Outcome:
        with transaction(engine, actor) as session:
            answered = _first_answer(session, operation, body_hash, order)
            if answered:
                return answered
            outcome = act(session, order)
            session.flush()
            row = session.get_one(RequestRow, order.request_id)
            row.answer = outcome.model_dump(mode="json")
        return outcome

    try:
        retrying = Retrying(
            retry=retry_if_exception(_collided),
            stop=stop_after_attempt(8),
            wait=wait_random_exponential(multiplier=0.02, max=0.5),
            reraise=True,
        )
        return retrying(once)
    except IntegrityError as error:
        raise refusal(error) from error


def refusal(error: IntegrityError) -> Conflict:
    """A constraint's refusal as a sentence: the trigger's own message, or the constraint's name."""
    diagnosis = getattr(error.orig, "diag", None)
    message = getattr(diagnosis, "message_primary", None) or str(error.orig)
    constraint = getattr(diagnosis, "constraint_name", None)
    return Conflict(
        f"The database refused this: {message}.",
        "Look at the present state and decide again.",
        constraint=constraint,
    )


def locked(session: Session, model: str) -> ModelRow:
    """The model's row, locked: whoever holds it is the only one changing the model's state."""
    row = session.get(ModelRow, model, with_for_update=True)
    if row is None:
        session.execute(
            text("INSERT INTO models (model_name) VALUES (:m) ON CONFLICT DO NOTHING"),
            {"m": model},
        )
        row = session.get_one(ModelRow, model, with_for_update=True)
    return row
