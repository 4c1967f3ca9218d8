"""Reading what the watch found each day, and how often its alarms were true."""

from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from backend_api.errors import NotFound
from backend_api.rules import drift_words
from backend_api.rules.data_quality import Finding
from backend_api.rules.drift_course import WINDOWS, Window
from backend_api.rules.drift_window import WIDEST
from backend_api.schemas import DriftPrecision, DriftResult, DriftResults
from backend_api.states import DriftState
from backend_api.tables import DriftResultRow

_SHOWN = [getattr(DriftResultRow, name) for name in DriftResult.model_fields]


def _wire(row: Any) -> DriftResult:
    return DriftResult.model_validate(dict(row._mapping))


def page(
    session: Session, model: str | None, version: str | None, *, alarms: bool,
    before: int | None, limit: int,
) -> DriftResults:  # fmt: skip
    """Newest results first, at most ``limit``, older than ``before``; or only raised alarms."""
    query = select(*_SHOWN).order_by(DriftResultRow.id.desc()).limit(limit + 1)
    if model is not None:
        query = query.where(DriftResultRow.model_name == model)
    if version is not None:
        query = query.where(DriftResultRow.version == version)
    if alarms:
        query = query.where(DriftResultRow.raised)
    if before is not None:
        query = query.where(DriftResultRow.id < before)
    rows = [_wire(row) for row in session.execute(query)]
    return DriftResults(
        results=rows[:limit],
        next_before=rows[limit - 1].id if len(rows) > limit else None,
        precision=precision(session, model),
    )


def precision(session: Session, model: str | None) -> DriftPrecision:
    """How many of the alarms that people judged were true; of one model, or of all."""
    query = select(
        func.count(),
        func.count().filter(DriftResultRow.true_alarm.is_(True)),
        func.count().filter(DriftResultRow.true_alarm.is_(False)),
    ).where(DriftResultRow.raised)
    if model is not None:
        query = query.where(DriftResultRow.model_name == model)
    alarms, true, false = session.execute(query).one()
    told = true + false
    return DriftPrecision(
        alarms=alarms, true=true, false=false, share=true / told if told else None
    )


def _newest_first(model: str, version: str, *columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .where(DriftResultRow.model_name == model, DriftResultRow.version == version)
        .order_by(DriftResultRow.day.desc())
    )


def newest(session: Session, model: str, version: str, *, alarm: bool = False) -> (
    DriftResult | None
):  # fmt: skip
    """The version's newest result, or the one that raised the newest alarm."""
    query = _newest_first(model, version, *_SHOWN).limit(1)
    if alarm:
        query = query.where(DriftResultRow.raised)
    row = session.execute(query).first()
    return None if row is None else _wire(row)


def fault(session: Session, model: str, version: str) -> str | None:
    """What has to be mended in the version's data as its newest result found them, if anything."""
    odd = session.scalar(_newest_first(model, version, DriftResultRow.evidence["odd"]).limit(1))
    return drift_words.fault(Finding(**one) for one in odd or [])


def judged(session: Session, model: str, version: str) -> list[Window]:
    """What the newest days showed, oldest first: all that a state is settled from.

    Days that could not be judged are left out, but for the very newest.
    """
    last = _newest_first(
        model, version, DriftResultRow.day, DriftResultRow.seen, DriftResultRow.days
    )
    known = last.where(DriftResultRow.seen != DriftState.INSUFFICIENT)
    # So many hold three windows that share no day, however wide these are.
    found = {row.day: row for query in (known.limit(WINDOWS * WIDEST), last.limit(1))
             for row in session.execute(query)}  # fmt: skip
    return [Window(DriftState(row.seen), day, row.days) for day, row in sorted(found.items())]


def row(session: Session, result_id: int) -> DriftResultRow:
    """A kept result, locked for a change.

    Raises:
        NotFound: there is none of that id.
    """
    found = session.get(DriftResultRow, result_id, with_for_update=True)
    if found is None:
        raise NotFound(
            f"There is no kept drift result {result_id}.", "GET /drift/results lists them."
        )
    return found
