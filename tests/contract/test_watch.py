"""What the watch sees and does, on real rows."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from backend_api import db, ledger, retention, watch
from backend_api.catalog import Catalog
from backend_api.main import build
from backend_api.settings import BackendSettings
from ops.settings import PROJECT
from tests.makers import INTENT, Registry
from tests.workers import Workers

TIMEOUT, QUIET = 10.0, 60.0


@pytest.fixture
def workers(engine: Engine) -> Workers:
    """Two live ones."""
    made = Workers(engine)
    made.live("a", "b")
    return made


@pytest.fixture
def registry(engine: Engine, catalog: Catalog) -> Registry:
    """v1.0.0 in production, seen by nobody yet."""
    made = Registry(engine, catalog)
    made.validated("v1.0.0")
    made.approve(made.request("v1.0.0"))
    return made


def observe(engine: Engine) -> None:
    with db.transaction(engine, "watch") as session:
        watch.observe(session, INTENT, db.now(), TIMEOUT)


def verify(engine: Engine, after: float = 0.0) -> None:
    with db.transaction(engine, "watch") as session:
        watch.verify(session, INTENT, db.now() + timedelta(seconds=after), QUIET)


def actions(engine: Engine) -> list[str]:
    with db.transaction(engine, None) as session:
        return [entry.action for entry in ledger.page(session, limit=200).entries]


def value(engine: Engine, query: str) -> object:
    with engine.connect() as connection:
        return connection.scalar(text(query))


def verified(engine: Engine, version: str = "v1.0.0") -> bool:
    return bool(value(engine, "SELECT verified_at IS NOT NULL FROM model_registry"
                              f" WHERE version = '{version}'"))  # fmt: skip


def test_an_epoch_is_observed_when_the_last_live_worker_serves_it(
    engine: Engine, registry: Registry, workers: Workers
) -> None:
    workers.acknowledge("a")
    observe(engine)
    assert "deployment.observed" not in actions(engine)
    workers.acknowledge("b")
    observe(engine)
    observe(engine)
    assert actions(engine).count("deployment.observed") == 1
    routing = "SELECT observed_epoch = epoch FROM model_routing"
    assert value(engine, routing)


def test_a_silent_worker_holds_nothing_up(
    engine: Engine, registry: Registry, workers: Workers
) -> None:
    workers.acknowledge("a")
    workers.silent("b", TIMEOUT + 1)
    observe(engine)
    assert "deployment.observed" in actions(engine)


def test_two_watches_at_once_write_one_entry(
    engine: Engine, registry: Registry, workers: Workers
) -> None:
    workers.acknowledge("a", "b")
    start = threading.Barrier(4)

    def run() -> None:
        start.wait()
        observe(engine)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert actions(engine).count("deployment.observed") == 1


def test_the_seconds_of_a_rollback_are_kept_for_the_badge(
    engine: Engine, registry: Registry, workers: Workers
) -> None:
    registry.verify("v1.0.0")
    registry.promoted("v1.1.0")
    registry.roll_back()
    workers.acknowledge("a", "b")
    observe(engine)
    with db.transaction(engine, None) as session:
        (entry,) = ledger.page(session, action="rollback.observed").entries
    assert entry.evidence["seconds"] >= 0
    assert entry.evidence["workers"] == ["a", "b"]


def test_a_version_is_verified_by_enough_good_answers(
    engine: Engine, registry: Registry, workers: Workers
) -> None:
    workers.answered("v1.0.0", 50)
    verify(engine)
    assert not verified(engine), "not every worker serves it yet"
    workers.acknowledge("a", "b")
    observe(engine)
    verify(engine)
    assert verified(engine)
    assert actions(engine)[0] == "version.verify"


@pytest.mark.parametrize(
    ("answers", "after", "good"),
    [
        ({"count": 50, "errors": 1}, 600.0, False),
        ({"count": 50, "ms": 501.0}, 600.0, False),
        ({"count": 5, "errors": 1}, 600.0, False),
        ({"count": 5}, QUIET - 5, False),
        ({"count": 5}, QUIET + 5, True),
        ({"count": 0}, QUIET + 5, True),
        ({"count": 50, "errors": 50, "arm": "canary"}, QUIET + 5, True),
    ],
)
def test_bad_answers_prove_nothing_good_and_little_traffic_takes_time(
    engine: Engine, registry: Registry, workers: Workers,
    answers: dict[str, float], after: float, good: bool,
) -> None:  # fmt: skip
    workers.acknowledge("a", "b")
    observe(engine)
    workers.answered("v1.0.0", **answers)  # type: ignore[arg-type]
    verify(engine, after)
    assert verified(engine) is good


@pytest.mark.parametrize(("errors", "good"), [(0, True), (10, False)])
def test_a_replaced_version_is_a_way_back_unless_it_was_bad(
    engine: Engine, registry: Registry, workers: Workers, errors: int, good: bool
) -> None:
    workers.answered("v1.0.0", 100, errors)
    registry.validated("v1.1.0")
    workers.acknowledge("a", "b")
    registry.approve(registry.request("v1.1.0"))
    assert verified(engine) is good
    target = value(engine, "SELECT target_id IS NOT NULL FROM model_routing")
    assert target is good


def test_a_request_is_closed_when_it_expires_or_its_evidence_moves(
    engine: Engine, registry: Registry
) -> None:
    registry.validated("v1.1.0")
    registry.validated("v1.2.0")
    late, moved = registry.request("v1.1.0"), registry.request("v1.2.0")
    with db.transaction(engine, "tests") as session:
        session.execute(text("UPDATE promotions SET expires_at = now() WHERE id = :i"), {"i": late})
        session.execute(
            text("UPDATE model_registry SET artifact_digest = 'sha256:' || repeat('0', 64)"
                 " WHERE version = 'v1.2.0'")
        )  # fmt: skip
    with db.transaction(engine, "watch") as session:
        watch.review_requests(session, registry.catalog, INTENT, db.now())
    with engine.connect() as connection:
        found = {
            row.id: (row.status, row.decided_by, row.decision_reason)
            for row in connection.execute(text("SELECT * FROM promotions"))
        }
    assert found[late] == ("expired", "watch", "nobody decided in time")
    assert found[moved][:2] == ("void", "watch")
    assert "artifact_digest was" in found[moved][2]


def test_a_request_that_is_being_decided_is_left_alone(engine: Engine, registry: Registry) -> None:
    registry.validated("v1.1.0")
    request = registry.request("v1.1.0")
    with engine.connect() as lead, lead.begin():
        lead.execute(text("SELECT 1 FROM promotions WHERE id = :i FOR UPDATE"), {"i": request})
        with db.transaction(engine, "watch") as session:
            later = db.now() + timedelta(days=2)
            watch.review_requests(session, registry.catalog, INTENT, later)
    assert value(engine, f"SELECT status FROM promotions WHERE id = '{request}'") == "pending"


def test_a_look_that_fails_holds_up_no_other(
    engine: Engine, database_url: str, tmp_path: Path, registry: Registry, workers: Workers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    settings = BackendSettings(
        DATABASE_URL=database_url, MODELS_FILE=PROJECT / "models.yaml", NIVESH_HOME=tmp_path
    )
    workers.acknowledge("a", "b")
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE procrastinate_jobs CASCADE"))

    def broken(session: Session, catalog: Catalog, model: str, now: object) -> None:
        raise TypeError("a bug")

    monkeypatch.setattr(watch, "review_requests", broken)
    ctx = build(settings)
    try:
        watch.tick(ctx, db.now())
    finally:
        ctx.engine.dispose()
    assert "deployment.observed" in actions(engine)
    assert value(engine, "SELECT count(*) FROM heartbeats WHERE process = 'worker'") == 1


def test_what_is_past_its_time_is_forgotten_once_an_hour(engine: Engine) -> None:
    now = db.now()

    def forget(after: timedelta) -> None:
        with db.transaction(engine, "watch") as session:
            retention.make_partitions(session, now - timedelta(days=8))
            retention.make_partitions(session, now)
            retention.forget(session, now + after, prediction_days=7)

    def fill() -> None:
        with db.transaction(engine, "tests") as session:
            session.execute(text("INSERT INTO models VALUES ('model') ON CONFLICT DO NOTHING"))
            session.execute(
                text("INSERT INTO requests SELECT gen_random_uuid(), 'asha', 'x', '', '{}',"
                     " now() - d * interval '1 day' FROM unnest(ARRAY[6, 8]) d")
            )  # fmt: skip
            session.execute(
                text("INSERT INTO outbox (model_name, done_at) SELECT 'model', at FROM"
                     " unnest(ARRAY[now(), now() - interval '8 days', NULL]::timestamptz[]) at")
            )  # fmt: skip

            session.execute(
                text("INSERT INTO label_corrections (prediction_id, predicted_at, model_name, was,"
                     " label, at, actor, request_id) SELECT gen_random_uuid(), now() - d * interval"
                     " '1 day', 'model', '1', '2', now(), 'asha', gen_random_uuid()"
                     " FROM unnest(ARRAY[6, 8]) d")
            )  # fmt: skip
            session.execute(
                text("INSERT INTO drift_text_results SELECT gen_random_uuid(), 'model', 'v1.0.0',"
                     " now(), now() - interval '9 days', now() - d * interval '1 day', CAST(:found"
                     " AS jsonb) FROM unnest(ARRAY[6, 8]) d"),
                {"found": '{"score": 0.4, "words": ["card"], "examples": ["my card"]}'},
            )  # fmt: skip

    fill()
    forget(timedelta())
    kept = "SELECT count(*) FROM drift_text_results WHERE found ->> 'score' = '0.4'"
    assert value(engine, kept) == 2
    quoted = f"{kept} AND found -> 'examples' <> '[]' AND found -> 'words' <> '[]'"
    assert value(engine, quoted) == 1, "what people asked goes with the log"
    assert value(engine, "SELECT count(*) FROM label_corrections") == 1, "with its prediction"
    assert value(engine, "SELECT count(*) FROM requests") == 1
    assert value(engine, "SELECT count(*) FROM outbox") == 2, "what is open is never dropped"
    oldest = value(engine, "SELECT min(inhrelid::regclass::text) FROM pg_inherits"
                           " WHERE inhparent = 'model_predictions'::regclass")  # fmt: skip
    assert oldest == f"model_predictions_{now - timedelta(days=7):%Y%m%d}"
    fill()
    forget(timedelta(minutes=59))
    assert value(engine, "SELECT count(*) FROM requests") == 3, "not again within the hour"
    forget(timedelta(minutes=61))
    assert value(engine, "SELECT count(*) FROM requests") == 2
