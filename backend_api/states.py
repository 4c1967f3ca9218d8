"""The words of the registry: every state, the legal moves between them, and who may do what."""

from collections.abc import Iterable
from enum import StrEnum


class VersionStatus(StrEnum):
    """Where one version of a model stands (``model_registry.status``)."""

    REGISTERED = "registered"
    STAGING = "staging"
    VALIDATED = "validated"
    CANARY = "canary"
    PRODUCTION = "production"
    ARCHIVED = "archived"
    REJECTED = "rejected"
    ROLLED_BACK = "rolled_back"


V = VersionStatus

# What a person or a job may ask for. Hand-typed SQL is held by the database's own constraints.
LEGAL_MOVES: dict[VersionStatus, frozenset[VersionStatus]] = {
    V.REGISTERED: frozenset({V.STAGING, V.REJECTED}),
    V.STAGING: frozenset({V.VALIDATED, V.REJECTED}),
    V.VALIDATED: frozenset({V.STAGING, V.CANARY, V.PRODUCTION, V.REJECTED}),
    V.CANARY: frozenset({V.PRODUCTION, V.ROLLED_BACK}),
    V.PRODUCTION: frozenset({V.ARCHIVED, V.ROLLED_BACK}),
    V.ARCHIVED: frozenset({V.PRODUCTION, V.STAGING}),
    V.ROLLED_BACK: frozenset({V.STAGING, V.PRODUCTION}),
    V.REJECTED: frozenset(),
}


class Environment(StrEnum):
    """Which slot a deployment row fills."""

    STAGING = "staging"
    CANARY = "canary"
    PRODUCTION = "production"


class DeploymentStatus(StrEnum):
    """``model_deployments.status``."""

    PENDING = "pending"
    ACTIVE = "active"
    ARCHIVED = "archived"
    ROLLED_BACK = "rolled_back"


class PromotionStatus(StrEnum):
    """A promotion request, from the asking to its end."""

    PENDING = "pending"
    APPLIED = "applied"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    VOID = "void"
    EXPIRED = "expired"


class Strategy(StrEnum):
    """How an approved promotion begins."""

    FULL = "full"
    CANARY = "canary"


class RolloutState(StrEnum):
    """A version on its way up or down, from its first share to its end."""

    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    ABORTED = "aborted"
    SUPERSEDED = "superseded"


T = RolloutState

# Whoever ends is ended: a canary that comes back is another rollout. (T: it is on its track.)
ROLLOUT_MOVES: dict[RolloutState, frozenset[RolloutState]] = {
    T.RUNNING: frozenset({T.PAUSED, T.COMPLETED, T.ABORTED, T.SUPERSEDED}),
    T.PAUSED: frozenset({T.RUNNING, T.COMPLETED, T.ABORTED, T.SUPERSEDED}),
    T.COMPLETED: frozenset(),
    T.ABORTED: frozenset(),
    T.SUPERSEDED: frozenset(),
}
UNDER_WAY = frozenset(state for state, moves in ROLLOUT_MOVES.items() if moves)


class RolloutKind(StrEnum):
    """Up: a new version gains share. Down: a version that is being left loses it."""

    UP = "up"
    DOWN = "down"


class Verdict(StrEnum):
    """What comparing a canary with the version beside it says."""

    PROMOTE = "promote"
    ROLL_BACK = "roll_back"
    NOT_ENOUGH = "not_enough"


class GateState(StrEnum):
    """One gate's answer. ``UNKNOWN`` is could-not-measure, which is not the same as bad."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


class Health(StrEnum):
    """State of a process, a model or a page, ordered by ``worst``."""

    OK = "ok"
    UNKNOWN = "unknown"
    DEGRADED = "degraded"
    DOWN = "down"


_HEALTH_ORDER = (Health.OK, Health.UNKNOWN, Health.DEGRADED, Health.DOWN)


def worst(states: list[Health]) -> Health:
    """The worst of the given states; ``UNKNOWN`` when there are none, since nothing was read."""
    return max(states, key=_HEALTH_ORDER.index, default=Health.UNKNOWN)


class DriftState(StrEnum):
    """How far requests lie from what they are compared with. ``INSUFFICIENT`` is never good."""

    NONE = "none"
    INSUFFICIENT = "insufficient"
    MEDIUM = "medium"
    HIGH = "high"


# What is called an alarm, the worse one first.
DRIFT_ALARMS = (DriftState.HIGH, DriftState.MEDIUM)


_DRIFT_ORDER = tuple(DriftState)


def most_drift(states: Iterable[DriftState]) -> DriftState:
    """The worst of the given states; ``INSUFFICIENT`` when there are none."""
    return max(states, key=_DRIFT_ORDER.index, default=DriftState.INSUFFICIENT)


class Against(StrEnum):
    """What a window is held against: the reference, the time before it, the same weekdays."""

    REFERENCE = "reference"
    PREVIOUS = "previous"
    WEEKDAY = "weekday"


class Repair(StrEnum):
    """What may be done about a difference between the decision and a place that it reaches."""

    MIRROR = "mirror"
    RELOAD = "reload"
    HOLD = "hold"


class JobState(StrEnum):
    """Long work on the queue."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class AccuracyState(StrEnum):
    """Accuracy held against its objective, by an interval and not by a point."""

    MET = "met"
    MISSED = "missed"
    NOT_ENOUGH = "not_enough_labels"


class IncidentState(StrEnum):
    """Something that wants a person, from its opening to its end."""

    TRIGGERED = "triggered"
    ACKNOWLEDGED = "acknowledged"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    CLOSED = "closed"


N = IncidentState

# Resolved is resolved: what comes again later opens another incident.
INCIDENT_MOVES: dict[IncidentState, frozenset[IncidentState]] = {
    N.TRIGGERED: frozenset({N.ACKNOWLEDGED, N.MITIGATED, N.RESOLVED}),
    N.ACKNOWLEDGED: frozenset({N.MITIGATED, N.RESOLVED}),
    N.MITIGATED: frozenset({N.RESOLVED}),
    N.RESOLVED: frozenset({N.CLOSED}),
    N.CLOSED: frozenset(),
}
INCIDENT_OPEN = frozenset({N.TRIGGERED, N.ACKNOWLEDGED, N.MITIGATED})


class IncidentKind(StrEnum):
    """What an incident is about; one of a kind may be open for a model."""

    ACCURACY_DROP = "accuracy_drop"
    DRIFT = "drift"


class Severity(StrEnum):
    """How much harm an incident does; later it chooses who is called first."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"


class Role(StrEnum):
    """What an account or a token is. A machine is a token's role, never a person's."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    ONCALL = "oncall"
    LEAD = "lead"
    ADMIN = "admin"
    MACHINE = "machine"


class DryRunOutcome(StrEnum):
    """How a plan would have ended on the traffic of the past."""

    COMPLETED = "completed"
    UNFINISHED = "unfinished"
    GAVE_UP = "gave_up"
    NO_TRAFFIC = "no_traffic"


class Permission(StrEnum):
    """One right, named as the ledger and the error messages name it."""

    READ = "read overview, SLOs and incidents"
    READ_PREDICTIONS = "read predictions with their inputs"
    ROLL_BACK = "roll back, lower a canary or abort it"
    RESPOND = "acknowledge and resolve incidents"
    REGISTER = "register, stage and validate versions"
    REQUEST_PROMOTION = "request a promotion"
    APPROVE = "approve or reject a promotion, start or raise a canary, lift a hold"
    MANAGE_ACCOUNTS = "manage accounts, tokens and settings"


P, R = Permission, Role

# design.md section 5, with the machine column beside it.
PERMISSIONS: dict[Permission, frozenset[Role]] = {
    P.READ: frozenset(R),
    P.READ_PREDICTIONS: frozenset({R.ANALYST, R.ONCALL, R.LEAD}),
    P.ROLL_BACK: frozenset({R.ONCALL, R.LEAD}),
    P.RESPOND: frozenset({R.ONCALL, R.LEAD}),
    P.REGISTER: frozenset({R.ANALYST, R.ONCALL, R.LEAD, R.MACHINE}),
    P.REQUEST_PROMOTION: frozenset({R.ANALYST, R.ONCALL, R.LEAD, R.MACHINE}),
    P.APPROVE: frozenset({R.LEAD}),
    P.MANAGE_ACCOUNTS: frozenset({R.ADMIN}),
}


def may(role: Role, permission: Permission) -> bool:
    """Whether the role holds the right."""
    return role in PERMISSIONS[permission]
