"""The one door to PostgreSQL: engine, migrations, and a session that commits at the edge."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from fastapi import Request
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from backend_api.errors import Unavailable


def now() -> datetime:
    """The present, aware; read once per request or tick and handed down."""
    return datetime.now(UTC)


def create(database_url: str, pool_size: int = 10) -> Engine:
    """An engine for any ``postgresql://`` address, always through psycopg2."""
    url = make_url(database_url).set(drivername="postgresql+psycopg2")
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        pool_timeout=5,
        connect_args={
            "connect_timeout": 3,
            "application_name": "nivesh",
            # A statement that hangs must not hold a model's lock for ever.
            "options": "-c timezone=UTC -c statement_timeout=15000"
            " -c idle_in_transaction_session_timeout=30000",
        },
    )


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest revision; several processes may call it at once."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    with engine.connect() as connection, connection.begin():
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('nivesh.migrate'))"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def transaction(engine: Engine, actor: str) -> Iterator[Session]:
    """One transaction, committed when the block ends well; ``actor`` is what triggers record.

    Raises:
        Unavailable: PostgreSQL does not answer.
    """
    try:
        with Session(engine, expire_on_commit=False) as session, session.begin():
            act_as(session, actor)
            yield session
    except OperationalError as error:
        raise Unavailable(
            "The database does not answer, so nothing was changed.",
            "Try again in a moment; `nivesh status` shows what is down.",
        ) from error


def act_as(session: Session, actor: str) -> None:
    """Name the actor for the triggers, for this transaction only."""
    session.execute(text("SELECT set_config('nivesh.actor', :actor, true)"), {"actor": actor})


def session(request: Request) -> Iterator[Session]:
    """FastAPI's dependency: one request, one transaction."""
    with transaction(request.app.state.engine, "backend_api") as opened:
        yield opened
