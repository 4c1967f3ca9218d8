"""Reading the prediction log: what is counted, and that a reading stays small."""

import threading
from datetime import timedelta

from sqlalchemy import Engine, text

from backend_api import db, deployment
from tests.makers import INTENT
from tests.workers import Workers


def test_answers_are_counted_by_arm_and_what_was_only_tried_is_not(engine: Engine) -> None:
    workers = Workers(engine)
    workers.answered("v1.0.0", 90, errors=9, ms=4)
    workers.answered("v1.1.0", 10, ms=40, arm="canary")
    workers.answered("v1.2.0", 50, errors=50, arm="staging")
    with db.transaction(engine, None) as session:
        found = deployment.traffic(session, INTENT, db.now())
        of_one = deployment.traffic(session, INTENT, db.now(), version="v1.0.0")
        before = deployment.traffic(session, INTENT, db.now() + timedelta(minutes=6))
    assert (found.requests, found.errors) == (100, 9)
    assert found.by_arm == {"production": 90, "canary": 10}
    assert (found.p50_ms, found.p95_ms) == (4, 40)
    assert (of_one.requests, of_one.p95_ms) == (90, 4)
    assert (before.requests, before.p95_ms, before.last_at) == (0, None, None)


def test_a_reading_of_minutes_touches_no_older_day(engine: Engine) -> None:
    now = db.now()
    with db.transaction(engine, "tests") as session:
        for day in range(30):
            session.execute(
                text("SELECT ensure_prediction_partition(:day)"),
                {"day": (now - timedelta(days=day)).date()},
            )
        values = {"model": INTENT, "since": now - timedelta(minutes=5), "version": None}
        plan = session.scalars(text(f"EXPLAIN {deployment.TRAFFIC}"), values)
        read = {
            f"{now - timedelta(days=day):%Y%m%d}"
            for line in plan
            for day in range(30)
            if f"model_predictions_{now - timedelta(days=day):%Y%m%d}" in line
        }
    assert read <= {f"{now:%Y%m%d}", f"{now - timedelta(minutes=5):%Y%m%d}"}
    assert read


def test_many_may_ask_for_a_new_day_at_once(engine: Engine) -> None:
    start = threading.Barrier(8)
    failures: list[Exception] = []

    def ask() -> None:
        start.wait()
        try:
            with db.transaction(engine, "tests") as session:
                session.execute(text("SELECT ensure_prediction_partition('2031-05-01')"))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
