"""The ledger's chain against the database's own view of it."""

import threading

import pytest
from sqlalchemy import Engine, text

from backend_api import db, ledger


def append(engine: Engine, actor: str, action: str = "test.note") -> None:
    with db.transaction(engine, actor) as session:
        ledger.append(
            session, actor, action, reason="₹ and \n lines", evidence={"share": 0.1, "n": None}
        )


def proof(engine: Engine) -> tuple[bool, int | None]:
    with db.transaction(engine, "reader") as session:
        found = ledger.verify(session)
    return found.intact, found.first_broken


def test_an_empty_and_a_filled_chain_hold(engine: Engine) -> None:
    assert proof(engine) == (True, None)
    for number in range(5):
        append(engine, f"person{number}")
    assert proof(engine) == (True, None)


def test_writers_at_once_make_one_chain_without_gaps(engine: Engine) -> None:
    threads = [threading.Thread(target=append, args=(engine, f"p{i}")) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engine.connect() as connection:
        numbers = list(connection.scalars(text("SELECT seq FROM ledger ORDER BY seq")))
    assert numbers == list(range(1, 17))
    assert proof(engine) == (True, None)


def test_an_abandoned_transaction_leaves_no_gap(engine: Engine) -> None:
    append(engine, "asha")
    with db.transaction(engine, "ravi") as session:
        ledger.append(session, "ravi", "test.note")
        session.flush()
        session.rollback()
    append(engine, "omar")
    assert proof(engine) == (True, None)


@pytest.mark.parametrize(
    ("tampering", "first_broken"),
    [
        ("UPDATE ledger SET actor = 'somebody' WHERE seq = 3", 3),
        ("UPDATE ledger SET evidence = '{}' WHERE seq = 2", 2),
        ("UPDATE ledger SET at = at + interval '1 microsecond' WHERE seq = 4", 4),
        ("DELETE FROM ledger WHERE seq = 2", 3),
        ("UPDATE ledger SET hash = repeat('0', 64) WHERE seq = 5", 5),
    ],
)
def test_the_first_altered_row_is_named(engine: Engine, tampering: str, first_broken: int) -> None:
    for number in range(5):
        append(engine, f"person{number}")
    with engine.begin() as connection:
        # What the owner of the table can do when they mean to: the chain must show it.
        connection.execute(text("GRANT UPDATE, DELETE ON ledger TO CURRENT_USER"))
        connection.execute(text("ALTER TABLE ledger DISABLE TRIGGER ledger_append_only"))
        connection.execute(text(tampering))
    assert proof(engine) == (False, first_broken)


def test_pages_are_read_newest_first_and_by_filter(engine: Engine) -> None:
    for number in range(5):
        append(engine, f"person{number % 2}", f"kind{number % 2}.note")
    with db.transaction(engine, "reader") as session:
        first = ledger.page(session, limit=2)
        assert [e.seq for e in first.entries] == [5, 4]
        second = ledger.page(session, limit=10, before=first.next_before)
        assert [e.seq for e in second.entries] == [3, 2, 1]
        assert second.next_before is None
        assert [e.seq for e in ledger.page(session, actor="person1").entries] == [4, 2]
        assert [e.seq for e in ledger.page(session, action="kind0").entries] == [5, 3, 1]
