"""The one door to PostgreSQL: engine, migrations, and a session that commits at the edge."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from starlette.requests import Request

from backend_api.errors import Unavailable

STATEMENT_SECONDS = 15


def notify(session: Session, channel: str, content: Mapping[str, str]) -> None:
    """Tell whoever listens on a channel, once the transaction is committed."""
    session.execute(
        text("SELECT pg_notify(:channel, :content)"),
        {"channel": channel, "content": json.dumps(content)},
    )


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
            # A server that vanished is noticed within seconds, not after TCP's quarter of an hour.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
            # A statement that hangs must not hold a model's lock for ever.
            "options": f"-c timezone=UTC -c statement_timeout={STATEMENT_SECONDS}s"
            " -c lock_timeout=8s -c idle_in_transaction_session_timeout=30s",
        },
    )


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest revision; several processes may call it at once.

    Raises:
        Unavailable: PostgreSQL does not answer.
    """
    # Every command of `nivesh` imports this file, and only a start migrates.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    with _outages(), engine.connect() as connection, connection.begin():
        # An index on a grown table takes as long as it takes.
        connection.execute(text("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('nivesh.migrate'))"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


# Ended by PostgreSQL in favour of another transaction; doing it again is the cure.
COLLISIONS = {"40001", "40P01"}
_NO_ANSWER = ("The database does not answer", "`nivesh status` shows what is down.")
_SENTENCES = {
    "57014": (f"The database took longer than {STATEMENT_SECONDS} s", "It may be overloaded."),
    "55P03": ("Another change of the same rows is still under way", "It ends within seconds."),
    "53300": ("The database takes no more connections", "Too many processes use it."),
}


def collided(error: BaseException) -> bool:
    """Whether the transaction was ended for the sake of another one and may be tried again."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "pgcode", None) in COLLISIONS


def overran(error: BaseException) -> bool:
    """Whether a statement was ended because it took longer than it may."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "pgcode", None) == "57014"


def unavailable(error: OperationalError | PoolTimeout) -> Unavailable:
    """An outage as a sentence; nothing of the transaction was kept."""
    if isinstance(error, PoolTimeout):
        what, cure = "All connections to the database are in use", "The load is too high."
    else:
        what, cure = _SENTENCES.get(getattr(error.orig, "pgcode", None) or "", _NO_ANSWER)
    return Unavailable(f"{what}, so nothing was changed.", f"Try again in a moment. {cure}")


def _unknown() -> Unavailable:
    # The server may have committed before it went away.
    return Unavailable(
        "The database went away during the commit: it is not known whether this was carried out.",
        "Send the same request again; its request_id makes a repeat harmless.",
    )


@contextmanager
def _outages() -> Iterator[None]:
    try:
        yield
    except (OperationalError, PoolTimeout) as error:
        if collided(error):
            raise
        raise unavailable(error) from error


@contextmanager
def transaction(engine: Engine, actor: str | None) -> Iterator[Session]:
    """One transaction, committed when the block ends well; ``actor`` is what triggers record.

    Without an actor, for reading, no connection is taken before the first statement.

    Raises:
        Unavailable: PostgreSQL does not answer, or not in time.
    """
    with Session(engine, expire_on_commit=False) as session:
        with _outages():
            if actor is not None:
                act_as(session, actor)
            yield session
            session.flush()
        try:
            session.commit()
        except OperationalError as error:
            if collided(error):
                raise
            raise (_unknown() if error.connection_invalidated else unavailable(error)) from error


@contextmanager
def sole(engine: Engine, name: str) -> Iterator[bool]:
    """Whether this process is the only one in the block of that name; never waits for another.

    Raises:
        Unavailable: PostgreSQL does not answer.
    """
    with (
        _outages(),
        engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
    ):
        won = bool(
            connection.scalar(text("SELECT pg_try_advisory_lock(hashtext(:n))"), {"n": name})
        )
        try:
            yield won
        finally:
            if won:
                connection.execute(text("SELECT pg_advisory_unlock(hashtext(:n))"), {"n": name})


def due(session: Session, name: str, now: datetime, every: timedelta) -> bool:
    """Whether it is time for what is done once in ``every``; true for whoever asks first."""
    return (
        session.execute(
            text(
                "INSERT INTO heartbeats VALUES (:name, :now) ON CONFLICT (process)"
                " DO UPDATE SET at = :now WHERE heartbeats.at <= :last RETURNING at"
            ),
            {"name": name, "now": now, "last": now - every},
        ).first()
        is not None
    )


def act_as(session: Session, actor: str) -> None:
    """Name the actor for the triggers, for this transaction only."""
    session.execute(text("SELECT set_config('nivesh.actor', :actor, true)"), {"actor": actor})


def session(request: Request) -> Iterator[Session]:
    """FastAPI's dependency: one request, one transaction for reading.

    Lazy, so that a request which is still being asked who it is holds no connection: with
    two per request, as many requests as the pool is large would wait for each other.
    """
    with transaction(request.app.state.engine, None) as opened:
        yield opened
