"""What clients send now: a bounded sample of the newest requests in the prediction log."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from backend_api.catalog import ModelEntry
from backend_api.rules.sent import Sent, SentField

LATELY = timedelta(days=1)
COUNTED = 200
LARGEST_BYTES = 65_536

# As they were when the version was asked: fields from the feature store are among them.
_RECENT = """
    SELECT input FROM model_predictions
    WHERE model_name = :model AND predicted_at > :since
        AND arm IN ('production', 'canary', 'fallback')
        AND jsonb_typeof(input) = 'object' AND pg_column_size(input) <= :largest
    ORDER BY predicted_at DESC LIMIT :size
"""
# Only counts and extremes leave the database: whoever reads the badge may not read the inputs.
_FIELDS = text(
    f"""
    WITH recent AS ({_RECENT}), fields AS (
        SELECT f.key, f.value #>> '{{}}' AS said, CASE jsonb_typeof(f.value) WHEN 'number'
            THEN CASE WHEN (f.value #>> '{{}}')::numeric % 1 = 0 THEN 'integer' ELSE 'number' END
            ELSE jsonb_typeof(f.value) END AS kind
        FROM recent, jsonb_each(input) AS f)
    SELECT NULL AS key, NULL AS kind, count(*) AS requests, NULL AS low, NULL AS high,
        NULL AS longest FROM recent
    UNION ALL
    SELECT key, kind, count(*),
        min(CASE WHEN kind IN ('integer', 'number') THEN said::numeric END),
        max(CASE WHEN kind IN ('integer', 'number') THEN said::numeric END),
        max(CASE WHEN kind = 'string' THEN length(said) END)
    FROM fields GROUP BY key, kind
    """
)


def sample(
    session: Session, model: str, entry: ModelEntry, now: datetime, size: int
) -> list[dict[str, Any]]:
    """Inputs of the newest requests of the last day, at most ``size``; none that are not whole."""
    if entry.privacy.log:
        return []
    return list(session.scalars(text(_RECENT), _values(model, now, size)))


def sent(session: Session, model: str, entry: ModelEntry, now: datetime) -> Sent:
    """What the newest requests of the last day had in their fields; nothing if not kept whole."""
    if entry.privacy.log:
        return Sent(0, {})
    kinds: dict[str, dict[str, int]] = defaultdict(dict)
    extremes: dict[str, list[Any]] = defaultdict(list)
    requests = 0
    for row in session.execute(_FIELDS, _values(model, now, COUNTED)):
        if row.key is None:
            requests = row.requests
        elif row.kind == "null":
            # A field that was sent, with nothing in it.
            kinds.setdefault(row.key, {})
        else:
            kinds[row.key][row.kind] = row.requests
            extremes[row.key].append(row)
    return Sent(requests, {name: _field(found, extremes[name]) for name, found in kinds.items()})


def _field(kinds: dict[str, int], rows: list[Any]) -> SentField:
    lows = [float(row.low) for row in rows if row.low is not None]
    highs = [float(row.high) for row in rows if row.high is not None]
    lengths = [int(row.longest) for row in rows if row.longest is not None]
    return SentField(
        kinds, min(lows, default=None), max(highs, default=None), max(lengths, default=None)
    )


def _values(model: str, now: datetime, size: int) -> dict[str, Any]:
    return {"model": model, "since": now - LATELY, "size": size, "largest": LARGEST_BYTES}
