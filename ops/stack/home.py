"""The folder that holds all state: where things lie in it, and the secrets made for it."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops.errors import OpsError

SECRETS = (
    "postgres_password",
    "nivesh_password",
    "inference_admin_token",
    "oidc_client_secret",
    "cookie_secret",
    "privacy_key",
)


@dataclass(frozen=True)
class Home:
    """Paths below ``NIVESH_HOME``, absolute."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> "Home":
        """The home at a path, which is created if it is missing.

        Raises:
            OpsError: the folder cannot be made.
        """
        home = cls(path.expanduser().resolve())
        try:
            for folder in (home.path, home.run, home.logs):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OpsError(
                f"The folder {home.path} cannot be used: {error.strerror}.",
                "Set NIVESH_HOME to one that you may write to.",
            ) from error
        return home

    @property
    def run(self) -> Path:
        """Record and lock of the running stack."""
        return self.path / "run"

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.path / "log"

    def log(self, name: str) -> Path:
        """Log file of one process."""
        return self.logs / f"{name}.log"

    def folder(self, name: str) -> Path:
        """A process's own folder, created if missing."""
        folder = self.path / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def secrets(self) -> dict[str, str]:
        """The stack's own secrets; those that are missing are made and kept.

        Raises:
            OpsError: the file is there but cannot be understood.
        """
        file = self.path / "secrets.json"
        try:
            known = json.loads(file.read_text()) if file.exists() else {}
        except (OSError, ValueError) as error:
            raise OpsError(
                f"{file} cannot be read: {error}.", "Put it back from a backup, or remove it."
            ) from error
        missing = [name for name in SECRETS if name not in known]
        if missing:
            known |= {name: secrets.token_urlsafe(32) for name in missing}
            write_private(file, json.dumps(known, indent=1))
        return {str(name): str(value) for name, value in known.items()}


def write_private(file: Path, content: str) -> None:
    """Write a file whole or not at all, readable by its owner only."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(content)
    draft.replace(file)


@contextmanager
def only_one(home: Home) -> Iterator[bool]:
    """Hold the home's lock for the block, without waiting; yields whether it was free.

    The kernel frees it when its holder dies, however it dies.
    """
    with (home.run / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
