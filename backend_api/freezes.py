"""Freeze windows as rows: read for a model, and shown."""

from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from backend_api.rules.freeze import Window, status
from backend_api.schemas import FreezeStatus, FreezeWindow
from backend_api.tables import FreezeRow


def window(row: FreezeRow) -> Window:
    """A row as the rules take it."""
    return Window(row.name, row.first, timedelta(minutes=row.minutes), row.rule, row.zone)


def windows(session: Session, model: str | None) -> list[Window]:
    """Windows that hold for a model: those of every model, and its own."""
    return [window(row) for row in _rows(session, model)]


def _rows(session: Session, model: str | None) -> list[FreezeRow]:
    query = select(FreezeRow).where(FreezeRow.lifted_at.is_(None)).order_by(FreezeRow.first)
    if model is not None:
        mine = or_(FreezeRow.model_name.is_(None), FreezeRow.model_name == model)
        query = query.where(mine)
    return list(session.scalars(query))


def shown(session: Session, now: datetime) -> list[FreezeWindow]:
    """Every window that was not lifted, with how it stands by itself."""
    return [
        FreezeWindow(
            id=row.id, name=row.name, model_name=row.model_name, first=row.first,
            minutes=row.minutes, rule=row.rule, zone=row.zone, made_by=row.made_by,
            made_at=row.made_at, status=_wire(status([window(row)], now)),
        )
        for row in _rows(session, None)
    ]  # fmt: skip


def _wire(found: object) -> FreezeStatus:
    return FreezeStatus.model_validate(found, from_attributes=True)
