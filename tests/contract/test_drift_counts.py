"""Counts of drift: exactly what the prediction log holds, whatever dies or comes twice."""

import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import orjson
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import InternalError

from backend_api import db, drift_counts, drift_folding
from backend_api.candidate import Reference
from backend_api.catalog import Catalog
from backend_api.drift_counts import Window
from backend_api.errors import BadRequest, Conflict, NotFound
from backend_api.operations import reference as references
from backend_api.spans import DAY, HOUR, floor
from bench.records import FEATURES
from bench.records import record as bench_record
from inference import database
from inference.drift import References
from shared.counting import count
from shared.profile import Profile, as_document
from shared.reference import infer, make
from tests.contract.test_log_soak import PER_SECOND, numbers, write
from tests.makers import Registry, perform_as, wait_until

MODEL, VERSION = "credit_risk", "v1.0.0"
NOW = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)
CHANCE = random.Random(5)


def record(number: int, at: datetime = NOW, **changes: Any) -> dict[str, Any]:
    """A record that differs from its neighbours in every value."""
    made = {
        "id": str(UUID(int=number + 1)), "at": int(at.timestamp() * 1e6), "model": MODEL,
        "version": VERSION, "arm": "production", "key": None, "confidence": None, "ms": 1.0,
        "input": {"amount": CHANCE.choice([CHANCE.gauss(50, 20), 1e-7, 1e22, -0.0]),
                  "purpose": CHANCE.choice(["car", "house", "ähnlich"]), "new": number % 3 == 0},
        "output": {"risk_band": CHANCE.choice(["low", "high"]), "confidence": CHANCE.random()},
        "status": "ok", "error": None,
    }  # fmt: skip
    return {**made, **changes}


def lines(records: list[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(r, option=orjson.OPT_APPEND_NEWLINE) for r in records)


REFERENCE = [record(n) for n in range(500)]
PROFILE = make(infer(REFERENCE), REFERENCE)


@pytest.fixture
def registry(engine: Engine, catalog: Catalog) -> Registry:
    made = Registry(engine, catalog, MODEL)
    made.register(VERSION)
    return made


def keep(engine: Engine, profile: Profile = PROFILE, since: datetime | None = None) -> None:
    log = (since, since + DAY) if since else None
    with db.transaction(engine, "tests") as session:
        assert references.keep(
            session, MODEL, VERSION, Reference(as_document(profile)), "artefact", log
        )


@pytest.fixture
def deliverer(database_url: str) -> Iterator["Deliverer"]:
    made = Deliverer(database_url)
    yield made
    made.connection.close()


class Deliverer:
    """Delivers as a worker does."""

    def __init__(self, url: str) -> None:
        self.connection = database.connect(url, "tests")
        self.references = References()

    def __call__(self, records: list[dict[str, Any]]) -> int:
        return database.deliver(self.connection, lines(records), self.references)


def window(engine: Engine, since: datetime = NOW - DAY, until: datetime = NOW + DAY) -> Window:
    with db.transaction(engine, None) as session:
        return drift_counts.window(session, MODEL, VERSION, since, until)


def logged(engine: Engine) -> list[dict[str, Any]]:
    """Input and output of every answer in the table that counts."""
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT json_build_object('input', input, 'output', output)::text AS doc"
                " FROM model_predictions WHERE model_name = :m AND version = :v"
                " AND arm IN ('production', 'canary') AND status = 'ok'"
            ),
            {"m": MODEL, "v": VERSION},
        )
        return [orjson.loads(row.doc) for row in rows]


def equal_to_the_log(engine: Engine, since: datetime = NOW - DAY, until: datetime = NOW + DAY,
                     rows: int | None = None) -> None:  # fmt: skip
    found, records = window(engine, since, until), logged(engine)
    assert found.rows == (len(records) if rows is None else rows) == len(records)
    assert found.counts.tolist() == count(found.profile, records).tolist()


def fold(engine: Engine, later: float = 0) -> None:
    drift_folding.tend(engine, NOW + timedelta(seconds=later))


def test_what_is_delivered_is_counted_once_in_its_hour(
    engine: Engine, registry: Registry, deliverer: Deliverer
) -> None:
    keep(engine)
    first = [record(n, NOW + timedelta(minutes=n)) for n in range(90)]
    assert deliverer(first) == 90
    # Again, with some new ones between, one of them twice in the same delivery.
    again = [*first[:50], *(record(n, NOW) for n in range(100, 110)), record(105, NOW)]
    assert deliverer(again) == 10
    assert deliverer(first) == 0
    equal_to_the_log(engine, rows=100)
    hour = floor(NOW, HOUR)
    assert window(engine, hour, hour + HOUR).rows == 30 + 10
    fold(engine)
    equal_to_the_log(engine, rows=100)
    deliverer([record(n, NOW) for n in range(200, 230)])
    equal_to_the_log(engine, rows=130)
    fold(engine, later=11)
    equal_to_the_log(engine, rows=130)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM drift_deltas")) == 0


def test_what_is_answered_while_a_reference_is_fetched_counts_across_an_hour_too(
    engine: Engine, registry: Registry, deliverer: Deliverer
) -> None:
    deliverer([record(n, NOW) for n in range(5)])
    # It was looked for at 9:30, and at 10:10 nobody knows it yet.
    deliverer([record(n, NOW + timedelta(minutes=40)) for n in range(10, 17)])
    with db.transaction(engine, "tests") as session:
        found = Reference(as_document(PROFILE))
        assert references.keep(session, MODEL, VERSION, found, "artefact", (NOW - HOUR, NOW))
    deliverer([record(n, NOW + timedelta(minutes=50)) for n in range(20, 23)])
    fold(engine)
    equal_to_the_log(engine, rows=15)


def test_only_what_users_were_answered_counts(
    engine: Engine, registry: Registry, deliverer: Deliverer
) -> None:
    keep(engine)
    deliverer([
        record(1), record(2, arm="canary"), record(3, arm="shadow"), record(4, arm="staging"),
        record(5, status="error", output=None), record(6, arm="fallback", status="fallback"),
        record(7, version="v9.0.0"), record(8, model="unheard_of"),
    ])  # fmt: skip
    equal_to_the_log(engine, rows=2)


def test_a_day_is_the_sum_of_its_hours_and_windows_may_cut_days(
    engine: Engine, registry: Registry, deliverer: Deliverer
) -> None:
    keep(engine)
    midnight = floor(NOW, DAY)
    made = [record(n, midnight + timedelta(minutes=30 * n)) for n in range(200)]
    deliverer(made)
    for folded in (False, True):
        if folded:
            fold(engine)
        for since, until in ((0, 100), (1, 99), (5, 20), (23, 49), (24, 72), (30, 31), (7, 7)):
            start, end = midnight + since * HOUR, midnight + until * HOUR
            found = window(engine, start, end)
            wanted = [
                r for n, r in enumerate(made)
                if start <= midnight + timedelta(minutes=30 * n) < end
            ]  # fmt: skip
            assert found.rows == len(wanted)
            assert found.counts.tolist() == count(found.profile, wanted).tolist()
        with db.transaction(engine, None) as session:
            by_day = drift_counts.days(session, MODEL, VERSION, midnight, midnight + 5 * DAY)
        assert by_day.rows.tolist() == [48, 48, 48, 48, 8]
        assert by_day.counts.sum(axis=0).tolist() == count(by_day.profile, made).tolist()


def test_a_reference_that_comes_late_counts_what_was_logged_before(
    engine: Engine, registry: Registry, deliverer: Deliverer
) -> None:
    made = [record(n, NOW + timedelta(minutes=n)) for n in range(300)]
    deliverer(made[:200])
    with pytest.raises(NotFound, match="no reference"):
        window(engine)
    keep(engine, since=NOW - HOUR)
    deliverer(made[200:])
    fold(engine)
    equal_to_the_log(engine, rows=300)
    # Ordered again it changes nothing.
    perform_as(engine, "asha", lambda s, o: references.recount(s, o, MODEL, VERSION, 2), now=NOW)
    fold(engine, later=11)
    equal_to_the_log(engine, rows=300)


def test_counts_whose_records_are_past_their_time_stay(
    engine: Engine, registry: Registry, deliverer: Deliverer
) -> None:
    keep(engine)
    deliverer([record(n) for n in range(40)])
    fold(engine)
    with db.transaction(engine, "tests") as session:
        session.execute(text("SELECT drop_prediction_partitions(:d)"), {"d": (NOW + DAY).date()})
    perform_as(engine, "asha", lambda s, o: references.recount(s, o, MODEL, VERSION, 1), now=NOW)
    fold(engine, later=11)
    assert window(engine).rows == 40


def test_hours_are_counted_again_while_deliveries_go_on(
    engine: Engine, registry: Registry, database_url: str
) -> None:
    """The reference comes in the middle, the log is counted again and again, folded as well."""
    stop = threading.Event()
    failures: list[Exception] = []

    def traffic(first: int) -> None:
        mine = Deliverer(database_url)
        try:
            while not stop.is_set():
                mine([record(first + n) for n in range(40)])
                first += 30
        except Exception as error:
            failures.append(error)
        finally:
            mine.connection.close()

    threads = [threading.Thread(target=traffic, args=(n * 1_000_000,)) for n in range(2)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(logged(engine)) > 500, 30, "some are delivered")
    keep(engine, since=NOW - HOUR)
    for turn in range(8):
        before = len(logged(engine))
        fold(engine, later=11 * turn)
        perform_as(
            engine, "asha", lambda s, o: references.recount(s, o, MODEL, VERSION, 1),
            now=NOW + HOUR,
        )  # fmt: skip
        wait_until(lambda before=before: len(logged(engine)) > before, 30, "more come")  # type: ignore[misc]
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures
    equal_to_the_log(engine)
    fold(engine, later=1000)
    equal_to_the_log(engine)


def test_counts_outlive_a_kill_of_the_worker_that_delivers(
    engine: Engine, registry: Registry, database_url: str, tmp_path: Path
) -> None:
    made = [{"input": FEATURES, "output": bench_record(0)["output"]}]
    keep(engine, make(infer(made), made))
    first = write(database_url, tmp_path, "0", 0, 2)
    with first.process:
        first.read(until=PER_SECOND)
        first.process.kill()
        first.read()
    second = write(database_url, tmp_path, "1", 10_000_000, 1)
    with second.process:
        second.read()
    sure = {*range(first.kept), *range(10_000_000, 10_000_000 + PER_SECOND)}
    wait_until(lambda: sure <= numbers(engine).keys(), 60, "all are in the table")
    now = db.now()
    equal_to_the_log(engine, now - DAY, now + HOUR)
    drift_folding.tend(engine, now)
    equal_to_the_log(engine, now - DAY, now + HOUR)


def test_a_reference_is_set_once(engine: Engine, registry: Registry) -> None:
    with db.transaction(engine, "tests") as session:
        assert references.keep(session, MODEL, VERSION, Reference(None, "its artefact is lost"),
                               "artefact")  # fmt: skip
    with pytest.raises(NotFound, match="its artefact is lost"):
        window(engine)
    given = as_document(PROFILE)
    told = perform_as(engine, "asha", lambda s, o: references.give(s, o, MODEL, VERSION, given))
    assert "500 rows that were given, in 5 features (amount, new, purpose" in told.sentence
    with pytest.raises(Conflict, match="never overwritten"):
        perform_as(engine, "asha", lambda s, o: references.give(s, o, MODEL, VERSION, given))
    with pytest.raises(InternalError, match="is set and stays"), engine.begin() as connection:
        connection.exec_driver_sql("UPDATE drift_profiles SET profile = '{}'")


FEW = make(infer(REFERENCE[:3]), REFERENCE[:3])


@pytest.mark.parametrize(
    ("document", "says"), [(as_document(FEW), "needs 500 rows"), ({"features": 3}, "no reference")]
)
def test_what_is_no_reference_is_refused(
    engine: Engine, registry: Registry, document: dict[str, Any], says: str
) -> None:
    with pytest.raises(BadRequest, match=says):
        perform_as(engine, "asha", lambda s, o: references.give(s, o, MODEL, VERSION, document))


def test_a_version_that_answered_nothing_gives_no_reference(
    engine: Engine, registry: Registry
) -> None:
    with pytest.raises(BadRequest, match="needs 500 rows or more, and not 0"):
        perform_as(engine, "asha", lambda s, o: references.give_from_log(s, o, MODEL, VERSION, 1))


def test_a_version_is_compared_with_its_own_first_days(
    engine: Engine, registry: Registry, deliverer: Deliverer
) -> None:
    now = db.now()
    deliverer([record(n, now + timedelta(seconds=n)) for n in range(499)])

    def give() -> None:
        perform_as(
            engine, "asha", lambda s, o: references.give_from_log(s, o, MODEL, VERSION, 1),
            now=now + HOUR,
        )  # fmt: skip

    # Nothing could be told with them, and there would be no second try.
    with pytest.raises(BadRequest, match="needs 500 rows or more, and not 499"):
        give()
    deliverer([record(499, now + timedelta(seconds=499))])
    give()
    drift_folding.tend(engine, now + HOUR)
    found = window(engine, now, now + HOUR)
    assert found.rows == found.profile.rows == 500
    assert np.array_equal(found.counts, found.profile.counts)
    equal_to_the_log(engine, now - HOUR, now + HOUR)


def test_counting_costs_no_delivery(
    engine: Engine, registry: Registry, deliverer: Deliverer
) -> None:
    """Records are any JSON, and a reference may be written by hand: the log comes first."""
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO drift_profiles (model_name, version, profile, origin)"
                " VALUES (:m, :v, '{\"features\": 3}', 'records')"
            ),
            {"m": MODEL, "v": VERSION},
        )
    assert deliverer([record(1), record(2, input=[1, 2], output="text")]) == 2
