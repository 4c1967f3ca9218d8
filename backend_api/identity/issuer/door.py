"""Name and password in, the account out; slowly for guessers."""

import math
import re
from datetime import datetime

import structlog
from sqlalchemy import Engine, select

from backend_api import db
from backend_api.errors import ConsoleError, Forbidden
from backend_api.identity import passwords
from backend_api.identity.issuer.throttle import Throttle
from backend_api.tables import AccountRow

log = structlog.get_logger()
_NAME = re.compile(r"[a-z][a-z0-9._-]{1,62}")


class WrongPassword(ConsoleError):
    """The same for an unknown name, so that names cannot be found out."""

    status = 401


class TooManyAttempts(ConsoleError):
    """Passwords were wrong too often; ``details["seconds"]`` is how long to wait."""

    status = 429


class Door:
    """Checks passwords of the embedded issuer's accounts."""

    def __init__(self, engine: Engine, issuer: str) -> None:
        self._engine, self._issuer = engine, issuer
        self._throttle = Throttle()

    def account(self, username: str, password: str, address: str, now: datetime) -> AccountRow:
        """Whose name and password these are.

        Raises:
            TooManyAttempts: wait first.
            WrongPassword: nobody's.
            Forbidden: they were shut out.
        """
        name = username.strip().lower()
        if not _NAME.fullmatch(name):
            name = ""
        wait = self._throttle.wait(name, address, now)
        if wait is not None:
            raise TooManyAttempts(
                "Too many wrong passwords.",
                f"Try again in {math.ceil(wait.total_seconds() / 60)} minutes.",
                seconds=math.ceil(wait.total_seconds()),
            )
        with db.transaction(self._engine, None) as session:
            row = session.scalar(
                select(AccountRow).where(
                    AccountRow.username == name, AccountRow.issuer == self._issuer
                )
            )
        if not passwords.matches(row.password_hash if row else None, password) or row is None:
            # Only a known name is logged: people type their password into the wrong field.
            log.warning("sign_in.refused", account=row and row.username, address=address)
            raise WrongPassword("User name or password is wrong.", "Check both and try again.")
        self._throttle.succeeded(name, address, now)
        if row.disabled_at is not None:
            raise Forbidden("This account is disabled.", "Ask an admin to let you in again.")
        log.info("sign_in", account=row.username, address=address)
        return row
