"""The watch: looks at everything once per tick and acts on what it sees."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from backend_api import accuracy, deployment, heartbeat, jobs, ledger, rehearsal, retention, slo
from backend_api.catalog import Catalog, ModelEntry
from backend_api.context import Context
from backend_api.db import transaction
from backend_api.errors import ConsoleError
from backend_api.operations import drift, incident, retraining, rollout
from backend_api.operations import rehearsal as rehearsals
from backend_api.operations.order import locked
from backend_api.operations.promotion import what_moved
from backend_api.rules.accuracy import Tally, fell
from backend_api.rules.deployment import proved
from backend_api.rules.drift_kept import WHOLE, Rules
from backend_api.states import GateState, IncidentKind, PromotionStatus, Severity
from backend_api.tables import LedgerRow, PromotionRow, RoutingRow, VersionRow

ACTOR = "watch"

log = structlog.get_logger()


def tick(ctx: Context, now: datetime) -> None:
    """One look at everything; what fails is left for the next tick, and holds up nothing else."""
    settings = ctx.settings
    look = partial(_look, ctx.engine)
    if not look("heartbeat", partial(heartbeat.beat, now=now)):
        # Without PostgreSQL there is nothing to look at, and one line about it is enough.
        return
    look("jobs", jobs.close_abandoned)
    look("rehearsals", rehearsal.close_abandoned)
    look("partitions", partial(retention.make_partitions, now=now))
    look("retention", partial(retention.forget, now=now, prediction_days=settings.prediction_days))
    for model in ctx.catalog.models:
        timeout, quiet = settings.replica_timeout_seconds, settings.verify_seconds
        look(f"workers of {model}", partial(observe, model=model, now=now, timeout=timeout))
        look(f"proof of {model}", partial(verify, model=model, now=now, quiet=quiet))
        look(f"counts of {model}", partial(slo.follow, model=model, now=now))
        entry = ctx.catalog.get(model)
        judge_drift(ctx.engine, model, now, entry.privacy.log)
        look(f"accuracy of {model}", partial(review_accuracy, entry=entry, model=model, now=now))
        look(
            f"retraining of {model}",
            partial(retraining.tend, model=model, plan=entry.retraining, now=now, actor=ACTOR),
        )
        look(
            f"rollout of {model}",
            partial(rollout.tend, entry=entry, model=model, now=now, timeout=timeout),
        )
        every = timedelta(hours=settings.rehearse_hours)
        look(
            f"rehearsal of {model}",
            partial(
                rehearsals.tend, model=model, every=every, now=now, timeout=timeout, actor=ACTOR
            ),
        )
        look(
            f"requests for {model}",
            partial(review_requests, catalog=ctx.catalog, model=model, now=now),
        )


def _look(engine: Engine, name: str, act: Callable[[Session], None]) -> bool:
    def once() -> None:
        with transaction(engine, ACTOR) as session:
            act(session)

    return attempt(name, once)


def attempt(name: str, act: Callable[[], None]) -> bool:
    """Do it, and say whether it went well; a failure of any kind is logged and outlived."""
    try:
        act()
        return True
    except ConsoleError as error:
        log.warning("watch.failed", look=name, error=error.message)
    except Exception as error:
        log.error("watch.failed", look=name, exc_info=error)
    return False


def judge_drift(engine: Engine, model: str, now: datetime, rules: Rules = WHOLE) -> None:
    """Judge the days that are over by what ``privacy.log`` keeps, each version in a transaction.

    A version's alarms hold the ledger, which a rollback would wait for, until its own are written.
    """
    look = partial(_look, engine)
    found: list[list[str] | None] = []
    look(f"drift of {model}", lambda session: found.append(drift.waiting(session, model, now)))
    if not found or found[0] is None:
        return
    for version in found[0]:
        act = partial(
            drift.catch_up, model=model, version=version, now=now, actor=ACTOR, rules=rules
        )
        look(f"drift of {model} {version}", act)
    look(f"drift's incident of {model}", partial(drift.review, model=model, now=now, actor=ACTOR))


def observe(session: Session, model: str, now: datetime, timeout: float) -> None:
    """Record the moment in which every live worker serves a new epoch."""
    routing = session.get(RoutingRow, model)
    if routing is None or routing.production_id is None or routing.observed_epoch >= routing.epoch:
        return
    # Decisions lock the model before anything else; so does who writes beside them.
    locked(session, model)
    want = deployment.desired(session, model)
    if want is None or routing.observed_epoch >= want.epoch:
        return
    workers = deployment.observed(session, model, want, now, timeout)
    if not deployment.agreed(workers):
        return
    last = max(w.acknowledged_at for w in workers if w.live)
    rollback = session.scalar(
        select(LedgerRow.seq)
        .where(
            LedgerRow.model_name == model,
            LedgerRow.action == "model.roll_back",
            LedgerRow.evidence["epoch"].as_integer() == want.epoch,
        )
        .limit(1)
    )
    routing.observed_epoch = want.epoch
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


def verify(session: Session, model: str, now: datetime, quiet: float) -> None:
    """Note that a version proved good in production: from then on it may be gone back to."""
    routing = session.get(RoutingRow, model)
    if (
        routing is None
        or routing.degraded
        or routing.fallback
        or routing.observed_epoch < routing.epoch
    ):
        return
    row = session.get(VersionRow, routing.production_id) if routing.production_id else None
    if row is None or row.verified_at is not None or row.deployed_at is None:
        return
    served = (now - row.deployed_at).total_seconds()
    state, sentence = proved(deployment.answered_by(session, row, now), served, quiet)
    if state != GateState.PASS:
        return
    locked(session, model)
    row = session.get_one(VersionRow, row.id, populate_existing=True)
    if row.status == "production" and row.verified_at is None:
        row.verified_at = now
        session.flush()
        ledger.append(
            session, ACTOR, "version.verify", model=model, version=row.version,
            evidence={"found": sentence},
        )  # fmt: skip


def review_accuracy(session: Session, entry: ModelEntry, model: str, now: datetime) -> None:
    """Count answers; open an incident once labels show beyond doubt that it is right far less."""
    counted = accuracy.follow(session, model, now)
    if entry.accuracy is None or not counted:
        return
    found = accuracy.latest(session, model, entry.accuracy, now)
    if found.span is None or found.baseline is None or found.version is None:
        return
    incident.seen(
        session, ACTOR, model, IncidentKind.ACCURACY_DROP, Severity.MAJOR, holds=found.fallen,
        title=f"{entry.title} is right less often than it was",
        sentence=fell(found.version, Tally(found.span.labelled, found.span.right), found.baseline),
        evidence={
            "version": found.version, "days": entry.accuracy.days,
            "baseline": found.baseline.share, "baseline_source": found.baseline.source,
            **found.span.model_dump(mode="json", exclude={"state", "needed", "sentence"}),
        },
        now=now,
    )  # fmt: skip


def review_requests(session: Session, catalog: Catalog, model: str, now: datetime) -> None:
    """Close pending requests that expired, or whose evidence moved, and say why."""
    pending = session.scalars(
        select(PromotionRow)
        .where(PromotionRow.model_name == model, PromotionRow.status == "pending")
        # A request that somebody decides on at this moment is theirs.
        .with_for_update(of=PromotionRow, skip_locked=True)
    )
    for row in pending:
        moves = what_moved(session, catalog.get(model), row, now)
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
