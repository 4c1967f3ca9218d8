"""Reading deployments: desired and observed state of a model side by side."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from backend_api.catalog import Catalog
from backend_api.readiness import readiness
from backend_api.registry import REMEMBERED
from backend_api.rules import deployment as rule
from backend_api.schemas import (
    Deployment,
    Desired,
    Fallback,
    Hold,
    LoadedVersion,
    Mirror,
    Observed,
    Traffic,
)
from backend_api.shadow import shadow
from backend_api.states import UNDER_WAY, Health, RolloutKind
from backend_api.tables import (
    MirrorRow,
    ModelRow,
    OutboxRow,
    ReplicaModelRow,
    ReplicaRow,
    RolloutRow,
    RoutingRow,
    VersionRow,
)


def desired(session: Session, model: str) -> Desired | None:
    """The compiled desired state, None before anything was ever deployed."""
    routing = session.get(RoutingRow, model, populate_existing=True)
    if routing is None:
        return None
    ids = [routing.production_id, routing.canary_id, routing.target_id, routing.shadow_id,
           *routing.staging_ids]  # fmt: skip
    names: dict[int | None, str] = {
        row.id: row.version
        for row in session.execute(
            select(VersionRow.id, VersionRow.version).where(
                VersionRow.id.in_([i for i in ids if i is not None])
            )
        )
    }
    return Desired(
        model_name=model,
        epoch=routing.epoch,
        production=names.get(routing.production_id),
        canary=names.get(routing.canary_id),
        canary_share=routing.canary_share,
        staging=[names[i] for i in routing.staging_ids],
        target=names.get(routing.target_id),
        salt=routing.salt,
        degraded=routing.degraded,
        fallback=routing.fallback,
        shadow=names.get(routing.shadow_id),
        shadow_share=routing.shadow_share,
        changed_at=routing.changed_at,
        changed_by=routing.changed_by,
    )


def observed(
    session: Session, model: str, want: Desired | None, now: datetime, timeout: float
) -> list[Observed]:
    """What each worker acknowledged; one that fell silent stays visible for a while."""
    rows = session.execute(
        select(ReplicaRow, ReplicaModelRow)
        .outerjoin(
            ReplicaModelRow,
            (ReplicaModelRow.replica_id == ReplicaRow.replica_id)
            & (ReplicaModelRow.model_name == model),
        )
        .where(ReplicaRow.heartbeat_at > now - REMEMBERED, ReplicaRow.stopped_at.is_(None))
        .order_by(ReplicaRow.host, ReplicaRow.started_at),
        execution_options={"populate_existing": True},
    )
    seen = []
    for replica, ack in rows:
        worker = Observed(
            replica_id=replica.replica_id,
            host=replica.host,
            pid=replica.pid,
            live=rule.is_live(replica.heartbeat_at, replica.stopped_at, now, timeout),
            heartbeat_at=replica.heartbeat_at,
            memory_bytes=replica.memory_bytes,
            epoch=ack.epoch if ack else 0,
            production=ack.production_version if ack else None,
            canary=ack.canary_version if ack else None,
            canary_share=ack.canary_share if ack else 0,
            fallback=ack.fallback if ack else False,
            shadow=ack.shadow_version if ack else None,
            shadow_share=ack.shadow_share if ack else 0,
            loaded={k: _loaded(v) for k, v in ack.loaded.items()} if ack else {},
            error=ack.error if ack else None,
            acknowledged_at=ack.acknowledged_at if ack else replica.started_at,
            agrees=False,
        )
        matches = want is not None and rule.agrees(want, worker)
        seen.append(worker.model_copy(update={"agrees": matches}))
    return seen


def _loaded(value: dict[str, Any]) -> LoadedVersion:
    return LoadedVersion(
        state=value.get("state") or "unknown",
        digest=value.get("digest"),
        error=value.get("error"),
        memory_bytes=value.get("memory_bytes"),
    )


def agreed(workers: list[Observed]) -> bool:
    """Whether every live worker serves the desired state, and there is one."""
    live = [w for w in workers if w.live]
    return bool(live) and all(w.agrees for w in live)


def hold(session: Session, model: str) -> Hold | None:
    """The hold on a model, if any."""
    row = session.get(ModelRow, model, populate_existing=True)
    if row is None or row.held_at is None:
        return None
    return Hold(at=row.held_at, by=row.held_by or "", reason=row.held_reason or "")


def fallback(session: Session, model: str) -> Fallback | None:
    """Who had rules answer a model, and why; None where versions do."""
    row = session.get(ModelRow, model, populate_existing=True)
    if row is None or row.fallback_at is None:
        return None
    return Fallback(at=row.fallback_at, by=row.fallback_by or "", reason=row.fallback_reason or "")


def walking_down(session: Session, model: str) -> bool:
    """Whether the canary is a version that is being left."""
    return session.scalar(
        select(RolloutRow.id).where(
            RolloutRow.model_name == model, RolloutRow.kind == RolloutKind.DOWN,
            RolloutRow.state.in_(UNDER_WAY),
        )
    ) is not None  # fmt: skip


def mirror(session: Session, model: str) -> Mirror:
    """How MLflow's copy stands."""
    row = session.get(MirrorRow, model, populate_existing=True)
    pending = session.scalar(
        select(func.count())
        .select_from(OutboxRow)
        .where(OutboxRow.model_name == model, OutboxRow.done_at.is_(None))
    )
    if row is None:
        state = Health.UNKNOWN
    elif row.error is not None:
        state = Health.DOWN
    elif row.difference is not None or pending:
        state = Health.DEGRADED
    else:
        state = Health.OK
    return Mirror(
        state=state,
        difference=row.difference if row else None,
        error=row.error if row else None,
        pending=pending or 0,
        checked_at=row.checked_at if row else None,
        equal_at=row.equal_at if row else None,
    )


def deployment(
    session: Session, catalog: Catalog, model: str, now: datetime, timeout: float
) -> Deployment:
    """Desired and observed state of one model.

    Raises:
        NotFound: no such model in the catalogue.
    """
    entry = catalog.get(model)
    want = desired(session, model)
    workers = observed(session, model, want, now, timeout)
    leaving = walking_down(session, model)
    # From a version that is being left the way back leads to production, which it was before.
    back = want.model_copy(update={"target": want.production}) if want and leaving else want
    return Deployment(
        model_name=model,
        title=entry.title,
        endpoint=entry.endpoint,
        desired=want,
        observed=workers,
        agrees=agreed(workers),
        hold=hold(session, model),
        has_rules=entry.fallback != "none",
        fallback=fallback(session, model),
        shadow=shadow(session, want, workers),
        walking_down=leaving,
        readiness=readiness(session, model, entry, back, workers, now),
        mirror=mirror(session, model),
    )


# Long enough to tell, short enough that a version which has recovered proves good again.
PROOF_MINUTES = 15

TRAFFIC = text("""
    SELECT count(*) FILTER (WHERE arm <> 'fallback') AS requests,
        count(*) FILTER (WHERE arm <> 'fallback' AND status = 'error') AS errors,
        count(*) FILTER (WHERE arm = 'fallback') AS fallbacks,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_ms)
            FILTER (WHERE arm <> 'fallback') AS p50,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms)
            FILTER (WHERE arm <> 'fallback') AS p95,
        count(*) FILTER (WHERE arm = 'production') AS production,
        count(*) FILTER (WHERE arm = 'canary') AS canary, max(predicted_at) AS last_at
    FROM model_predictions
    WHERE model_name = :model AND predicted_at > :since
        AND arm IN ('production', 'canary', 'fallback')
        AND (CAST(:version AS text) IS NULL OR (version = :version AND arm = 'production'))
""")


def traffic(
    session: Session, model: str, now: datetime, minutes: int = 5, version: str | None = None
) -> Traffic:
    """What was answered in the last minutes, by the prediction log; of one version if given."""
    since = now - timedelta(minutes=minutes)
    row = session.execute(TRAFFIC, {"model": model, "since": since, "version": version}).one()
    return Traffic(
        minutes=minutes,
        requests=row.requests,
        errors=row.errors,
        fallbacks=row.fallbacks,
        p50_ms=row.p50,
        p95_ms=row.p95,
        by_arm={"production": row.production, "canary": row.canary},
        last_at=row.last_at,
    )


def answered_by(session: Session, row: VersionRow, now: datetime) -> Traffic:
    """What the version answered lately as production."""
    return traffic(session, row.model_name, now, PROOF_MINUTES, row.version)
