"""Incidents and what happened in them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import FetchedValue, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from backend_api.tables.base import Base


class IncidentRow(Base):
    """Something that wants a person; at most one of a kind is open for a model."""

    __tablename__ = "incidents"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    model_name: Mapped[str]
    kind: Mapped[str]
    severity: Mapped[str]
    state: Mapped[str]
    title: Mapped[str]
    holds: Mapped[bool] = mapped_column(server_default=FetchedValue())
    opened_at: Mapped[datetime]
    opened_by: Mapped[str]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None]


class IncidentEventRow(Base):
    """One line of a timeline; never changed."""

    __tablename__ = "incident_events"
    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"))
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    actor: Mapped[str]
    kind: Mapped[str]
    sentence: Mapped[str]
    evidence: Mapped[dict[str, Any]]
