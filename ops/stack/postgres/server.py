"""The embedded PostgreSQL: its files, how it is started, its roles and databases."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg2
from psycopg2 import sql

from ops.errors import OpsError
from ops.stack.postgres.place import Server
from ops.stack.process import Spec, as_user

DATABASES = ("nivesh", "mlflow")


def _environment() -> dict[str, str]:
    return {"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"}


def create(server: Server, password: str) -> None:
    """Make the data folder if there is none; an interrupted attempt leaves nothing behind.

    Raises:
        OpsError: the data is of another major version, or initdb failed.
    """
    if server.data.exists():
        _check_version(server)
        return
    draft, secret = server.folder / "data.draft", server.folder / "password"
    shutil.rmtree(draft, ignore_errors=True)
    secret.touch(mode=0o600)
    secret.write_text(password)
    if server.user:
        os.chown(secret, *server.user)
    options = ["--username=postgres", f"--pwfile={secret}", "--encoding=UTF8", "--locale=C"]
    options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    options += ["--auth-local=trust", "--auth-host=scram-sha-256"]
    try:
        done = subprocess.run(
            [str(server.binaries / "initdb"), "-D", str(draft), *options],
            env=_environment(),
            cwd=server.folder,
            capture_output=True,
            text=True,
            **as_user(server.user),
        )
    finally:
        secret.unlink()
    if done.returncode:
        raise OpsError(f"PostgreSQL could not create its files: {done.stderr.strip()[-500:]}")
    draft.rename(server.data)


def _check_version(server: Server) -> None:
    has = (server.data / "PG_VERSION").read_text().strip()
    done = subprocess.run(
        [str(server.binaries / "postgres"), "--version"],
        env=_environment(),
        cwd=server.folder,
        capture_output=True,
        text=True,
        **as_user(server.user),
    )
    major = done.stdout.split()[-1].split(".")[0] if done.stdout.split() else "unknown"
    if has != major:
        raise OpsError(
            f"{server.data} was written by PostgreSQL {has}, and this is {major}.",
            "Dump it with the old version and restore it, or set NIVESH_HOME to a new folder.",
        )


def spec(server: Server, port: int, log: Path) -> Spec:
    """How the server is started: loopback and a private socket only, every safety left on."""
    argv = [str(server.binaries / "postgres"), "-D", str(server.data), "-p", str(port)]
    argv += ["-h", "127.0.0.1", "-k", str(server.folder)]
    # The socket trusts whoever reaches it, so only its owner and root may.
    argv += ["-c", "unix_socket_permissions=0700", "-c", "max_connections=200"]
    return Spec(
        name="postgres",
        argv=argv,
        env=_environment(),
        ready=lambda: _answers(server, port),
        log=log,
        cwd=server.folder,
        port=port,
        user=server.user,
        # Fast: ends connections instead of waiting for them, and checkpoints.
        stop_signal=signal.SIGINT,
        stop_seconds=30,
    )


def _connect(server: Server, port: int) -> "psycopg2.extensions.connection":
    return psycopg2.connect(
        host=str(server.folder), port=port, user="postgres", dbname="postgres", connect_timeout=2
    )


def _answers(server: Server, port: int) -> bool:
    try:
        _connect(server, port).close()
    except psycopg2.OperationalError:
        return False
    return True


def prepare(server: Server, port: int, secrets: dict[str, str]) -> None:
    """Roles and databases as they should be; may be run again, also with new secrets."""
    connection = _connect(server, port)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = 'nivesh'")
            verb = "ALTER" if cursor.fetchone() else "CREATE"
            for statement, password in (
                ("ALTER ROLE postgres PASSWORD {}", secrets["postgres_password"]),
                (verb + " ROLE nivesh LOGIN NOSUPERUSER PASSWORD {}", secrets["nivesh_password"]),
            ):
                cursor.execute(sql.SQL(statement).format(sql.Literal(password)))
            cursor.execute("SELECT datname FROM pg_database")
            known = {row[0] for row in cursor.fetchall()}
            for name in DATABASES:
                if name not in known:
                    cursor.execute(
                        sql.SQL("CREATE DATABASE {} OWNER nivesh").format(sql.Identifier(name))
                    )
    finally:
        connection.close()


def is_prepared(server: Server, port: int, secrets: dict[str, str]) -> bool:
    """Answer, and have the roles and databases; for a start that waits for both."""
    try:
        prepare(server, port, secrets)
    except psycopg2.Error:
        return False
    return True


def url(port: int, secrets: dict[str, str], database: str = "nivesh") -> str:
    """Address of a database of the embedded server."""
    password = quote(secrets["nivesh_password"], safe="")
    return f"postgresql://nivesh:{password}@127.0.0.1:{port}/{database}"


def check(database_url: str) -> str:
    """Version of the server behind an address.

    Raises:
        OpsError: it does not answer.
    """
    connection = _reach(database_url)
    try:
        return f"PostgreSQL {connection.info.server_version // 10000}"
    finally:
        connection.close()


def _reach(database_url: str) -> "psycopg2.extensions.connection":
    try:
        return psycopg2.connect(database_url, connect_timeout=3)
    except psycopg2.Error as error:
        told = str(error).strip().splitlines()[0]
        raise OpsError(
            f"PostgreSQL does not answer: {told}.",
            "Start it, or unset DATABASE_URL for the embedded one.",
        ) from error


def neighbour(database_url: str, database: str) -> str:
    """Address of another database on the same server, which is made if it is missing.

    Raises:
        OpsError: the server does not answer, or its role may not make one.
    """
    parts = urlsplit(database_url)
    connection = _reach(database_url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,))
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
    except psycopg2.Error as error:
        raise OpsError(
            f"The embedded MLflow wants a database {database} on {parts.hostname}, and it cannot be"
            f" made: {str(error).strip().splitlines()[0]}.",
            "Make it (deploy/create-mlflow-database.sql), or set MLFLOW_TRACKING_URI.",
        ) from error
    finally:
        connection.close()
    return urlunsplit(parts._replace(path=f"/{database}"))


def is_beating(database_url: str, process: str, seconds: float) -> bool:
    """Whether a process without a port has said within the last seconds that it is alive."""
    try:
        connection = _reach(database_url)
    except OpsError:
        return False
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM heartbeats"
                " WHERE process = %s AND at > now() - make_interval(secs => %s)",
                (process, seconds),
            )
            return cursor.fetchone() is not None
    except psycopg2.Error:  # the table comes with the first migration
        return False
    finally:
        connection.close()


def migrated_to(database_url: str) -> str | None:
    """Newest revision that was applied, ``None`` if there is none.

    Raises:
        OpsError: the server does not answer.
    """
    connection = _reach(database_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('alembic_version') IS NOT NULL")
            if not cursor.fetchone()[0]:
                return None
            cursor.execute("SELECT version_num FROM alembic_version")
            row = cursor.fetchone()
            return str(row[0]) if row else None
    finally:
        connection.close()
