"""What predictions are counted into; the counts themselves are read as bytes, without a class."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import FetchedValue
from sqlalchemy.orm import Mapped, mapped_column

from backend_api.tables.base import Base


class ProfileRow(Base):
    """A version's reference: a document of ``shared.profile``, or why there is none."""

    __tablename__ = "drift_profiles"
    model_name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    profile: Mapped[dict[str, Any] | None]
    problem: Mapped[str | None]
    origin: Mapped[str]
    made_by: Mapped[str] = mapped_column(server_default=FetchedValue())
    made_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    recount_from: Mapped[datetime | None]
    recount_until: Mapped[datetime | None]


class DriftResultRow(Base):
    """What the watch found of one version's day, and what people said of the alarm."""

    __tablename__ = "drift_results"
    id: Mapped[int] = mapped_column(primary_key=True)
    model_name: Mapped[str]
    version: Mapped[str]
    day: Mapped[date]
    days: Mapped[int]
    judged_at: Mapped[datetime]
    rows: Mapped[int]
    seen: Mapped[str]
    state: Mapped[str]
    changed: Mapped[bool]
    raised: Mapped[bool]
    quality: Mapped[str]
    sentence: Mapped[str]
    prediction: Mapped[float | None]
    input: Mapped[float | None]
    worst: Mapped[str | None]
    worst_score: Mapped[float | None]
    text_score: Mapped[float | None]
    evidence: Mapped[dict[str, Any]] = mapped_column(deferred=True)
    true_alarm: Mapped[bool | None]
    told_by: Mapped[str | None]
    told_at: Mapped[datetime | None]
    told_why: Mapped[str | None]
