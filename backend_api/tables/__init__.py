"""The tables, as SQLAlchemy sees them. Their constraints and triggers stand in migrations/sql."""

from backend_api.tables.base import Base
from backend_api.tables.drift import DriftResultRow, ProfileRow
from backend_api.tables.identity import AccountRow, OidcCodeRow, SigningKeyRow, TokenRow
from backend_api.tables.incident import IncidentEventRow, IncidentRow
from backend_api.tables.record import (
    JobRow,
    LedgerRow,
    MirrorRow,
    OutboxRow,
    RehearsalAnswerRow,
    RehearsalRow,
    RequestRow,
    RoutingHistoryRow,
    TransitionRow,
)
from backend_api.tables.registry import (
    DatasetRow,
    DeploymentRow,
    EvaluationRow,
    FreezeRow,
    ModelRow,
    PromotionRow,
    ReplicaModelRow,
    ReplicaRow,
    RoutingRow,
    VersionRow,
)
from backend_api.tables.rollout import RolloutMinuteRow, RolloutRow, RolloutStepRow, VerdictRow

__all__ = [
    "AccountRow",
    "Base",
    "DatasetRow",
    "DeploymentRow",
    "DriftResultRow",
    "EvaluationRow",
    "FreezeRow",
    "IncidentEventRow",
    "IncidentRow",
    "JobRow",
    "LedgerRow",
    "MirrorRow",
    "ModelRow",
    "OidcCodeRow",
    "OutboxRow",
    "ProfileRow",
    "PromotionRow",
    "RehearsalAnswerRow",
    "RehearsalRow",
    "ReplicaModelRow",
    "ReplicaRow",
    "RequestRow",
    "RolloutMinuteRow",
    "RolloutRow",
    "RolloutStepRow",
    "RoutingHistoryRow",
    "RoutingRow",
    "SigningKeyRow",
    "TokenRow",
    "TransitionRow",
    "VerdictRow",
    "VersionRow",
]
