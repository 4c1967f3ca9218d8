"""A real PostgreSQL that was named: what the stack asks of it, and what it says when it may not."""

from urllib.parse import urlsplit

import psycopg2
import pytest

from ops.errors import OpsError
from ops.stack.postgres import server
from tests.conftest import Postgres


def test_mlflow_gets_a_database_beside_ours_once(postgres: Postgres, database_url: str) -> None:
    name = f"beside_{urlsplit(database_url).path[1:]}"
    try:
        address = server.neighbour(database_url, name)
        assert urlsplit(address).path == f"/{name}"
        psycopg2.connect(address).close()
        assert server.neighbour(database_url, name) == address
    finally:
        postgres.admin("DROP DATABASE IF EXISTS {}", name)


def test_a_role_that_may_not_make_one_is_told_what_to_do(
    postgres: Postgres, database_url: str
) -> None:
    postgres.admin("CREATE ROLE {} LOGIN PASSWORD 'plain'", "plain")
    parts = urlsplit(database_url)
    url = f"postgresql://plain:plain@{parts.hostname}:{parts.port}{parts.path}"
    try:
        with pytest.raises(OpsError, match=r"cannot be made.*set MLFLOW_TRACKING_URI"):
            server.neighbour(url, "beside_plain")
    finally:
        postgres.admin("DROP ROLE {}", "plain")


def test_a_server_says_its_version_and_its_schema(database_url: str) -> None:
    assert server.check(database_url).startswith("PostgreSQL 18")
    assert server.migrated_to(database_url) is not None
    assert not server.is_beating(database_url, "worker", 4.0)
