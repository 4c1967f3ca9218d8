"""Reading the prediction log: one answer by its id, or a sample of them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from backend_api import history
from backend_api.errors import BadRequest, NotFound
from backend_api.rules import prediction as rule
from backend_api.schemas import Answered, Pair

# The primary key of one partition, or of two at midnight.
BY_ID = text("""
    SELECT * FROM model_predictions WHERE prediction_id = :id
        AND predicted_at BETWEEN :since AND :until
""")
BY_TWIN = text("""
    SELECT * FROM model_predictions WHERE model_name = :model AND arm = 'shadow' AND twin_id = :id
        AND predicted_at BETWEEN :since AND :until
    LIMIT 1
""")
PARTITIONS = text("""
    SELECT right(c.relname, 8) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'model_predictions'::regclass
""")
# A version's own answers, as inference/drift.py counts them: neither from rules, nor tried, nor in
# the shadow, nor failed.
ANSWERED = "arm IN ('production', 'canary') AND status = 'ok'"
_HASH = 'md5(prediction_id::text) COLLATE "C"'
# As the index predictions_by_chance has it.
_INDEXED = f"AND {_HASH} < '04'"
_SAMPLE = f"""
    SELECT json_build_object('input', input, 'output', output)::text FROM model_predictions
    WHERE model_name = :model AND version = :version AND predicted_at >= :since
        AND predicted_at < :until AND {ANSWERED}
"""
EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))


def answered(
    session: Session, asked: str, now: datetime, *, kept_days: int, may_see: bool
) -> Answered:
    """What answered the request whose prediction has this id.

    Without ``may_see`` neither what was asked nor what was answered is shown: an answer may quote
    its question.

    Raises:
        BadRequest: it is no id.
        NotFound: no such prediction; ``details.reason`` is unknown, not_kept or not_delivered.
    """
    prediction = _parsed(asked)
    row = _found(session, prediction)
    if row is None:
        reason, told, hint = rule.missing(prediction, now, days(session), kept_days)
        raise NotFound(told, hint, reason=reason)
    at = row["predicted_at"]
    # A host's clock may run ahead of ours.
    then = history.moment(session, row["model_name"], min(at, now), now)
    said = rule.Said(
        at, row["version"], row["arm"], row["status"], row["latency_ms"], row["confidence"]
    )
    return Answered(
        prediction_id=prediction,
        at=at,
        sentence=rule.sentence(said, then),
        model_name=row["model_name"],
        version=row["version"],
        arm=row["arm"],
        status=row["status"],
        latency_ms=row["latency_ms"],
        confidence=row["confidence"],
        withheld=not may_see,
        **(_content(row) if may_see else {}),
        twin_id=row["twin_id"],
        pair=_pair(session, row, may_see),
        decided=then,
    )


def _parsed(asked: str) -> UUID:
    try:
        return UUID(asked.strip())
    except ValueError:
        raise BadRequest(
            f"{asked[:60]!r} is no prediction id.",
            "Send prediction_id of an answer, such as 01980c5e-7a54-7cc1-9f0e-3b8f5c0f2a11.",
        ) from None


def _found(session: Session, prediction: UUID) -> RowMapping | None:
    made = rule.made_at(prediction)
    since, until = EVER if made is None else (made - rule.AROUND, made + rule.AROUND)
    values = {"id": prediction, "since": since, "until": until}
    return session.execute(BY_ID, values).mappings().first()


def days(session: Session) -> list[date]:
    """Days of which the log has a partition."""
    names = session.scalars(PARTITIONS)
    return [datetime.strptime(name, "%Y%m%d").replace(tzinfo=UTC).date() for name in names]


def _content(row: RowMapping) -> dict[str, Any]:
    names = ("entity_key", "input", "output", "error", "label", "labelled_at")
    return {name: row[name] for name in names}


def _pair(session: Session, row: RowMapping, may_see: bool) -> Pair | None:
    at: datetime = row["predicted_at"]
    values = {
        "id": row["prediction_id"], "model": row["model_name"],
        "since": at - timedelta(seconds=1), "until": at + rule.SHADOW_LATER,
    }  # fmt: skip
    found = session.execute(BY_TWIN, values).mappings().first()
    if found is None:
        return None
    return Pair(
        prediction_id=found["prediction_id"],
        version=found["version"],
        status=found["status"],
        latency_ms=found["latency_ms"],
        confidence=found["confidence"],
        agrees=found["agrees"],
        output=found["output"] if may_see else None,
    )


def by_chance(session: Session, query: str, values: Mapping[str, Any], most: int) -> list[str]:
    """At most so many rows of a query on the log, those whose ids have the smallest MD5.

    A hash knows nothing of time, input or answer, so each row of the query is as likely as any
    other, and a repeat takes the same ones. An index holds one row in 64 in the order of the hash:
    those below a fixed value. Where the query finds ``most`` among them, these are the smallest of
    all its rows, so what is chosen does not depend on the index. Where it does not, it has few
    rows (some 64 times ``most``), and all are looked at.
    """
    for among in (_INDEXED, ""):
        chosen = text(f"{query} {among} ORDER BY {_HASH} LIMIT :most")
        found = list(session.scalars(chosen, {**values, "most": most}))
        if len(found) == most:
            break
    return found


def sample(
    session: Session, model: str, version: str, since: datetime, until: datetime, most: int
) -> list[dict[str, Any]]:
    """Inputs and outputs of at most so many of a version's answers in a span."""
    values = {"model": model, "version": version, "since": since, "until": until}
    return [orjson.loads(line) for line in by_chance(session, _SAMPLE, values, most)]
