"""Both arms of a rollout, minute by minute, counted from the prediction log."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from backend_api.rules.budget import SLOW_MS
from backend_api.rules.judge import UNSURE, VERY_SLOW_MS, Minute, Tally
from backend_api.tables import RolloutMinuteRow, RolloutRow

# A user in a minute is one unit, bad if any answer was: who tries a failing request again and
# again must not count as many. Only users with a key are split, so only they are compared.
_UNITS = text(
    """
    WITH units AS (
        SELECT date_trunc('minute', predicted_at) AS minute, arm, entity_key,
            bool_or(status = 'error') AS failed,
            bool_or(latency_ms > :slow) AS slow, bool_or(latency_ms > :very_slow) AS very_slow,
            min(confidence) AS confidence,
            (array_agg(
                CASE jsonb_typeof(output -> :field)
                    WHEN 'array' THEN jsonb_array_length(output -> :field) || ' found'
                    ELSE output ->> :field END
                ORDER BY predicted_at) FILTER (WHERE status = 'ok'))[1] AS said
        FROM model_predictions
        WHERE model_name = :model AND predicted_at >= :since AND predicted_at < :until
            AND entity_key IS NOT NULL
            AND (arm, version) IN (('canary', :canary), ('production', :stable))
        GROUP BY 1, 2, 3
    )
    SELECT minute, arm, said, count(*) AS units,
        count(*) FILTER (WHERE failed) AS errors, count(*) FILTER (WHERE slow) AS slow,
        count(*) FILTER (WHERE very_slow) AS very_slow,
        count(*) FILTER (WHERE confidence <= :unsure) AS unsure,
        count(*) FILTER (WHERE confidence > :unsure) AS confident
    FROM units GROUP BY 1, 2, 3
    """
)
HOUR = timedelta(hours=1)
SUMS = ("units", "errors", "slow", "very_slow", "unsure", "confident")


def _tally(rows: list[Any]) -> Tally:
    sums = {name: sum(getattr(row, name) for row in rows) for name in SUMS}
    outputs = Counter({row.said: row.units for row in rows if row.said is not None})
    return Tally(**sums, outputs=outputs)


def count(
    session: Session, rollout: RolloutRow, field: str | None, since: datetime, until: datetime
) -> None:
    """Count whole minutes of the log, again if they were counted: late records come to theirs."""
    found: dict[datetime, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for row in session.execute(
        _UNITS,
        {
            "model": rollout.model_name, "canary": rollout.canary.version,
            "stable": rollout.stable.version, "field": field or "", "since": since,
            "until": until, "slow": SLOW_MS, "very_slow": VERY_SLOW_MS, "unsure": UNSURE,
        },
    ):  # fmt: skip
        found[row.minute][row.arm].append(row)
    for minute, arms in found.items():
        session.merge(
            RolloutMinuteRow(
                rollout_id=rollout.id, minute=minute, share=rollout.share,
                canary=_stored(_tally(arms["canary"])), stable=_stored(_tally(arms["production"])),
            )
        )  # fmt: skip
    session.flush()


def users(session: Session, rollout: RolloutRow, until: datetime) -> tuple[int, int]:
    """How many users each arm had in the last hour at the present share: (canary, stable)."""
    found = session.execute(
        text(
            "SELECT arm, count(DISTINCT entity_key) FROM model_predictions"
            " WHERE model_name = :model AND predicted_at >= :since AND predicted_at < :until"
            " AND entity_key IS NOT NULL AND arm IN ('canary', 'production') GROUP BY arm"
        ),
        {
            "model": rollout.model_name, "until": until,
            "since": max(rollout.measured_from or rollout.since, until - HOUR),
        },
    )  # fmt: skip
    seen: dict[str, int] = {row[0]: row[1] for row in found}
    return seen.get("canary", 0), seen.get("production", 0)


def minutes(session: Session, rollout: RolloutRow) -> list[Minute]:
    """Counted minutes at the present share, oldest first."""
    rows = session.scalars(
        select(RolloutMinuteRow)
        .where(
            RolloutMinuteRow.rollout_id == rollout.id,
            RolloutMinuteRow.minute >= (rollout.measured_from or rollout.since),
        )
        .order_by(RolloutMinuteRow.minute)
    )
    return [Minute(row.minute, _read(row.canary), _read(row.stable)) for row in rows]


def _stored(tally: Tally) -> dict[str, Any]:
    return {**vars(tally), "outputs": dict(tally.outputs)}


def _read(stored: dict[str, Any]) -> Tally:
    return Tally(**{**stored, "outputs": Counter(stored["outputs"])})
