"""Results that were kept before it was told which of them were alarms."""

from datetime import date, timedelta

from sqlalchemy import Engine, text

from backend_api import db, drift_results
from tests import migrations
from tests.conftest import Postgres
from tests.makers import INTENT

FIRST = date(2026, 3, 1)
KEEP = text("""
    INSERT INTO drift_results (model_name, version, day, judged_at, rows, seen, state, changed,
        quality, sentence, evidence, true_alarm, told_by, told_at, told_why)
    VALUES (:model, :version, :day, now(), 900, :state, :state, :changed, 'ok', 'as it was', '{}',
        CAST(:told AS boolean), CASE WHEN :told THEN 'asha' END, CASE WHEN :told THEN now() END,
        CASE WHEN :told THEN 'a campaign' END)
""")
STATES = ("none", "medium", "medium", "high", "medium", "none", "high", "none")


def keep(engine: Engine, version: str) -> None:
    """A state a day; somebody called the fourth change, to a better one, a true alarm."""
    before = "insufficient"
    with engine.begin() as connection:
        for place, state in enumerate(STATES):
            # From too few rows to none is no news.
            changed = state != before and {state, before} != {"none", "insufficient"}
            connection.execute(
                KEEP,
                {"model": INTENT, "version": version, "day": FIRST + timedelta(days=place),
                 "state": state, "changed": changed, "told": True if place == 4 else None},
            )  # fmt: skip
            before = state


def test_a_change_to_a_better_state_was_no_alarm_before_either(postgres: Postgres) -> None:
    with migrations.before(postgres, "0019") as engine:
        keep(engine, "v1.0.0")
        keep(engine, "v1.1.0")
        db.migrate(engine)
        with db.transaction(engine, "tests") as session:
            found = drift_results.page(
                session, INTENT, "v1.0.0", alarms=True, before=None, limit=50
            )
        days = [(one.day - FIRST).days for one in found.results]
        assert days == [6, 3, 1]
        assert (found.precision.alarms, found.precision.true) == (6, 0)
