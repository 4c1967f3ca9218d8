"""What predictions are counted into; the counts themselves are read as bytes, without a class."""

from datetime import datetime
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
