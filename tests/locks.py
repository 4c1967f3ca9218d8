"""Locks that stop a decision inside its transaction, for tests that break something just then."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2.extensions import connection as Connection

from tests.makers import INTENT

# What a decision on the intent classifier waits for, and how far it has come by then.
BEGUN = f"SELECT 1 FROM models WHERE model_name = '{INTENT}' FOR UPDATE"
HALF_WRITTEN = "SELECT pg_advisory_xact_lock(hashtext('nivesh.ledger'))"
NOT_COMMITTED = f"SELECT 1 FROM model_routing WHERE model_name = '{INTENT}' FOR UPDATE"


@contextmanager
def held(database_url: str, lock: str) -> Iterator[Connection]:
    """Hold a lock for the block, or until the connection is closed."""
    holder = psycopg2.connect(database_url)
    try:
        with holder.cursor() as cursor:
            cursor.execute(lock)
        yield holder
    finally:
        holder.close()


def has_waiter(holder: Connection) -> bool:
    """Whether somebody waits for what the connection holds."""
    with holder.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        return bool(cursor.fetchone()[0])
