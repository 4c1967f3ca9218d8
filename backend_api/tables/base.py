"""What all tables share: the base class and the mapping of Python types."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """Maps our types: aware times, jsonb, bigint keys."""

    type_annotation_map = {  # noqa: RUF012  SQLAlchemy's own way to declare it
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(none_as_null=True),
        UUID: Uuid(),
        int: BigInteger(),
    }
