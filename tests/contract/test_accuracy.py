"""How right a model is, counted from a real log: by day, by version, and when it has fallen."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import Engine, text

from backend_api import accuracy, db, incidents, watch
from backend_api.candidate import Reference
from backend_api.catalog import Catalog
from backend_api.errors import StaleView
from backend_api.operations import incident, labels, reference
from backend_api.operations.order import Order
from backend_api.rules import calibration
from backend_api.rules.calibration import EDGES
from backend_api.rules.label import Line
from backend_api.schemas import Accuracy
from backend_api.spans import DAY, HOUR, floor
from backend_api.states import AccuracyState, IncidentKind, IncidentState
from inference import database
from inference.drift import References
from shared.profile import as_document
from tests.labelled import Log
from tests.makers import INTENT, Registry, perform_as
from tests.profiles import number, profile

RIGHT, WRONG = {"intent": "savings"}, {"intent": "credit_score"}


@pytest.fixture
def noon() -> datetime:
    """The middle of yesterday."""
    return floor(db.now(), DAY) - timedelta(hours=12)


@pytest.fixture
def log(engine: Engine, catalog: Catalog) -> Log:
    """v1.1.0 is in production and was right 99.4 % of the time when it was trained."""
    registry = Registry(engine, catalog)
    registry.promoted("v1.0.0")
    registry.promoted("v1.1.0")
    return Log(engine)


def label(log: Log, catalog: Catalog, ids: list[object], said: str = "savings") -> None:
    rows = [Line(place, str(one), said) for place, one in enumerate(ids, start=1)]
    with db.transaction(log.engine, "asha") as session:
        order = Order("asha", "disputes", uuid4(), db.now())
        labels.take(session, order, catalog, 90, rows)


def look(log: Log, catalog: Catalog, now: datetime | None = None) -> None:
    """What the watch does in its ticks until all of two weeks is counted."""
    for _ in range(60):
        with db.transaction(log.engine, "watch") as session:
            watch.review_accuracy(session, catalog.get(INTENT), INTENT, now or db.now())


def read(log: Log, catalog: Catalog, version: str | None = None) -> Accuracy:
    plan = catalog.get(INTENT).accuracy
    assert plan is not None
    with db.transaction(log.engine, None) as session:
        return accuracy.read(session, INTENT, plan, db.now(), 30, version)


def test_days_are_those_of_the_prediction_with_coverage_and_state(
    log: Log, catalog: Catalog, noon: datetime
) -> None:
    ids = log.answered(noon - DAY, [RIGHT] * 400)
    late = log.answered(noon, [RIGHT] * 38 + [WRONG] * 62, confidence=0.6)
    log.answered(noon, [WRONG] * 50, arm="shadow")
    log.answered(noon, [WRONG] * 50, arm="fallback", status="fallback")
    look(log, catalog)
    label(log, catalog, [*ids, *late[:38]])
    found = read(log, catalog)
    new, old = found.days
    assert (new.day, old.day) == (noon.date(), (noon - DAY).date())
    assert (new.predictions, new.labelled, new.right, new.coverage) == (100, 38, 38, 0.38)
    assert (new.state, new.needed) == (AccuracyState.NOT_ENOUGH, 299 - 38)
    assert (old.state, old.coverage, old.mature) == (AccuracyState.MET, 1.0, True)
    assert found.latest is not None
    assert found.latest.right == 438
    assert (found.version, found.baseline, found.fallen) == ("v1.1.0", 0.994, False)
    # Confidence was 0.9, and labels have shown that such answers are always right.
    assert found.estimate.learnt
    assert old.estimate is not None
    assert old.estimate > 0.98
    assert new.estimate == pytest.approx((38 + 20 * 0.6) / 58, abs=1e-6)


def test_an_immature_day_is_shown_and_does_not_count(
    log: Log, catalog: Catalog, noon: datetime
) -> None:
    ids = log.answered(noon, [WRONG] * 1_000)
    look(log, catalog)
    label(log, catalog, [*ids[:50]])
    found = read(log, catalog)
    assert (found.days[0].state, found.days[0].mature) == (AccuracyState.MISSED, False)
    assert found.latest is None
    look(log, catalog, db.now() + timedelta(hours=1))
    assert found.incident is None


def test_a_fall_beyond_doubt_opens_one_incident_and_a_correction_is_noted(
    log: Log, catalog: Catalog, noon: datetime
) -> None:
    ids = log.answered(noon, [RIGHT] * 300)
    look(log, catalog)
    label(log, catalog, [*ids[:30]], said="other")
    later = db.now() + timedelta(hours=1)
    for minutes in (0, 10):
        look(log, catalog, later + timedelta(minutes=minutes))
    found = read(log, catalog)
    assert found.fallen
    assert found.incident is not None
    assert [event.kind for event in found.incident.events] == ["opened"]
    assert "0 of 30 labelled answers" in found.incident.events[0].sentence
    assert found.incident.events[0].evidence["baseline"] == 0.994
    # The labels were wrong: corrected, the model is as good as it was.
    label(log, catalog, [*ids])
    look(log, catalog, later + timedelta(minutes=20))
    noted = read(log, catalog).incident
    assert noted is not None
    assert ([event.kind for event in noted.events], noted.holds) == (["opened", "gone"], False)
    with db.transaction(log.engine, None) as session:
        assert len(incidents.listed(session, INTENT, only_open=True, before=None, limit=9)) == 1


def test_seven_days_are_seven_dates_and_today_is_the_last(log: Log, catalog: Catalog) -> None:
    for back in range(8):
        at = db.now() if not back else floor(db.now(), DAY) - back * DAY
        label(log, catalog, log.answered(at, [RIGHT] * (back + 1)))
    found = read(log, catalog)
    assert (found.latest_days, len(found.days)) == (7, 8)
    assert found.latest is not None
    assert found.latest.predictions == sum(range(1, 8))


def test_few_wrong_labels_open_nothing(log: Log, catalog: Catalog, noon: datetime) -> None:
    ids = log.answered(noon, [RIGHT] * 30)
    look(log, catalog)
    label(log, catalog, [*ids[:2]], said="other")
    label(log, catalog, [*ids[2:20]])
    look(log, catalog, db.now() + timedelta(hours=1))
    assert read(log, catalog).incident is None, "90 %, but of twenty"


def test_labels_of_before_are_the_baseline_where_no_metric_is(
    log: Log, catalog: Catalog, noon: datetime
) -> None:
    plan = catalog.get(INTENT).accuracy
    assert plan is not None
    own = plan.model_copy(update={"metric": None})
    ids = log.answered(noon - 10 * DAY, [RIGHT] * 400)
    ids += log.answered(noon, [WRONG] * 100)
    label(log, catalog, [*ids])
    with db.transaction(log.engine, None) as session:
        found = accuracy.latest(session, INTENT, own, db.now())
    assert found.baseline is not None
    assert found.baseline.source == "at least this by 400 earlier labels of v1.1.0"
    assert found.baseline.share == pytest.approx(0.05 ** (1 / 400))
    assert found.fallen


def spooled(at: datetime, count: int, first: int = 0, confidence: float = 0.9) -> bytes:
    """Lines of answers that waited on a disk; their ids are ``waited(first)`` and on."""
    return b"".join(
        orjson.dumps(
            {
                "id": str(waited(first + n)), "at": int(at.timestamp() * 1e6), "model": INTENT,
                "version": "v1.1.0", "arm": "production", "key": None, "input": {"query": "?"},
                "output": RIGHT, "confidence": confidence, "ms": 1.0, "status": "ok",
                "error": None,
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for n in range(count)
    )  # fmt: skip


def waited(place: int) -> UUID:
    return UUID(int=(8 << 96) + place)


@pytest.fixture
def worker(database_url: str) -> Iterator[database.Connection]:
    """What a worker of inference delivers by."""
    with database.connect(database_url, "tests") as made:
        yield made


def deliver(worker: database.Connection, lines: bytes) -> None:
    database.deliver(worker, lines, References())


def test_counting_catches_up_and_again_changes_nothing(
    log: Log, catalog: Catalog, noon: datetime
) -> None:
    log.answered(noon - 2 * DAY, [RIGHT] * 7)
    log.answered(noon, [RIGHT] * 5, confidence=None)
    look(log, catalog)
    first = read(log, catalog)
    assert [day.predictions for day in first.days] == [5, 7]
    assert first.days[0].estimate is None
    look(log, catalog, db.now() + timedelta(hours=1))
    assert [day.predictions for day in read(log, catalog).days] == [5, 7]


def test_what_waited_on_disks_for_an_outage_of_thirty_hours_counts_whenever_it_comes(
    log: Log, catalog: Catalog, worker: database.Connection
) -> None:
    now = db.now()
    cut = floor(now, HOUR) - timedelta(hours=30)
    deliver(worker, spooled(cut - HOUR, 5))
    look(log, catalog, cut)
    # PostgreSQL is back: the watch has caught up before the first spool is read.
    look(log, catalog, now)
    for hour in range(30):
        deliver(worker, spooled(cut + hour * HOUR, 4, first=100 + 10 * hour))
    for minutes in range(2, 20, 2):
        look(log, catalog, now + timedelta(minutes=minutes))
    assert sum(day.predictions for day in read(log, catalog).days) == 5 + 30 * 4
    # And a host that was cut off for a week.
    deliver(worker, spooled(now - 7 * DAY, 3, first=900))
    deliver(worker, spooled(now - 7 * DAY, 3, first=900))
    look(log, catalog, now + HOUR)
    assert sum(day.predictions for day in read(log, catalog).days) == 5 + 30 * 4 + 3
    with log.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM accuracy_late")) == 0


def test_a_delivery_that_ends_while_its_hour_is_counted_is_counted_by_the_next_look(
    log: Log, catalog: Catalog, worker: database.Connection
) -> None:
    now = db.now()
    deliver(worker, spooled(now - DAY, 5))
    with worker.transaction():
        deliver(worker, spooled(now - DAY, 2, first=100))
        look(log, catalog, now)
    assert [day.predictions for day in read(log, catalog).days] == [5]
    look(log, catalog, now + HOUR)
    assert [day.predictions for day in read(log, catalog).days] == [7]


def test_only_late_hours_are_noted_and_all_time_zones_agree_on_them(
    log: Log, worker: database.Connection
) -> None:
    worker.execute("SET timezone = 'Asia/Kolkata'")
    now = db.now()
    deliver(worker, spooled(now, 2) + spooled(now - timedelta(minutes=9), 2, first=10))
    at = floor(now, HOUR) - 3 * HOUR
    deliver(worker, spooled(at, 2, first=20) + spooled(at + HOUR / 2, 2, first=30))
    with log.engine.connect() as connection:
        assert list(connection.scalars(text("SELECT hour FROM accuracy_late"))) == [at]


def test_labels_before_their_answers_are_counted_leave_confidence_as_it_is(
    log: Log, catalog: Catalog, worker: database.Connection, noon: datetime
) -> None:
    look(log, catalog)
    deliver(worker, spooled(noon, 300, confidence=0.95))
    label(log, catalog, [waited(n) for n in range(250)])
    found = read(log, catalog)
    # All of these were right, and said that they were to 95 %.
    assert found.estimate.error == pytest.approx(0.05, abs=1e-5)
    assert found.days[0].estimate == pytest.approx((250 + 20 * 0.95) / 270, abs=1e-5)
    assert (found.days[0].predictions, found.days[0].labelled) == (250, 250)
    look(log, catalog, db.now() + HOUR)
    found = read(log, catalog)
    assert found.estimate.error == pytest.approx(0.05, abs=1e-5)
    assert (found.days[0].predictions, found.days[0].labelled) == (300, 250)


def test_counting_again_what_is_partly_forgotten_keeps_what_was_counted(
    log: Log, catalog: Catalog, worker: database.Connection, noon: datetime
) -> None:
    deliver(worker, spooled(noon, 9))
    look(log, catalog)
    with log.engine.begin() as connection:
        connection.execute(text("DELETE FROM model_predictions"))
    deliver(worker, spooled(noon, 2, first=100))
    look(log, catalog, db.now() + HOUR)
    assert [day.predictions for day in read(log, catalog).days] == [9]


def test_an_incident_is_moved_on_and_a_stale_view_is_refused(
    log: Log, catalog: Catalog, noon: datetime
) -> None:
    ids = log.answered(noon, [RIGHT] * 100)
    look(log, catalog)
    label(log, catalog, [*ids], said="other")
    look(log, catalog, db.now() + timedelta(hours=1))
    opened = read(log, catalog).incident
    assert opened is not None
    triggered = IncidentState.TRIGGERED

    def move(expected: IncidentState, target: IncidentState) -> str:
        return perform_as(
            log.engine, "meera", lambda s, o: incident.move(s, o, opened.id, expected, target)
        ).sentence

    assert "acknowledged" in move(triggered, IncidentState.ACKNOWLEDGED)
    with pytest.raises(StaleView, match="is acknowledged by now"):
        move(triggered, IncidentState.RESOLVED)
    move(IncidentState.ACKNOWLEDGED, IncidentState.RESOLVED)
    with db.transaction(log.engine, None) as session:
        found = incidents.read(session, opened.id)
        assert incidents.open_row(session, INTENT, IncidentKind.ACCURACY_DROP) is None
    assert [event.kind for event in found.events] == ["opened", "acknowledged", "resolved"]
    assert (found.acknowledged_by, found.resolved_by) == ("meera", "meera")
    # It is still so: another one is opened.
    look(log, catalog, db.now() + timedelta(hours=2))
    again = read(log, catalog).incident
    assert again is not None
    assert again.id != opened.id


def test_rows_of_training_correct_the_estimate_before_there_are_labels(
    log: Log, catalog: Catalog, noon: datetime
) -> None:
    rows = [
        {"answer": "savings", "label": "savings" if n % 2 else "credit_score", "confidence": 0.9}
        for n in range(500)
    ]
    # What cannot be held against an answer says nothing.
    strange = [{"answer": "savings", "label": 3, "confidence": 0.9}, {"answer": "savings"}, 7]
    document = {**as_document(profile(number("words"))), "held_out": [*rows, *strange]}
    with db.transaction(log.engine, "tests") as session:
        assert reference.keep(session, INTENT, "v1.1.0", Reference(document), "artefact")
    ids = log.answered(noon, [RIGHT] * 300, confidence=0.9)
    look(log, catalog)
    found = read(log, catalog)
    assert (found.estimate.held_out, found.estimate.labels) == (True, 500)
    assert found.days[0].estimate == pytest.approx((250 + 20 * 0.9) / 520)
    label(log, catalog, list(ids))
    found = read(log, catalog)
    assert (found.estimate.held_out, found.estimate.labels) == (False, 300)
    assert found.days[0].estimate == pytest.approx((300 + 20 * 0.9) / 320, abs=1e-6)
    # A version that brought nothing along takes confidence at its word.
    assert not read(log, catalog, "v1.0.0").estimate.learnt


@pytest.mark.parametrize("confidence", [0.0, 0.3, 0.65, 0.9, 0.95, 0.999, 1.0])
def test_a_confidence_falls_into_the_bin_that_the_log_puts_it_in(
    confidence: float, engine: Engine
) -> None:
    with engine.connect() as connection:
        place = connection.scalar(
            text("SELECT width_bucket(CAST(CAST(:c AS real) AS float8), CAST(:e AS float8[]))"),
            {"c": confidence, "e": list(EDGES)},
        )
    assert list(calibration.bins([(confidence, True)])) == [place]
