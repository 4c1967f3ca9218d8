"""One write, performed once: who orders it, why, and what a repeat of it gets back."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from backend_api import ledger
from backend_api.db import collided, transaction
from backend_api.errors import Conflict, Unavailable
from backend_api.schemas import Outcome, Write
from backend_api.tables import ModelRow, RequestRow

A = TypeVar("A", bound=BaseModel)


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


def _first_answer(
    session: Session, operation: str, body_hash: str, order: Order
) -> dict[str, Any] | None:
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
    return row.answer


def once(
    engine: Engine,
    operation: str,
    body: Write,
    actor: str,
    now: datetime,
    act: Callable[[Session, Order], A],
    shape: type[A],
) -> A:
    """Run ``act`` in one transaction, once per ``body.request_id``, and commit.

    The answer is kept and given again to a repeat, so it must hold no secret.

    Raises:
        Conflict: the request id belongs to another request, or a constraint refused the change.
        Unavailable: PostgreSQL does not answer; nothing was changed.
        ConsoleError: whatever ``act`` refuses with; nothing was changed.
    """
    order = Order(actor, body.reason, body.request_id, now)
    body_hash = hashlib.sha256(body.model_dump_json().encode()).hexdigest()

    def attempt() -> A:
        with transaction(engine, actor) as session:
            answered = _first_answer(session, operation, body_hash, order)
            if answered is not None:
                return shape.model_validate(answered)
            outcome = act(session, order)
            session.flush()
            row = session.get_one(RequestRow, order.request_id)
            row.answer = outcome.model_dump(mode="json")
        return outcome

    try:
        retrying = Retrying(
            retry=retry_if_exception(collided),
            stop=stop_after_attempt(8),
            wait=wait_random_exponential(multiplier=0.02, max=0.5),
            reraise=True,
        )
        return retrying(attempt)
    except IntegrityError as error:
        raise refusal(error) from error
    except DBAPIError as error:
        if not collided(error):
            raise
        raise Unavailable(
            "Others are changing the same rows all the time, so nothing was changed.",
            "Try again in a moment.",
        ) from error


def perform(
    engine: Engine,
    operation: str,
    body: Write,
    actor: str,
    now: datetime,
    act: Callable[[Session, Order], Outcome],
) -> Outcome:
    """``once`` for what is done to a model."""
    return once(engine, operation, body, actor, now, act, Outcome)


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
