"""Promotion requests: ask, approve, reject, withdraw."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from backend_api import registry
from backend_api.operations import promotion as operation
from backend_api.operations.order import Order
from backend_api.routes.edge import ERRORS, Approver, Asker, Ctx, Reader, Reading, write
from backend_api.schemas import DecidePromotion, Explain, Outcome, Promotion, RequestPromotion
from backend_api.states import PromotionStatus
from backend_api.tables import PromotionRow

router = APIRouter(tags=["promotions"], responses=ERRORS)  # type: ignore[arg-type]


@router.get("/promotions")
def list_promotions(
    session: Reading,
    caller: Reader,
    status: PromotionStatus | None = None,
    model: str | None = None,
    before: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[Promotion]:
    """Promotion requests, newest first, older than the request ``before``."""
    age = tuple_(PromotionRow.requested_at, PromotionRow.id)
    query = select(PromotionRow).order_by(age.desc()).limit(limit)
    if before is not None:
        last = operation.promotion_row(session, before)
        query = query.where(age < tuple_(last.requested_at, last.id))
    if status is not None:
        query = query.where(PromotionRow.status == status)
    if model is not None:
        query = query.where(PromotionRow.model_name == model)
    return [registry.wire_promotion(row) for row in session.scalars(query)]


@router.get("/promotions/{promotion_id}")
def read_promotion(promotion_id: UUID, session: Reading, caller: Reader) -> Promotion:
    """One request with its frozen evidence."""
    return registry.wire_promotion(operation.promotion_row(session, promotion_id))


@router.post("/models/{name}/promotions", status_code=201)
def request_promotion(name: str, body: RequestPromotion, ctx: Ctx, caller: Asker) -> Outcome:
    """Ask for a version to be promoted; every gate must be passed."""
    entry = ctx.catalog.get(name)
    hours = ctx.settings.approval_hours
    return write(
        ctx,
        caller,
        f"request {name}",
        body,
        lambda s, o: operation.request(s, o, entry, name, body, hours),
    )


@router.post("/promotions/{promotion_id}/approve")
def approve(promotion_id: UUID, body: DecidePromotion, ctx: Ctx, caller: Approver) -> Outcome:
    """Let a request through and carry it out.

    Never one's own, nor while the error budget is spent, but by break-glass.
    """

    def act(session: Session, order: Order) -> Outcome:
        model = operation.promotion_row(session, promotion_id).model_name
        return operation.approve(
            session,
            order,
            ctx.catalog.get(model),
            promotion_id,
            body.evidence_hash,
            break_glass=body.break_glass,
            plan=body.plan,
            timeout=ctx.settings.replica_timeout_seconds,
        )

    return write(ctx, caller, f"approve {promotion_id}", body, act)


@router.post("/promotions/{promotion_id}/reject")
def reject(promotion_id: UUID, body: DecidePromotion, ctx: Ctx, caller: Approver) -> Outcome:
    """Refuse a request; its version stays validated."""
    return write(
        ctx,
        caller,
        f"reject {promotion_id}",
        body,
        lambda s, o: operation.close(s, o, promotion_id, PromotionStatus.REJECTED),
    )


@router.post("/promotions/{promotion_id}/withdraw")
def withdraw(promotion_id: UUID, body: DecidePromotion, ctx: Ctx, caller: Asker) -> Outcome:
    """Take back one's own request."""
    return write(
        ctx,
        caller,
        f"withdraw {promotion_id}",
        body,
        lambda s, o: operation.close(s, o, promotion_id, PromotionStatus.WITHDRAWN),
    )


@router.post("/promotions/{promotion_id}/review")
def review(promotion_id: UUID, body: Explain, ctx: Ctx, caller: Approver) -> Outcome:
    """Look at a break-glass promotion afterwards; the reason says what was found."""
    return write(
        ctx,
        caller,
        f"review {promotion_id}",
        body,
        lambda s, o: operation.review(s, o, promotion_id),
    )
