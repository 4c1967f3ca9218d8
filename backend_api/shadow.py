"""Reading the shadow: how often it agrees with what was answered, and what it costs."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from backend_api.schemas import Desired, Observed, Shadow
from backend_api.tables import ModelRow

# Enough to tell a per mille, and read in milliseconds however long the shadow runs.
NEWEST_PAIRS = 10_000
PAIRS = text("""
    SELECT count(*) AS pairs, count(*) FILTER (WHERE agrees) AS agreeing,
        count(*) FILTER (WHERE status = 'error') AS errors,
        avg(confidence_difference) AS apart,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_ms) AS p50,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY twin_latency_ms) AS twin_p50
    FROM (SELECT * FROM model_predictions
        WHERE model_name = :model AND version = :version AND arm = 'shadow'
            AND predicted_at > :since
        ORDER BY predicted_at DESC LIMIT :newest) newest
""")


def shadow(session: Session, want: Desired | None, workers: list[Observed]) -> Shadow | None:
    """What is in the shadow of a model, and how its answers compare; None if nothing is."""
    if want is None or want.shadow is None:
        return None
    row = session.get_one(ModelRow, want.model_name, populate_existing=True)
    assert row.shadow_at is not None
    found = session.execute(
        PAIRS,
        {
            "model": want.model_name, "version": want.shadow, "since": row.shadow_at,
            "newest": NEWEST_PAIRS,
        },
    ).one()  # fmt: skip
    live = [worker for worker in workers if worker.live]
    return Shadow(
        version=want.shadow,
        share=want.shadow_share,
        at=row.shadow_at,
        by=row.shadow_by or "",
        running=sum(w.shadow == want.shadow for w in live),
        workers=len(live),
        pairs=found.pairs,
        agreeing=found.agreeing,
        errors=found.errors,
        confidence_difference=found.apart,
        p50_ms=found.p50,
        twin_p50_ms=found.twin_p50,
    )
