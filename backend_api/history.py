"""Reading the record: what was decided for a model at a moment, on whose word and evidence."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend_api import ledger
from backend_api.errors import BadRequest
from backend_api.registry import wire_promotion
from backend_api.rules import history as rule
from backend_api.schemas import Approval, Decided, LedgerEntry, Moment
from backend_api.tables import LedgerRow, PromotionRow, RoutingHistoryRow, VersionRow

SEEN = ("deployment.observed", "rollback.observed")
APPROVED = ("promotion.approve", "promotion.break_glass")
# Which ledger rows tell of a part; a transaction may write others beside them.
PRODUCTION = ("model.", "sql.")
CANARY = ("canary.", "model.walk_down", "sql.")
FALLBACK = ("fallback.", "sql.")
HOLD = ("model.roll_back", "model.walk_down", "sql.")


def changes(session: Session, model: str) -> list[rule.Change]:
    """All that was decided for a model, oldest first."""
    columns = [getattr(RoutingHistoryRow, name) for name in rule.Change._fields]
    rows = session.execute(
        select(*columns).where(RoutingHistoryRow.model_name == model).order_by(RoutingHistoryRow.id)
    )
    return rule.settled([rule.Change._make(row) for row in rows])


def moment(session: Session, model: str, at: datetime, now: datetime) -> Moment:
    """What was decided for a model at ``at``.

    A moment between the compiling of a decision and its commit, some milliseconds, counts as after.

    Raises:
        BadRequest: ``at`` lies in the future.
    """
    if at > now:
        raise BadRequest(
            f"{at:%d %b %Y, %H:%M:%S %Z} lies in the future.", "Ask for a moment that has passed."
        )
    known = changes(session, model)
    place = rule.index_at(known, at)
    if place is None:
        return _unrecorded(model, at, known)
    then = known[place]
    serving = rule.run(known, place, lambda c: c.serving)

    def part(
        what: Callable[[rule.Change], object], told_by: Sequence[str], version: str | None
    ) -> Decided:
        return _part(session, model, rule.run(known, place, what), told_by, version, at)

    return Moment(
        model_name=model,
        at=at,
        sentence=rule.sentence(then),
        recorded=True,
        recorded_from=known[0].at,
        epoch=then.epoch,
        production=part(lambda c: c.production, PRODUCTION, then.production)
        if then.production
        else None,
        canary=part(lambda c: (c.canary, c.canary_share), CANARY, then.canary)
        if then.canary
        else None,
        fallback=part(lambda c: c.fallback, FALLBACK, None) if then.fallback else None,
        hold=part(lambda c: c.held, HOLD, None) if then.held else None,
        degraded=then.degraded,
        shadow=then.shadow,
        shadow_share=then.shadow_share,
        agreement=rule.agreement(serving, _sightings(session, model, known, serving), at)
        if then.production or then.fallback
        else None,
    )


def _unrecorded(model: str, at: datetime, known: list[rule.Change]) -> Moment:
    began = known[0] if known else None
    if began is not None and began.baseline:
        told = f"Not recorded: the record of what served begins {began.at:%d %b %Y, %H:%M:%S %Z}."
    else:
        told = "Nothing had been decided for this model yet."
    return Moment(
        model_name=model,
        at=at,
        sentence=told,
        recorded=began is None or not began.baseline,
        recorded_from=began.at if began else None,
    )


def _part(
    session: Session, model: str, run: rule.Run, told_by: Sequence[str], version: str | None,
    at: datetime,
) -> Decided:  # fmt: skip
    change = run.first
    rows = session.scalars(
        select(LedgerRow)
        .where(LedgerRow.transaction_at == change.transaction_at, LedgerRow.model_name == model)
        .order_by(LedgerRow.seq)
    ).all()
    telling = [row for row in rows if row.action.startswith(tuple(told_by))] or rows
    row = telling[-1] if telling else None
    entry = ledger.wire(row) if row is not None else None
    return Decided(
        version=version,
        share=change.canary_share if version is not None and version == change.canary else None,
        since=change.at,
        until=run.until,
        by=entry.actor if entry else change.changed_by,
        baseline=change.baseline,
        entry=entry,
        approval=_approval(session, model, version, at) if version else None,
        doubt=_doubt(change, entry) if entry else None,
    )


def _doubt(change: rule.Change, entry: LedgerEntry) -> str | None:
    return rule.doubt(change, entry.seq, entry.action, entry.version, entry.evidence)


def _approval(session: Session, model: str, version: str, at: datetime) -> Approval | None:
    """The newest approval of a version before the moment."""
    row = session.scalar(
        select(PromotionRow)
        .join(VersionRow, VersionRow.id == PromotionRow.model_id)
        .where(
            PromotionRow.model_name == model,
            VersionRow.version == version,
            PromotionRow.status == "applied",
            PromotionRow.decided_at <= at,
        )
        .order_by(PromotionRow.decided_at.desc())
        .limit(1)
    )
    if row is None:
        return None
    entry = session.scalar(
        select(LedgerRow)
        .where(
            LedgerRow.model_name == model,
            LedgerRow.action.in_(APPROVED),
            LedgerRow.evidence["promotion"].as_string() == str(row.id),
        )
        .limit(1)
    )
    signed = {"promotion": str(row.id), "hash": row.evidence_hash, **row.evidence}
    return Approval(
        promotion=wire_promotion(row),
        seq=entry.seq if entry else None,
        intact=entry is not None and entry.evidence == signed,
    )


def _sightings(
    session: Session, model: str, known: list[rule.Change], serving: rule.Run
) -> list[rule.Sighting]:
    """When all workers were seen to serve an epoch of the run."""
    decided = {change.epoch: change.at for change in reversed(known)}
    epoch = LedgerRow.evidence["epoch"].as_integer()
    rows = session.scalars(
        select(LedgerRow).where(
            LedgerRow.model_name == model,
            LedgerRow.action.in_(SEEN),
            epoch.between(serving.first.epoch, serving.last.epoch),
        )
    )
    return [
        rule.Sighting(
            row.evidence["epoch"],
            # The watch notes it at its next look; the row says how long it really took.
            decided[row.evidence["epoch"]] + timedelta(seconds=row.evidence["seconds"])
            if row.evidence["epoch"] in decided
            else row.at,
            tuple(row.evidence["workers"]),
        )
        for row in rows
    ]
