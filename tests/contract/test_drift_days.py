"""When a day is judged, and which versions are looked at for it."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from backend_api import db, drift_results, heartbeat, watch
from backend_api.catalog import Catalog
from backend_api.schemas import DriftResult
from backend_api.spans import DAY, floor
from tests.makers import INTENT, Registry
from tests.profiles import Counted, number, profile
from tests.statements import statements

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
    watch.judge_drift(engine, INTENT, at)


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


def idle(engine: Engine, number: int) -> None:
    """So many versions with a reference; half of them answered once, and were judged then."""
    with engine.begin() as connection:
        for statement in (
            "INSERT INTO drift_profiles (model_name, version, profile, origin)"
            " SELECT model_name, 'v2.' || n || '.0', profile, origin FROM drift_profiles,"
            " generate_series(1, :number) n WHERE version = 'v1.1.0'",
            "INSERT INTO drift_counts SELECT model_name, 'v2.' || n || '.0', span, at, rows, counts"
            " FROM drift_counts, generate_series(1, :number, 2) n"
            " WHERE version = 'v1.1.0' AND at < current_date - 15",
        ):
            connection.execute(text(statement), {"number": number})


def test_versions_without_news_cost_nothing_however_many_there_are(
    counted: Counted, noon: datetime
) -> None:
    engine = counted.engine
    idle(engine, 200)
    look(engine, noon - DAY)
    judged = len(kept(engine))
    assert judged == 99, "as many as are read at once"
    for back in (1, 0):
        counted.day(back)
    with statements(engine) as crowded:
        look(engine, noon)
    assert kept(engine)[0].version == "v1.1.0"
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM drift_profiles WHERE version LIKE 'v2.%'"))
    with statements(engine) as alone:
        look(engine, noon + DAY)
    assert kept(engine)[0].day == noon.date()
    assert [asked for asked, _ in crowded] == [asked for asked, _ in alone]


def test_a_version_that_answers_again_is_judged_again_and_no_further_back_than_it_was(
    counted: Counted, noon: datetime
) -> None:
    engine = counted.engine
    old = Counted(engine, counted.made, version="v1.0.0")
    old.day(120)
    old.day(60)
    look(engine, noon)
    mine = [one for one in kept(engine) if one.version == "v1.0.0"]
    assert [one.day for one in mine] == [(noon - 60 * DAY).date()]
    old.day(1)
    look(engine, noon + DAY)
    mine = [one for one in kept(engine) if one.version == "v1.0.0"]
    assert next(one.day for one in mine) == (noon - DAY).date()


def test_one_version_that_cannot_be_judged_holds_up_no_other(
    counted: Counted, noon: datetime
) -> None:
    engine = counted.engine
    broken = Counted(engine, profile(number("words")), version="v1.0.0")
    broken.day(3)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE drift_counts SET counts = '\\x00' WHERE version = 'v1.0.0'")
        )
    counted.day(1)
    look(engine, noon)
    assert {one.version for one in kept(engine)} == {"v1.1.0"}
    assert kept(engine)[0].day == (noon - DAY).date()
