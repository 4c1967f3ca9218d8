"""Canaries on their way: the rollout, its counted minutes, and what it was judged to be."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import FetchedValue, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backend_api.tables.base import Base
from backend_api.tables.registry import PromotionRow, VersionRow


class RolloutRow(Base):
    """One canary beside one stable version; at most one of a model is under way.

    ``plan`` is a ``schemas.Plan``; ``revision`` counts what was decided about it, and ``due_at`` is
    when its next step may come at the earliest.
    """

    __tablename__ = "rollouts"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    model_name: Mapped[str]
    kind: Mapped[str]
    plan: Mapped[dict[str, Any]]
    revision: Mapped[int] = mapped_column(server_default=FetchedValue())
    promotion_id: Mapped[UUID | None] = mapped_column(ForeignKey("promotions.id"))
    canary_id: Mapped[int] = mapped_column(ForeignKey("model_registry.id"))
    stable_id: Mapped[int] = mapped_column(ForeignKey("model_registry.id"))
    state: Mapped[str]
    share: Mapped[int]
    since: Mapped[datetime]
    measured_from: Mapped[datetime | None]
    counted_to: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(server_default=FetchedValue())
    started_by: Mapped[str]
    started_at: Mapped[datetime]
    ended_by: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    canary: Mapped[VersionRow] = relationship(foreign_keys=[canary_id])
    stable: Mapped[VersionRow] = relationship(foreign_keys=[stable_id])
    promotion: Mapped[PromotionRow | None] = relationship()


class RolloutStepRow(Base):
    """What was done to a rollout, by whom, and how it stood then."""

    __tablename__ = "rollout_steps"
    id: Mapped[int] = mapped_column(primary_key=True)
    rollout_id: Mapped[UUID] = mapped_column(ForeignKey("rollouts.id"))
    at: Mapped[datetime]
    actor: Mapped[str]
    what: Mapped[str]
    state: Mapped[str]
    share: Mapped[int]
    reason: Mapped[str]


class RolloutMinuteRow(Base):
    """What both arms answered in one minute at one share."""

    __tablename__ = "rollout_minutes"
    rollout_id: Mapped[UUID] = mapped_column(ForeignKey("rollouts.id"), primary_key=True)
    minute: Mapped[datetime] = mapped_column(primary_key=True)
    share: Mapped[int]
    canary: Mapped[dict[str, Any]]
    stable: Mapped[dict[str, Any]]


class VerdictRow(Base):
    """What the judge said at one moment, with all that it was made of."""

    __tablename__ = "rollout_verdicts"
    id: Mapped[int] = mapped_column(primary_key=True)
    rollout_id: Mapped[UUID] = mapped_column(ForeignKey("rollouts.id"))
    at: Mapped[datetime]
    share: Mapped[int]
    verdict: Mapped[str]
    sentence: Mapped[str]
    detail: Mapped[dict[str, Any]]
