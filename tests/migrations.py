"""A database as an earlier version of this software left it."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from backend_api import db
from ops.settings import PROJECT
from tests.conftest import Postgres


@contextmanager
def before(postgres: Postgres, revision: str) -> Iterator[Engine]:
    """Every migration up to the one before ``revision`` has run; ``db.migrate`` runs the others."""
    name = f"before_{revision}"
    postgres.admin("CREATE DATABASE {} OWNER nivesh", name)
    engine = db.create(postgres.url(name))
    config = Config()
    config.set_main_option("script_location", str(PROJECT / "backend_api" / "migrations"))
    config.set_main_option("path_separator", "os")
    earlier = ScriptDirectory.from_config(config).get_revision(revision).down_revision
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, str(earlier))
        yield engine
    finally:
        engine.dispose()
        postgres.admin("DROP DATABASE {} WITH (FORCE)", name)
