"""The watch: looks at everything once per tick and acts on what it sees."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from backend_api import deployment, ledger
from backend_api.catalog import Catalog
from backend_api.db import transaction
from backend_api.errors import ConsoleError
from backend_api.mlflow_registry import MlflowRegistry
from backend_api.operations.promotion import what_moved
from backend_api.rules import mirror as rule
from backend_api.states import PromotionStatus, VersionStatus
from backend_api.tables import LedgerRow, MirrorRow, OutboxRow, PromotionRow, RoutingRow, VersionRow

ACTOR = "watch"
RECHECK = timedelta(seconds=30)
PARTITIONS_AHEAD = 3

log = structlog.get_logger()


def tick(
    engine: Engine, catalog: Catalog, mlflow: MlflowRegistry, now: datetime, timeout: float
) -> None:
    """One look at everything; what cannot be done now is left for the next one."""
    with transaction(engine, ACTOR) as session:
        make_partitions(session, now)
        beat(session, now)
    for model in catalog.models:
        with transaction(engine, ACTOR) as session:
            observe(session, model, now, timeout)
        with transaction(engine, ACTOR) as session:
            review_requests(session, catalog, model, now)
        mirror(engine, mlflow, model, now)


def make_partitions(session: Session, now: datetime) -> None:
    """Keep the prediction log's partitions of the coming days ready."""
    for ahead in range(PARTITIONS_AHEAD):
        session.execute(
            text("SELECT ensure_prediction_partition(:day)"),
            {"day": (now + timedelta(days=ahead)).date()},
        )


def beat(session: Session, now: datetime) -> None:
    """Say that the watch is alive."""
    session.execute(
        text(
            "INSERT INTO heartbeats VALUES ('worker', :now)"
            " ON CONFLICT (process) DO UPDATE SET at = excluded.at"
        ),
        {"now": now},
    )


def observe(session: Session, model: str, now: datetime, timeout: float) -> None:
    """Record the moment in which every live worker serves a new epoch, and what it proves."""
    want = deployment.desired(session, model)
    if want is None or want.production is None:
        return
    routing = session.get_one(RoutingRow, model)
    if routing.observed_epoch >= want.epoch:
        return
    workers = deployment.observed(session, model, want, now, timeout)
    if not deployment.agreed(workers):
        return
    last = max(w.acknowledged_at for w in workers if w.live)
    rollback = session.scalar(
        select(LedgerRow)
        .where(
            LedgerRow.model_name == model,
            LedgerRow.action == "model.roll_back",
            LedgerRow.evidence["epoch"].as_integer() == want.epoch,
        )
        .limit(1)
    )
    session.execute(
        text("UPDATE model_routing SET observed_epoch = :e WHERE model_name = :m"),
        {"e": want.epoch, "m": model},
    )
    if want.degraded is None:
        session.execute(
            text(
                "UPDATE model_registry SET verified_at = :now WHERE id = :id"
                " AND verified_at IS NULL AND status = 'production'"
            ),
            {"now": now, "id": routing.production_id},
        )
    ledger.append(
        session,
        ACTOR,
        "rollback.observed" if rollback else "deployment.observed",
        model=model,
        version=want.production,
        evidence={
            "epoch": want.epoch,
            "seconds": round((last - want.changed_at).total_seconds(), 3),
            "workers": [w.replica_id for w in workers if w.live],
        },
    )


def review_requests(session: Session, catalog: Catalog, model: str, now: datetime) -> None:
    """Close pending requests that expired, or whose evidence moved, and say why."""
    pending = session.scalars(
        select(PromotionRow)
        .where(PromotionRow.model_name == model, PromotionRow.status == "pending")
        # A request that somebody decides on at this moment is theirs.
        .with_for_update(of=PromotionRow, skip_locked=True)
    )
    for row in pending:
        moves = what_moved(session, catalog.get(model), row)
        if now >= row.expires_at:
            row.status, why = PromotionStatus.EXPIRED, "nobody decided in time"
        elif moves:
            row.status, why = PromotionStatus.VOID, "; ".join(moves)
        else:
            continue
        row.decided_by, row.decided_at, row.decision_reason = ACTOR, now, why
        ledger.append(
            session,
            ACTOR,
            f"promotion.{row.status}",
            model=model,
            version=row.version.version,
            reason=why,
            evidence={"promotion": str(row.id)},
        )


def wanted(session: Session, model: str) -> rule.Picture:
    """What MLflow should say of a model, by our rows."""
    rows = list(
        session.scalars(
            select(VersionRow)
            .where(VersionRow.model_name == model, VersionRow.mlflow_version.is_not(None))
            .execution_options(populate_existing=True)
        )
    )
    numbers = {r.id: r.mlflow_version for r in rows}
    routing = session.get(RoutingRow, model, populate_existing=True)
    return rule.wanted(
        {r.mlflow_version: VersionStatus(r.status) for r in rows if r.mlflow_version},
        numbers.get(routing.production_id) if routing and routing.production_id else None,
        numbers.get(routing.canary_id) if routing and routing.canary_id else None,
    )


def _due(session: Session, model: str, now: datetime) -> tuple[list[int], bool]:
    """Outbox rows that may be tried now, and whether the mirror's last check is old."""
    due = list(
        session.scalars(
            select(OutboxRow.id).where(
                OutboxRow.model_name == model,
                OutboxRow.done_at.is_(None),
                OutboxRow.next_attempt_at <= now,
            )
        )
    )
    row = session.get(MirrorRow, model)
    stale = row is not None and (row.checked_at is None or now - row.checked_at > RECHECK)
    return due, stale


def mirror(engine: Engine, mlflow: MlflowRegistry, model: str, now: datetime) -> None:
    """Carry our decisions to MLflow; notice what others changed there.

    MLflow is called between two transactions, never inside one: no lock waits for it.
    """
    with transaction(engine, ACTOR) as session:
        due, stale = _due(session, model, now)
        if not due and not stale:
            return
        want = wanted(session, model)
    error = difference = None
    seen = rule.Picture({}, {}, {})
    try:
        seen = mlflow.picture(model)
        if due:
            mlflow.apply(model, want, seen)
            seen = mlflow.picture(model)
        difference = rule.difference(want, seen)
    except ConsoleError as outage:
        error = outage.message
    with transaction(engine, ACTOR) as session:
        _record_mirror(session, model, due, seen, difference, error, now)


def _record_mirror(
    session: Session,
    model: str,
    due: list[int],
    seen: rule.Picture,
    difference: str | None,
    error: str | None,
    now: datetime,
) -> None:
    row = session.get(MirrorRow, model, with_for_update=True)
    if row is None:
        row = MirrorRow(model_name=model, observed={})
        session.add(row)
    was = row.difference
    row.checked_at = now
    row.error = error
    if error is None:
        row.observed = {"aliases": seen.aliases, "stages": seen.stages}
        row.difference = difference
        row.equal_at = now if difference is None else row.equal_at
    if due:
        failed = error or difference
        session.execute(
            text(
                "UPDATE outbox SET attempts = attempts + 1, last_error = CAST(:error AS text),"
                " done_at = CASE WHEN CAST(:error AS text) IS NULL"
                "   THEN CAST(:now AS timestamptz) END,"
                " next_attempt_at = CAST(:now AS timestamptz)"
                "   + least(60, power(2, least(attempts, 6))) * interval '1 second'"
                " WHERE id = ANY(:ids)"
            ),
            {"error": failed, "now": now, "ids": due},
        )
    elif difference is not None and difference != was:
        ledger.append(
            session,
            ACTOR,
            "mirror.foreign_change",
            model=model,
            reason=difference,
            evidence={"observed": row.observed},
        )
        log.warning("mirror.foreign_change", model=model, difference=difference)
