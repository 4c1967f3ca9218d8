"""What happened and what is still to be done."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import FetchedValue, ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend_api.tables.base import Base


class TransitionRow(Base):
    """One change of a version's status; written by the database."""

    __tablename__ = "transitions"
    id: Mapped[int] = mapped_column(primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("model_registry.id"))
    from_status: Mapped[str | None]
    to_status: Mapped[str]
    actor: Mapped[str]
    at: Mapped[datetime]


class RequestRow(Base):
    """A write that was answered, so that its repeat gets the same answer."""

    __tablename__ = "requests"
    request_id: Mapped[UUID] = mapped_column(primary_key=True)
    actor: Mapped[str]
    operation: Mapped[str]
    body_hash: Mapped[str]
    answer: Mapped[dict[str, Any]]


class OutboxRow(Base):
    """A model whose mirror in MLflow has to be made equal again."""

    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(primary_key=True)
    model_name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    attempts: Mapped[int] = mapped_column(server_default=FetchedValue())
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    done_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class RehearsalRow(Base):
    """Workers asked for answers of the version that a rollback would go to; the id is its job's."""

    __tablename__ = "rehearsals"
    id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    model_name: Mapped[str]
    version: Mapped[str]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    questions: Mapped[dict[str, Any] | None]
    ended_at: Mapped[datetime | None]
    result: Mapped[str | None]
    sentence: Mapped[str] = mapped_column(server_default=FetchedValue())
    seconds: Mapped[float | None]
    workers: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=FetchedValue())


class RehearsalAnswerRow(Base):
    """What one worker's version answered in a rehearsal that is under way."""

    __tablename__ = "rehearsal_answers"
    rehearsal_id: Mapped[UUID] = mapped_column(ForeignKey("rehearsals.id"), primary_key=True)
    replica_id: Mapped[str] = mapped_column(primary_key=True)
    answered_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    found: Mapped[dict[str, Any]]


class MirrorRow(Base):
    """What MLflow was last seen to say of a model."""

    __tablename__ = "mirrors"
    model_name: Mapped[str] = mapped_column(primary_key=True)
    observed: Mapped[dict[str, Any]]
    difference: Mapped[str | None]
    error: Mapped[str | None]
    checked_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    equal_at: Mapped[datetime | None]


class LedgerRow(Base):
    """One entry of the ledger; ``seq``, ``at`` and both hashes are the database's to fill."""

    __tablename__ = "ledger"
    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    model_name: Mapped[str | None]
    version: Mapped[str | None]
    reason: Mapped[str | None]
    evidence: Mapped[dict[str, Any]]
    request_id: Mapped[UUID | None]
    prev_hash: Mapped[str]
    hash: Mapped[str]
    transaction_at: Mapped[datetime | None] = mapped_column(server_default=FetchedValue())


class RoutingHistoryRow(Base):
    """What was decided for a model from one moment on; written by the database, never changed."""

    __tablename__ = "routing_history"
    id: Mapped[int] = mapped_column(primary_key=True)
    model_name: Mapped[str]
    at: Mapped[datetime]
    transaction_at: Mapped[datetime]
    changed_by: Mapped[str]
    baseline: Mapped[bool]
    epoch: Mapped[int]
    production: Mapped[str | None]
    canary: Mapped[str | None]
    canary_share: Mapped[int]
    target: Mapped[str | None]
    degraded: Mapped[str | None]
    fallback: Mapped[bool]
    shadow: Mapped[str | None]
    shadow_share: Mapped[int]
    held_at: Mapped[datetime | None]
    held_by: Mapped[str | None]
    held_reason: Mapped[str | None]


class JobRow(Base):
    """Long work on the queue and how far it is."""

    __tablename__ = "jobs"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    model_name: Mapped[str | None]
    version: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default=FetchedValue())
    progress: Mapped[float] = mapped_column(server_default=FetchedValue())
    message: Mapped[str] = mapped_column(server_default=FetchedValue())
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    finished_at: Mapped[datetime | None]
