"""Who the command line is: to the ledger when it writes by itself, and to the backend."""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from sqlalchemy import Engine

from backend_api import db
from backend_api.errors import Unauthenticated
from backend_api.identity import tokens
from backend_api.states import Role
from console.client import Backend
from console.transport import TIMEOUT
from ops import reach
from ops.errors import OpsError
from ops.stack.home import Home, write_private
from ops.stack.record import Record, load

TOKEN = "NIVESH_TOKEN"
DAYS = 366


def user() -> str:
    """The system's name of whoever runs this process; its number if it has none."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def actor() -> str:
    """How the ledger names whoever sits at this terminal."""
    return f"cli:{user()}"


def secret(record: Record, home: Home) -> str:
    """The token to show the backend: ``NIVESH_TOKEN``, else this user's own of this stack.

    Raises:
        OpsError: there is none, and none can be made.
    """
    found = os.environ.get(TOKEN) or kept(record, home)
    if found is None:
        raise OpsError(
            f"{TOKEN} is not set, so the backend cannot know who you are.",
            "An admin makes one with `nivesh token create NAME --role ROLE`; export it.",
        )
    return found


def kept(record: Record, home: Home) -> str | None:
    """This user's own token of the embedded stack, made if there is none.

    Whoever may read the home may write its database, so a token for them gives nothing away. With a
    real database there is none: there, tokens are an admin's to give.
    """
    url = os.environ.get("BACKEND_URL") or record.environment.get("BACKEND_URL")
    if "DATABASE_URL" not in record.embedded or url != record.environment["BACKEND_URL"]:
        return None
    with reach.database() as engine:
        return own(engine, home.run / f"token-{user()}")


def own(engine: Engine, file: Path) -> str:
    """This user's token of the embedded stack: the kept one while it is good, else a new one.

    It does what on-call staff do. Decisions that want a lead want a person: a token of theirs.
    """
    now = db.now()
    with db.transaction(engine, actor()) as session:
        if file.exists():
            kept = file.read_text().strip()
            try:
                tokens.verify(session, kept, now)
            except Unauthenticated:
                pass
            else:
                return kept
        name = f"cli-{user()}"
        earlier = sum(token.name.startswith(name) for token in tokens.every(session))
        made = tokens.create_token(
            session,
            name=f"{name}-{earlier + 1}" if earlier else name,
            holder=tokens.Machine(Role.ONCALL),
            days=DAYS,
            created_by=actor(),
            now=now,
        )
    write_private(file, made)
    return made


@contextmanager
def backend() -> Iterator[Backend]:
    """The backend, asked as whoever sits at this terminal."""
    home = reach.home()
    record = load(home)
    shown = secret(record, home)
    with asking(reach.value("BACKEND_URL", record), shown) as asked:
        yield asked


@contextmanager
def asking(url: str, shown: str) -> Iterator[Backend]:
    """The backend at an address, asked with a token."""
    with httpx2.Client(timeout=TIMEOUT, trust_env=False) as http:
        yield Backend(url, lambda: shown, http)
