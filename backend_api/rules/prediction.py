"""What answered a request, in words; and why a prediction is not there."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from backend_api.schemas import Moment

# Far more than a healthy log needs to deliver; an outage of PostgreSQL takes as long as it takes.
DELIVERED = timedelta(minutes=2)
# Clocks of inference hosts may be so far ahead of ours.
AHEAD = timedelta(minutes=1)
# Id and time of a record are taken one after the other; a shadow's record waits its turn.
AROUND, SHADOW_LATER = timedelta(minutes=1), timedelta(minutes=2)

ARMS = {
    "production": "{version} answered as production",
    "canary": "{version} answered as the canary",
    "staging": "{version} answered, asked for by its name",
    "fallback": "Rules answered, no version did",
    "shadow": "{version} was asked in the shadow, and nobody got its answer",
}


@dataclass(frozen=True)
class Said:
    """The part of a log's record that its sentence tells."""

    at: datetime
    version: str
    arm: str
    status: str
    latency_ms: float
    confidence: float | None


def made_at(prediction: UUID) -> datetime | None:
    """When an id was made: its first 48 bits are milliseconds since 1970 (RFC 9562, 5.7).

    None if it is not of version 7, or of a time that no calendar has.
    """
    if prediction.version != 7:
        return None
    try:
        return datetime.fromtimestamp((prediction.int >> 80) / 1000, UTC)
    except (OverflowError, ValueError):
        return None


def sentence(said: Said, then: Moment) -> str:
    """What answered, how it went, and whether that is what was decided."""
    words = ARMS.get(said.arm, "{version} answered").format(version=said.version)
    if said.status == "error":
        words += f" and failed after {said.latency_ms:.1f} ms"
    else:
        words += f" in {said.latency_ms:.1f} ms"
        if said.confidence is not None:
            words += f" with confidence {said.confidence:.2f}"
    return f"{words}. {_beside(said, then)}".strip()


def _beside(said: Said, then: Moment) -> str:
    """How the answer fits what was decided at its moment."""
    if not then.recorded:
        return "What was decided then is not recorded."
    production = then.production.version if then.production else None
    canary = then.canary.version if then.canary else None
    if said.arm == "canary" and said.version == canary and then.canary:
        return f"Its share was {then.canary.share} % then."
    if said.arm == "fallback":
        if then.fallback is not None:
            return f"{then.fallback.by} had decided so."
        return "Nobody had decided so: no version could be loaded on that worker."
    wanted = {"production": production, "canary": canary}
    if said.arm in wanted and (said.version != wanted[said.arm] or then.fallback is not None):
        return (
            f"That is not what was decided by then: {then.sentence} The worker had not taken the"
            " decision up yet, or could not."
        )
    return ""


def missing(
    prediction: UUID, now: datetime, days: list[date], kept_days: int
) -> tuple[str, str, str]:
    """Why there is no such prediction: a word for machines, a sentence, and what to do.

    ``days`` are those of which the log has a partition.
    """
    made = made_at(prediction)
    if made is None:
        return (
            "unknown", f"No prediction has the id {prediction}.",
            "It is not an id that inference makes: take prediction_id of the answer.",
        )  # fmt: skip
    when = f"{made:%d %b %Y, %H:%M:%S} UTC"
    if made > now + AHEAD:
        return (
            "unknown", f"No prediction has the id {prediction}: by its time, {when}, it is still"
            " to come.", "Compare the id with the answer's prediction_id.",
        )  # fmt: skip
    if now - made <= DELIVERED:
        return (
            "not_delivered", f"The prediction of {when} is not in the log yet.",
            "Workers keep it on disk until PostgreSQL takes it, as a rule within a second: ask"
            " again in a moment.",
        )  # fmt: skip
    if made.date() in days:
        return (
            "unknown", f"No prediction has the id {prediction}; others of {made:%d %b %Y} may be in"
            " the log.",
            "Compare the id with the answer's prediction_id. If PostgreSQL was down then, it may"
            " still wait on the disk of its inference host: GET /models there says how much waits.",
        )  # fmt: skip
    if made.date() < (now - timedelta(days=kept_days)).date():
        return (
            "not_kept", f"The prediction of {when} is no longer kept: the log holds {kept_days}"
            " days.",
            "A backup of that time has it; PREDICTION_DAYS sets how long the log is kept.",
        )  # fmt: skip
    return (
        "unknown", f"No prediction has the id {prediction}: nothing was logged on"
        f" {made:%d %b %Y}.", "Compare the id with the answer's prediction_id.",
    )  # fmt: skip
