"""How a command reaches the stack: by the environment, else by what the home's record says."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from backend_api import db
from backend_api.settings import BackendSettings
from ops.errors import OpsError
from ops.settings import OpsSettings
from ops.stack.home import Home
from ops.stack.record import Record, load


def home() -> Home:
    """The home that the environment names."""
    return Home.at(OpsSettings().nivesh_home)


def value(name: str, record: Record) -> str:
    """A variable of the stack.

    Raises:
        OpsError: it is not set, and no stack ever ran in this home.
    """
    found = os.environ.get(name) or record.environment.get(name)
    if not found:
        raise OpsError(
            f"{name} is not set, and no stack ever ran here.",
            f"Start one with `nivesh up`, or set {name}.",
        )
    return found


def settings(record: Record) -> BackendSettings:
    """The backend's settings, as the stack's own backend has them.

    Raises:
        OpsError: no database is known.
    """
    value("DATABASE_URL", record)
    chosen = {name: content for name, content in os.environ.items() if content}
    return BackendSettings(**{**record.environment, **chosen})  # type: ignore[arg-type]


@contextmanager
def database() -> Iterator[Engine]:
    """PostgreSQL itself, for what must work with everything else down."""
    engine = db.create(value("DATABASE_URL", load(home())), pool_size=2)
    try:
        yield engine
    finally:
        engine.dispose()
