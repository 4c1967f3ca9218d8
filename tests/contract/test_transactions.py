"""What a caller is told when PostgreSQL refuses, is slow, is busy or goes away."""

import threading
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from backend_api import answers, db
from backend_api.errors import Unavailable
from backend_api.operations.order import Order, perform
from backend_api.schemas import Explain, Outcome
from tests.link import Link


@pytest.fixture
def link(database_url: str) -> Iterator[Link]:
    """A wire to PostgreSQL that can be cut."""
    made = Link(urlsplit(database_url).port or 5432)
    yield made
    made.close()


@pytest.fixture
def wired(database_url: str, link: Link) -> Iterator[Engine]:
    """An engine that goes through the wire."""
    port = urlsplit(database_url).port
    engine = db.create(database_url.replace(f":{port}/", f":{link.port}/"))
    yield engine
    engine.dispose()


def body() -> Explain:
    return Explain(request_id=uuid4(), reason="made for a test")


def noted(session: Session, order: Order) -> Outcome:
    order.record(session, "test.note")
    return Outcome(sentence="Noted.", model_name="none")


def notes(engine: Engine) -> int:
    with engine.connect() as connection:
        found = connection.scalar(text("SELECT count(*) FROM ledger WHERE action = 'test.note'"))
    return int(found or 0)


def test_two_that_wait_for_each_other_are_both_carried_out(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO models VALUES ('one'), ('two')"))
    start = threading.Barrier(2)
    outcomes: list[str] = []

    def run(first: str, second: str) -> None:
        waited = False

        def act(session: Session, order: Order) -> Outcome:
            nonlocal waited
            lock = text("SELECT 1 FROM models WHERE model_name = :m FOR UPDATE")
            session.execute(lock, {"m": first})
            if not waited:
                waited = True
                start.wait()
            session.execute(lock, {"m": second})
            return noted(session, order)

        outcomes.append(perform(engine, "test", body(), "asha", db.now(), act).sentence)

    threads = [threading.Thread(target=run, args=pair) for pair in (("one", "two"), ("two", "one"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == ["Noted.", "Noted."]
    assert notes(engine) == 2


def test_a_commit_that_may_have_arrived_is_told_apart_and_may_be_repeated(
    engine: Engine, wired: Engine, link: Link
) -> None:
    order = body()

    def act(session: Session, order: Order) -> Outcome:
        outcome = noted(session, order)
        session.flush()
        return outcome

    def cut_at_commit(connection: object) -> None:
        link.cut()

    event.listen(wired, "commit", cut_at_commit)
    with pytest.raises(Unavailable, match="not known whether this was carried out"):
        perform(wired, "test", order, "asha", db.now(), act)
    event.remove(wired, "commit", cut_at_commit)
    link.mend()
    for _ in range(2):
        assert perform(wired, "test", order, "asha", db.now(), act).sentence == "Noted."
    assert notes(engine) == 1


def test_a_server_that_went_away_changed_nothing(wired: Engine, link: Link) -> None:
    with db.transaction(wired, None) as session:
        session.execute(text("SELECT 1"))
    link.cut()
    with (
        pytest.raises(Unavailable, match="does not answer, so nothing was changed"),
        db.transaction(wired, "asha"),
    ):
        pass
    link.mend()
    with db.transaction(wired, "asha") as session:
        assert session.scalar(text("SELECT 1")) == 1


@pytest.mark.parametrize(
    ("setting", "statement", "says"),
    [
        ("statement_timeout", "SELECT pg_sleep(5)", "took longer than"),
        ("lock_timeout", "SELECT 1 FROM models FOR UPDATE", "is still under way"),
    ],
)
def test_slow_and_locked_are_not_called_dead(
    engine: Engine, setting: str, statement: str, says: str
) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO models VALUES ('one')"))
    with engine.connect() as other, other.begin():
        other.execute(text("SELECT 1 FROM models FOR UPDATE"))
        with pytest.raises(Unavailable, match=says), db.transaction(engine, "asha") as session:
            session.execute(text(f"SET LOCAL {setting} = '50ms'; {statement}"))


def test_a_pool_in_full_use_is_said(database_url: str) -> None:
    small = create_engine(
        database_url.replace("postgresql://", "postgresql+psycopg2://"),
        pool_size=1, max_overflow=0, pool_timeout=0.05,
    )  # fmt: skip
    try:
        with (
            small.connect(),
            pytest.raises(Unavailable, match="All connections to the database are in use"),
            db.transaction(small, "asha"),
        ):
            pass
    finally:
        small.dispose()
    assert answers.answer(db.unavailable(PoolTimeout())).status_code == 503


def test_only_one_is_sole(engine: Engine) -> None:
    with db.sole(engine, "x") as first, db.sole(engine, "x") as second, db.sole(engine, "y") as y:
        assert (first, second, y) == (True, False, True)
    with db.sole(engine, "x") as again:
        assert again
