"""Versions, their deployments, and what workers say of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, FetchedValue, ForeignKey
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backend_api.tables.base import Base


class ModelRow(Base):
    """A model; its row is the lock under which its state changes."""

    __tablename__ = "models"
    model_name: Mapped[str] = mapped_column(primary_key=True)
    held_at: Mapped[datetime | None]
    held_by: Mapped[str | None]
    held_reason: Mapped[str | None]
    fallback_at: Mapped[datetime | None]
    fallback_by: Mapped[str | None]
    fallback_reason: Mapped[str | None]
    shadow_id: Mapped[int | None]
    shadow_share: Mapped[int] = mapped_column(server_default=FetchedValue())
    shadow_at: Mapped[datetime | None]
    shadow_by: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())


class FreezeRow(Base):
    """A window in which nothing is promoted; ``rule`` is an RRULE, empty for once."""

    __tablename__ = "freeze_windows"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    model_name: Mapped[str | None]
    first: Mapped[datetime]
    minutes: Mapped[int]
    rule: Mapped[str]
    zone: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    lifted_by: Mapped[str | None]
    lifted_at: Mapped[datetime | None]


class DatasetRow(Base):
    """What a version was trained on, by its digest."""

    __tablename__ = "training_datasets"
    id: Mapped[int] = mapped_column(primary_key=True)
    model_name: Mapped[str]
    name: Mapped[str]
    digest: Mapped[str]
    uri: Mapped[str | None]
    row_count: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())


class VersionRow(Base):
    """One version of a model."""

    __tablename__ = "model_registry"
    id: Mapped[int] = mapped_column(primary_key=True)
    model_name: Mapped[str]
    version: Mapped[str]
    mlflow_version: Mapped[int | None]
    run_id: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default=FetchedValue())
    metrics: Mapped[dict[str, Any]]
    artifact_digest: Mapped[str | None]
    artifact_uri: Mapped[str | None]
    input_schema: Mapped[dict[str, Any] | None]
    has_onnx: Mapped[bool] = mapped_column(server_default=FetchedValue())
    dataset_id: Mapped[int | None] = mapped_column(ForeignKey("training_datasets.id"))
    tags: Mapped[dict[str, Any]]
    description: Mapped[str]
    registered_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    deployed_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    aborted_at: Mapped[datetime | None]


class DeploymentRow(Base):
    """Desired state of one version in one slot."""

    __tablename__ = "model_deployments"
    id: Mapped[int] = mapped_column(primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("model_registry.id"))
    model_name: Mapped[str]
    environment: Mapped[str]
    endpoint_url: Mapped[str]
    traffic_percentage: Mapped[int]
    status: Mapped[str]
    updated_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    updated_by: Mapped[str] = mapped_column(server_default=FetchedValue())


class RoutingRow(Base):
    """Desired state of a model, compiled by the database at each commit."""

    __tablename__ = "model_routing"
    model_name: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[int]
    production_id: Mapped[int | None]
    canary_id: Mapped[int | None]
    canary_share: Mapped[int]
    staging_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    target_id: Mapped[int | None]
    salt: Mapped[str]
    degraded: Mapped[str | None]
    fallback: Mapped[bool]
    shadow_id: Mapped[int | None]
    shadow_share: Mapped[int]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
    observed_epoch: Mapped[int]


class ReplicaRow(Base):
    """One inference worker."""

    __tablename__ = "replicas"
    replica_id: Mapped[str] = mapped_column(primary_key=True)
    host: Mapped[str]
    pid: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    heartbeat_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    stopped_at: Mapped[datetime | None]
    memory_bytes: Mapped[int | None]


class ReplicaModelRow(Base):
    """What one worker acknowledged for one model."""

    __tablename__ = "replica_models"
    replica_id: Mapped[str] = mapped_column(ForeignKey("replicas.replica_id"), primary_key=True)
    model_name: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[int]
    production_version: Mapped[str | None]
    canary_version: Mapped[str | None]
    canary_share: Mapped[int]
    fallback: Mapped[bool]
    shadow_version: Mapped[str | None]
    shadow_share: Mapped[int]
    loaded: Mapped[dict[str, Any]]
    error: Mapped[str | None]
    acknowledged_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())


class EvaluationRow(Base):
    """Evidence about a version: a validation run, or the check of its artefact."""

    __tablename__ = "evaluations"
    id: Mapped[int] = mapped_column(primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("model_registry.id"))
    kind: Mapped[str]
    passed: Mapped[bool]
    artifact_digest: Mapped[str | None]
    detail: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    created_by: Mapped[str] = mapped_column(server_default=FetchedValue())


class PromotionRow(Base):
    """A request to promote, with the evidence its approver signs."""

    __tablename__ = "promotions"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("model_registry.id"))
    model_name: Mapped[str]
    strategy: Mapped[str]
    share: Mapped[int]
    breaking: Mapped[bool]
    plan: Mapped[dict[str, Any] | None]
    supersede: Mapped[bool]
    status: Mapped[str]
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]
    reason: Mapped[str]
    evidence: Mapped[dict[str, Any]]
    evidence_hash: Mapped[str]
    expires_at: Mapped[datetime]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]
    break_glass: Mapped[bool]
    review_due_at: Mapped[datetime | None]
    reviewed_by: Mapped[str | None]
    reviewed_at: Mapped[datetime | None]
    review: Mapped[str | None]
    version: Mapped[VersionRow] = relationship(lazy="joined")
