"""Reading each place that a decision reaches, for the comparison of them all."""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from backend_api import deployment
from backend_api.errors import Conflict
from backend_api.mirror import pictured, wanted
from backend_api.rules import truth as rule
from backend_api.schemas import Observed, Truth
from backend_api.tables import MirrorRow

MINUTES = 5
# What was on its way when the last worker acknowledged is out by then.
SETTLED = timedelta(seconds=5)
LEAST = timedelta(seconds=5)

_ANSWERS = text(
    "SELECT version, arm, count(*) AS requests, count(DISTINCT entity_key) AS users"
    " FROM model_predictions WHERE model_name = :model AND predicted_at > :since"
    " AND arm IN ('production', 'canary', 'fallback') GROUP BY version, arm ORDER BY arm, version"
)


def truth(session: Session, model: str, now: datetime, timeout: float) -> Truth:
    """A model's decision beside MLflow, the workers and the realised share.

    Raises:
        Conflict: nothing was ever decided for it.
    """
    want = deployment.desired(session, model)
    if want is None:
        raise Conflict(
            f"Nothing was ever decided for {model}, so there is nothing to compare.",
            "Stage, validate and promote a version under Registry.",
        )
    workers = deployment.observed(session, model, want, now, timeout)
    return rule.compare(
        rule.View(
            model=model,
            desired=want,
            workers=workers,
            mlflow=_mlflow(session, model),
            answers=_answers(session, model, workers, now),
            minutes=MINUTES,
            now=now,
        )
    )


def _mlflow(session: Session, model: str) -> rule.Read:
    row = session.get(MirrorRow, model, populate_existing=True)
    pending = deployment.mirror(session, model).pending
    want = wanted(session, model)
    if row is None:
        return rule.Read(want, None, None, None, pending)
    return rule.Read(
        want, pictured(row.observed), row.read_at, row.error, pending, row.difference is not None
    )


def _answers(
    session: Session, model: str, workers: list[Observed], now: datetime
) -> list[rule.Answers] | None:
    """What each version answered since all live workers serve the decision."""
    if not deployment.agreed(workers):
        # Some serve another decision, and are named for it.
        return None
    served = max(one.acknowledged_at for one in workers if one.live) + SETTLED
    since = max(served, now - timedelta(minutes=MINUTES))
    if now - since < LEAST:
        return None
    found = session.execute(_ANSWERS, {"model": model, "since": since})
    return [rule.Answers(row.version, row.arm, row.requests, row.users) for row in found]
