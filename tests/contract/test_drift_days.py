"""When a day is judged, and which versions are looked at for it."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from backend_api import db, drift_results, heartbeat
from backend_api.catalog import Catalog
from backend_api.operations import drift
from backend_api.schemas import DriftResult
from backend_api.spans import DAY, floor
from tests.makers import INTENT, Registry
from tests.profiles import Counted, number, profile

MINUTE = timedelta(minutes=1)


@pytest.fixture
def noon() -> datetime:
    return floor(db.now(), DAY) + DAY / 2


@pytest.fixture
def counted(engine: Engine, catalog: Catalog) -> Counted:
    """v1.1.0 in production, and twenty quiet days of it up to the day before yesterday."""
    registry = Registry(engine, catalog)
    registry.promoted("v1.0.0")
    registry.promoted("v1.1.0")
    made = Counted(engine, profile(number("words"), number("characters")))
    for back in range(2, 22):
        made.day(back)
    return made


def beat(engine: Engine, at: datetime) -> None:
    with db.transaction(engine, "watch") as session:
        heartbeat.beat(session, at)


def look(engine: Engine, at: datetime) -> None:
    with db.transaction(engine, "watch") as session:
        drift.tend(session, INTENT, at, "watch")


def kept(engine: Engine) -> list[DriftResult]:
    with db.transaction(engine, None) as session:
        return drift_results.page(session, None, None, alarms=False, before=None, limit=99).results


def test_after_an_outage_days_wait_for_what_waited_on_disks(
    counted: Counted, noon: datetime
) -> None:
    engine = counted.engine
    beat(engine, noon - DAY - 2 * MINUTE)
    look(engine, noon - DAY - 2 * MINUTE)
    before = len(kept(engine))
    # Half of yesterday was delivered when PostgreSQL went away.
    counted.day(1, rows=500)
    for minutes in range(30):
        at = noon + minutes * MINUTE
        beat(engine, at)
        look(engine, at)
        assert len(kept(engine)) == before
    counted.day(1, rows=1_100)
    beat(engine, noon + 30 * MINUTE)
    look(engine, noon + 30 * MINUTE)
    (newest, *older) = kept(engine)
    assert (newest.day, newest.rows) == ((noon - DAY).date(), 1_100)
    assert len(older) == before


def test_a_restart_of_the_watch_is_no_outage(counted: Counted, noon: datetime) -> None:
    counted.day(1)
    beat(counted.engine, noon - 9 * MINUTE)
    beat(counted.engine, noon)
    look(counted.engine, noon)
    assert kept(counted.engine)[0].day == (noon - DAY).date()
