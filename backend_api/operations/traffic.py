"""Who serves how much: production, canary, and the share between them."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from backend_api.catalog import ModelEntry
from backend_api.deployment import agreed, answered_by, desired, observed
from backend_api.errors import Conflict, PromotionBlocked, StaleView
from backend_api.operations import course
from backend_api.operations.order import Order, locked
from backend_api.operations.version import deployment_row, end_slot, put
from backend_api.registry import evidence, version_row
from backend_api.rules import promotion as rule
from backend_api.rules.deployment import proved
from backend_api.schemas import Gate, Outcome, Plan, ShiftTraffic
from backend_api.states import GateState, RolloutState
from backend_api.tables import RolloutRow, RoutingRow, VersionRow


def compiled_epoch(session: Session, model: str) -> int:
    """Have the database compile the routing now, within the transaction, and read its epoch."""
    session.flush()
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
    session.expire_all()
    return session.get_one(RoutingRow, model).epoch


def _last_look(session: Session, order: Order, model: str, timeout: float) -> None:
    """A version that is being replaced may be gone back to unless it was measured to be bad.

    It serves on every live worker; that nothing could be measured yet is not held against it,
    since a way back is better than none.
    """
    want = desired(session, model)
    if want is None or want.production is None or want.degraded is not None or want.fallback:
        return
    row = version_row(session, model, want.production)
    if row.verified_at is None and agreed(observed(session, model, want, order.now, timeout)):
        state, sentence = proved(answered_by(session, row, order.now), 0.0, float("inf"))
        if state != GateState.FAIL:
            row.verified_at = order.now
            order.record(
                session,
                "version.verify",
                model=model,
                version=row.version,
                evidence={"found": sentence},
            )
            session.flush()


def make_production(
    session: Session, order: Order, row: VersionRow, entry: ModelEntry, timeout: float
) -> Outcome:
    """Give the version all traffic; the version before it is archived and kept warm.

    Raises:
        Conflict: another version is the canary.
    """
    _refuse_another(session, row)
    _last_look(session, order, row.model_name, timeout)
    end_slot(session, row.model_name, "production", "archived")
    put(session, row, "production", 100, "active", entry.endpoint)
    order.record(session, "model.promote", model=row.model_name, version=row.version)
    epoch = compiled_epoch(session, row.model_name)
    course.follow(session, order, row.model_name, entry.rollout)
    return Outcome(
        sentence=f"{row.model_name} {row.version} is in production; workers are switching over.",
        model_name=row.model_name,
        version=row.version,
        epoch=epoch,
    )


def _refuse_another(session: Session, row: VersionRow) -> None:
    running = deployment_row(session, row.model_name, "canary")
    if running is not None and running.model_id != row.id:
        raise Conflict(
            f"{row.model_name} has a canary already.",
            "Finish it or abort it first; one rollout runs at a time. A canary that is asked for"
            " with `supersede` ends it.",
        )


@dataclass(frozen=True)
class Start:
    """How a canary begins: its share, its plan, whose approval it has, and what it may end."""

    share: int
    plan: Plan
    promotion_id: UUID
    supersede: bool


def start_canary(
    session: Session, order: Order, row: VersionRow, entry: ModelEntry, start: Start
) -> Outcome:
    """Give the version a share beside production.

    Raises:
        Conflict: another version is the canary, and nobody said that it is to end.
    """
    model = row.model_name
    before = course.follow(session, order, model, entry.rollout)
    if start.supersede:
        _supersede(session, order, before, row)
    _refuse_another(session, row)
    put(session, row, "canary", start.share, "active", entry.endpoint)
    plan = start.plan.model_dump(mode="json")
    order.record(
        session, "canary.start", model=model, version=row.version,
        evidence={"share": start.share, "plan": plan},
    )  # fmt: skip
    epoch = compiled_epoch(session, model)
    course.close(session, order, model, RolloutState.SUPERSEDED)
    course.begin(session, order, model, start.plan, promotion_id=start.promotion_id)
    return Outcome(
        sentence=f"{model} {row.version} gets {start.share} % of the requests.",
        model_name=model, version=row.version, epoch=epoch,
    )  # fmt: skip


def _supersede(session: Session, order: Order, before: RolloutRow | None, row: VersionRow) -> None:
    """End the canary under way for this one; production stays what it is."""
    if before is None:
        return
    # Nothing speaks against a canary that has to make way; against one that is being left it does.
    status = "rolled_back" if course.goes_down(before) else "archived"
    end_slot(session, row.model_name, "canary", status)
    order.record(
        session, "canary.supersede", model=row.model_name, version=before.canary.version,
        evidence={"by": row.version, "share": before.share},
    )  # fmt: skip


def held_back(model: str, version: str, gates: list[Gate]) -> None:
    """Return if every gate is passed.

    Raises:
        PromotionBlocked: some are not; the message says which and why.
    """
    held = rule.blocking(gates)
    if held:
        raise PromotionBlocked(
            f"{model} {version} is held back: " + " ".join(g.sentence for g in held),
            "Each gate says what it needs. A rollback or a lower share is always possible.",
            gates=[g.model_dump(mode="json") for g in held],
        )


def _may_rise(
    session: Session, order: Order, entry: ModelEntry, row: VersionRow, before: RolloutRow | None
) -> None:
    if course.goes_down(before):
        raise Conflict(
            f"{row.model_name} {row.version} is being walked down; its share only falls.",
            "Abort finishes it. To try the version again, stage it and ask for its promotion.",
        )
    # That it breaks callers was ticked, or not, when its promotion was approved.
    seen = evidence(session, entry, row, order.now, breaking=True)
    held_back(row.model_name, row.version, rule.decide(seen))


def shift(
    session: Session,
    order: Order,
    entry: ModelEntry,
    model: str,
    body: ShiftTraffic,
    timeout: float,
) -> Outcome:
    """Set the canary's share: 0 aborts it for good, 100 makes it production.

    Raises:
        StaleView: the canary or its share is not what the caller saw.
        Conflict: raising what is being walked down.
        PromotionBlocked: raising it while a gate is shut.
    """
    locked(session, model)
    before = course.follow(session, order, model, entry.rollout)
    want = desired(session, model)
    canary, share = (want.canary, want.canary_share) if want else (None, 0)
    if canary is None or (canary, share) != (body.expected_canary, body.expected_share):
        raise StaleView(
            f"{model} has {f'{canary} at {share} %' if canary else 'no canary'} by now.",
            "Look at the page again and decide on what it shows.",
            canary=canary,
            share=share,
        )
    row = version_row(session, model, canary, lock=True)
    if body.share > share or body.share == 100:
        _may_rise(session, order, entry, row, before)
    if body.share == 100:
        return make_production(session, order, row, entry, timeout)
    if body.share == 0:
        end_slot(session, model, "canary", "rolled_back")
        action, sentence = "canary.abort", f"{model} {canary} is aborted; it gets no requests."
    else:
        put(session, row, "canary", body.share, "active", entry.endpoint)
        action = "canary.share"
        sentence = f"{model} {canary} goes from {share} % to {body.share} % of the requests."
    order.record(
        session, action, model=model, version=canary, evidence={"from": share, "to": body.share}
    )
    epoch = compiled_epoch(session, model)
    course.follow(session, order, model, entry.rollout)
    return Outcome(sentence=sentence, model_name=model, version=canary, epoch=epoch)
