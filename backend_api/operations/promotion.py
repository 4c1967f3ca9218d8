"""Asking for a promotion, and deciding on it."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend_api.catalog import ModelEntry
from backend_api.errors import Conflict, Forbidden, NotFound, StaleView
from backend_api.operations.course import frozen
from backend_api.operations.order import Order, locked
from backend_api.operations.traffic import Start, held_back, make_production, start_canary
from backend_api.registry import evidence, version_row
from backend_api.rules import promotion as rule
from backend_api.schemas import Gate, Outcome, Plan, RequestPromotion
from backend_api.states import PromotionStatus, Strategy, VersionStatus
from backend_api.tables import PromotionRow, VersionRow

REVIEW_AFTER = timedelta(days=1)


def _may_be_asked(
    session: Session, model: str, row: VersionRow, seen: rule.Evidence, body: RequestPromotion
) -> None:
    if seen.production != body.expected_production:
        raise StaleView(
            f"{model} has {seen.production or 'nothing'} in production by now,"
            f" not {body.expected_production or 'nothing'}.",
            "Look at the page again and decide on what it shows.",
            production=seen.production,
        )
    if row.status != VersionStatus.VALIDATED:
        raise Conflict(
            f"{model} {row.version} is {row.status}; only a validated version is promoted.",
            "Stage it and run Validate first.",
            status=row.status,
        )
    open_request = session.scalar(
        select(PromotionRow).where(
            PromotionRow.model_id == row.id, PromotionRow.status == "pending"
        )
    )
    if open_request is not None:
        raise Conflict(
            f"{open_request.requested_by} asked for {model} {row.version} already.",
            "Decide on that request, or withdraw it first.",
            promotion_id=str(open_request.id),
        )
    if body.strategy == Strategy.CANARY and seen.production is None:
        raise Conflict(
            f"{model} has nothing in production to run a canary against.",
            "Ask for a full promotion.",
        )


def request(
    session: Session, order: Order, entry: ModelEntry, model: str, body: RequestPromotion,
    hours: int,
) -> Outcome:  # fmt: skip
    """Ask for a promotion; the evidence is frozen as it stands now.

    Raises:
        StaleView: production is not what the caller saw.
        PromotionBlocked: a gate holds the version back.
        Conflict: the version is not validated, or a request for it is open already.
    """
    locked(session, model)
    row = version_row(session, model, body.version, lock=True)
    seen = evidence(
        session, entry, row, order.now, breaking=body.breaking, supersede=body.supersede
    )
    _may_be_asked(session, model, row, seen, body)
    gates = rule.decide(seen)
    # What a lead may break is decided when the request is.
    held_back(model, row.version, [g for g in gates if g.name not in rule.BREAKABLE])
    signed = rule.bundle(seen, gates)
    promotion = PromotionRow(
        id=order.request_id, model_id=row.id, model_name=model, strategy=body.strategy,
        share=100 if body.strategy == Strategy.FULL else body.share, breaking=body.breaking,
        plan=body.plan.model_dump(mode="json") if body.plan else None, supersede=body.supersede,
        status=PromotionStatus.PENDING, break_glass=False, requested_by=order.actor,
        requested_at=order.now, reason=order.reason, evidence=signed,
        evidence_hash=rule.fingerprint(signed), expires_at=order.now + timedelta(hours=hours),
    )  # fmt: skip
    session.add(promotion)
    session.flush()
    order.record(
        session,
        "promotion.request",
        model=model,
        version=row.version,
        evidence={
            "hash": promotion.evidence_hash, "strategy": str(body.strategy), **signed,
            "plan": promotion.plan, "supersede": body.supersede,
        },
    )  # fmt: skip
    shut = rule.broken(gates)
    how = f"by break-glass: {shut[0].sentence}" if shut else "by another lead."
    return Outcome(
        sentence=f"{model} {row.version} waits for approval {how}",
        model_name=model,
        version=row.version,
        promotion_id=promotion.id,
    )


def promotion_row(session: Session, promotion_id: UUID, *, lock: bool = False) -> PromotionRow:
    """The request's row.

    Raises:
        NotFound: no such request.
    """
    query = select(PromotionRow).where(PromotionRow.id == promotion_id)
    if lock:
        query = query.with_for_update(of=PromotionRow)
    row = session.scalar(query.execution_options(populate_existing=lock))
    if row is None:
        raise NotFound(f"There is no promotion request {promotion_id}.", "See the Registry page.")
    return row


def _open_request(session: Session, promotion_id: UUID) -> PromotionRow:
    model = promotion_row(session, promotion_id).model_name
    locked(session, model)
    row = promotion_row(session, promotion_id, lock=True)
    if row.status != PromotionStatus.PENDING:
        raise StaleView(
            f"This request is {row.status} already"
            + (f", by {row.decided_by}." if row.decided_by else "."),
            "Look at the page again.",
            status=row.status,
        )
    return row


def what_moved(session: Session, entry: ModelEntry, row: PromotionRow, now: datetime) -> list[str]:
    """What differs between the request's frozen evidence and the present, in words."""
    return _present(session, entry, row, now)[0]


def _present(
    session: Session, entry: ModelEntry, row: PromotionRow, now: datetime
) -> tuple[list[str], list[Gate]]:
    seen = evidence(
        session, entry, row.version, now, breaking=row.breaking, supersede=row.supersede
    )
    gates = rule.decide(seen)
    return rule.moved(row.evidence, rule.bundle(seen, gates)), gates


def _still_stands(
    session: Session, order: Order, entry: ModelEntry, row: PromotionRow, evidence_hash: str
) -> list[Gate]:
    """The gates as they are now, if nothing that was signed has moved."""
    if order.now >= row.expires_at:
        raise StaleView(
            f"This request expired at {row.expires_at:%Y-%m-%d %H:%M} UTC.", "Ask again."
        )
    moves, gates = _present(session, entry, row, order.now)
    if moves or evidence_hash != row.evidence_hash:
        raise StaleView(
            "The evidence is not what was signed: "
            + ("; ".join(moves) or "the hash is another one")
            + ".",
            "The approval is void. Look at the new evidence and ask again.",
            moved=moves,
        )
    return gates


def approve(
    session: Session, order: Order, entry: ModelEntry, promotion_id: UUID, evidence_hash: str, *,
    break_glass: bool, timeout: float, plan: Plan | None = None,
) -> Outcome:  # fmt: skip
    """Let a request through and carry it out in the same transaction.

    ``plan`` replaces the one that was asked for.

    Raises:
        Forbidden: one's own request, without break-glass.
        Conflict: a plan for what is no canary.
        StaleView: decided already, expired, or the evidence moved; the message says what.
        PromotionBlocked: promotions are frozen now, or the error budget is spent and nobody broke
            the glass.
    """
    row = _open_request(session, promotion_id)
    chosen = _plan(entry, row, plan)
    version = version_row(session, row.model_name, row.version.version, lock=True)
    if row.requested_by == order.actor and not break_glass:
        raise Forbidden(
            "You asked for this promotion; another lead must approve it.",
            "In an emergency approve with break-glass: it is marked, and reviewed within a day.",
        )
    gates = _still_stands(session, order, entry, row, evidence_hash)
    broken = rule.broken(gates) if break_glass else []
    late = (*rule.BY_THE_CLOCK, *rule.BREAKABLE)
    still = [g for g in gates if g.name in late and g not in broken]
    held_back(row.model_name, version.version, still)
    row.status = PromotionStatus.APPLIED
    row.decided_by, row.decided_at, row.decision_reason = order.actor, order.now, order.reason
    if row.requested_by == order.actor or broken:
        row.break_glass, row.review_due_at = True, order.now + REVIEW_AFTER
    session.flush()
    order.record(
        session,
        "promotion.break_glass" if row.break_glass else "promotion.approve",
        model=row.model_name,
        version=version.version,
        evidence={
            "promotion": str(row.id), "hash": row.evidence_hash, **row.evidence,
            **({"in_spite_of": [g.sentence for g in broken]} if broken else {}),
        },
    )  # fmt: skip
    if row.strategy == Strategy.FULL:
        return make_production(session, order, version, entry, timeout)
    start = Start(row.share, chosen, row.id, row.supersede)
    return start_canary(session, order, version, entry, start)


def _plan(entry: ModelEntry, row: PromotionRow, decided: Plan | None) -> Plan:
    """What the approver says, else what was asked for, else models.yaml as it stands now."""
    if decided is not None and row.strategy != Strategy.CANARY:
        raise Conflict(
            f"{row.model_name} {row.version.version} is asked for with all traffic at once, so no"
            " plan would count.",
            "Approve it without one, or have it asked for as a canary.",
        )
    if decided is not None:
        return decided
    return Plan.model_validate(row.plan) if row.plan else frozen(entry.rollout)


def close(session: Session, order: Order, promotion_id: UUID, becomes: PromotionStatus) -> Outcome:
    """Reject or withdraw a request.

    Raises:
        Forbidden: withdrawing somebody else's request.
        StaleView: decided already.
    """
    row = _open_request(session, promotion_id)
    if becomes == PromotionStatus.WITHDRAWN and row.requested_by != order.actor:
        raise Forbidden(
            f"{row.requested_by} made this request; only they can withdraw it.",
            "A lead can reject it.",
        )
    row.status = becomes
    row.decided_by, row.decided_at, row.decision_reason = order.actor, order.now, order.reason
    order.record(
        session,
        f"promotion.{becomes}",
        model=row.model_name,
        version=row.version.version,
        evidence={"promotion": str(row.id)},
    )
    return Outcome(
        sentence=f"The request for {row.model_name} {row.version.version} is {becomes}.",
        model_name=row.model_name,
        version=row.version.version,
        promotion_id=row.id,
    )


def review(session: Session, order: Order, promotion_id: UUID) -> Outcome:
    """Note what another lead found when they looked at a break-glass promotion afterwards.

    Raises:
        Conflict: it needs no review.
        Forbidden: the reviewer is who broke the glass.
        StaleView: reviewed already.
    """
    row = promotion_row(session, promotion_id, lock=True)
    if not row.break_glass:
        raise Conflict("This promotion was approved by another lead.", "It needs no review.")
    if row.reviewed_by is not None:
        raise StaleView(f"{row.reviewed_by} reviewed this already.", "Look at the page again.")
    if row.decided_by == order.actor:
        raise Forbidden("You broke the glass; another lead must review it.", "Ask one of them.")
    row.reviewed_by, row.reviewed_at, row.review = order.actor, order.now, order.reason
    order.record(
        session,
        "promotion.review",
        model=row.model_name,
        version=row.version.version,
        evidence={"promotion": str(row.id), "broken_by": row.decided_by},
    )
    return Outcome(
        sentence=f"The review of {row.model_name} {row.version.version} is on record.",
        model_name=row.model_name,
        version=row.version.version,
        promotion_id=row.id,
    )
