"""The mirror: carries decisions to MLflow, and notices what others changed there."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from backend_api import ledger
from backend_api.db import sole, transaction
from backend_api.errors import ConsoleError
from backend_api.rules import mirror as rule
from backend_api.states import VersionStatus
from backend_api.tables import MirrorRow, OutboxRow, RoutingRow, VersionRow

ACTOR = "watch"
RECHECK = timedelta(seconds=30)

log = structlog.get_logger()


class Registry(Protocol):
    """What a mirror is written to."""

    def picture(self, model: str, /) -> rule.Picture:
        """What it says of a model now."""

    def carry_out(self, model: str, step: rule.Step, /) -> None:
        """Write one difference."""


@dataclass(frozen=True)
class _Task:
    """What there is to do for a model: open outbox rows, what to say, what was seen last."""

    due: list[int]
    want: rule.Picture
    known: rule.Picture | None


@dataclass(frozen=True)
class _Found:
    """How it went. ``seen`` None: writing broke off, so what MLflow says is not known."""

    seen: rule.Picture | None
    foreign: str | None = None
    difference: str | None = None
    error: str | None = None


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


def mirror(engine: Engine, registry: Registry, model: str, now: datetime) -> None:
    """Bring MLflow to what was decided, and name what others changed there.

    MLflow is called between two transactions, never inside one, so that no row is locked while it
    hangs. One process at a time does this for a model, or an older decision might be written over
    a newer one.
    """
    with sole(engine, f"nivesh.mirror.{model}") as alone:
        if not alone:
            return
        with transaction(engine, ACTOR) as session:
            task = _task(session, model, now)
        if task is None:
            return
        found = _carry_out(registry, model, task)
        with transaction(engine, ACTOR) as session:
            _record(session, model, task, found, now)


def _task(session: Session, model: str, now: datetime) -> _Task | None:
    """All open rows of a model are one task: the newest decision is the only one to be told."""
    rows = list(
        session.scalars(
            select(OutboxRow).where(OutboxRow.model_name == model, OutboxRow.done_at.is_(None))
        )
    )
    row = session.get(MirrorRow, model)
    due = any(r.next_attempt_at <= now for r in rows)
    stale = row is not None and (row.checked_at is None or now - row.checked_at > RECHECK)
    if not due and not stale:
        return None
    known = pictured(row.observed) if row is not None else None
    return _Task([r.id for r in rows] if due else [], wanted(session, model), known)


def pictured(observed: dict[str, Any]) -> rule.Picture | None:
    """What was seen, as it was stored; None where nothing is known."""
    if not observed:
        return None
    # JSON's keys are strings.
    return rule.Picture(
        aliases=observed["aliases"],
        stages={int(v): stage for v, stage in observed["stages"].items()},
        statuses={int(v): status for v, status in observed["statuses"].items()},
    )


def _carry_out(registry: Registry, model: str, task: _Task) -> _Found:
    seen, foreign = task.known, None
    try:
        seen = registry.picture(model)
        foreign = rule.foreign(task.known, seen) if task.known else None
        if task.due:
            now_seen, seen = seen, None
            for step in rule.steps(task.want, now_seen):
                registry.carry_out(model, step)
            seen = registry.picture(model)
    except ConsoleError as outage:
        return _Found(seen, foreign, error=outage.message)
    return _Found(seen, foreign, rule.difference(task.want, seen))


def _record(session: Session, model: str, task: _Task, found: _Found, now: datetime) -> None:
    row = session.get(MirrorRow, model, with_for_update=True)
    if row is None:
        row = MirrorRow(model_name=model)
        session.add(row)
    row.checked_at, row.error = now, found.error
    row.observed = asdict(found.seen) if found.seen else {}
    if found.error is None:
        row.read_at = now
        row.difference = found.difference
        row.equal_at = now if found.difference is None else row.equal_at
    if task.due:
        _settle(session, task.due, found.error or found.difference, now)
    if found.foreign is not None:
        log.warning("mirror.foreign_change", model=model, change=found.foreign)
        ledger.append(
            session,
            ACTOR,
            "mirror.foreign_change",
            model=model,
            reason=found.foreign,
            evidence={"overwritten": bool(task.due), "observed": row.observed},
        )


def _settle(session: Session, ids: list[int], failed: str | None, now: datetime) -> None:
    """Close the rows, or let them wait: twice as long each time, a minute at most."""
    session.execute(
        text(
            "UPDATE outbox SET attempts = attempts + 1, last_error = CAST(:error AS text),"
            " done_at = CASE WHEN CAST(:error AS text) IS NULL"
            "   THEN CAST(:now AS timestamptz) END,"
            " next_attempt_at = CAST(:now AS timestamptz)"
            "   + least(60, power(2, least(attempts, 6))) * interval '1 second'"
            " WHERE id = ANY(:ids)"
        ),
        {"error": failed, "now": now, "ids": ids},
    )
