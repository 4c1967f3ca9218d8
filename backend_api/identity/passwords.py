"""Passwords, by argon2: slow to guess, and at most so many at a time."""

import secrets
import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from backend_api.errors import Unavailable

_hasher = PasswordHasher()
# Each hash takes 64 MiB for its time; a crowd at the door must not take the machine.
_slots = threading.BoundedSemaphore(2)
_WAIT_SECONDS = 5.0
LONGEST = 200
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # none that looks like another


def made_up() -> str:
    """A password of 100 random bits that can be read aloud."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))
    return "-".join(groups)


def hashed(password: str) -> str:
    """The argon2id hash with its salt and parameters."""
    with _slots:
        return _hasher.hash(password)


@cache
def _nobodys() -> str:
    """What an unknown name is checked against, so that it takes as long as a known one."""
    return _hasher.hash(secrets.token_urlsafe(16))


def matches(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one; as slow for no stored hash as for a wrong password.

    Raises:
        Unavailable: too many are being checked already.
    """
    if not _slots.acquire(timeout=_WAIT_SECONDS):
        raise Unavailable("Too many sign-ins at once.", "Try again in a moment.")
    try:
        right = _hasher.verify(stored or _nobodys(), password[:LONGEST])
    except (VerifyMismatchError, InvalidHashError):
        return False
    finally:
        _slots.release()
    return right and stored is not None
