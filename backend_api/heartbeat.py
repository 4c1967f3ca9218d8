"""The watch says that it is alive, and notes when it is again after it could not."""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

# Nobody watched for so long: the database was away, and what was predicted meanwhile waits on
# disks; or every watch was. A restart takes less.
GAP = timedelta(minutes=10)
ALIVE, AGAIN = "worker", "worker again"

_AT = text("SELECT at FROM heartbeats WHERE process = :process")
_BEAT = text(
    "INSERT INTO heartbeats VALUES (:process, :now)"
    " ON CONFLICT (process) DO UPDATE SET at = excluded.at"
)


def beat(session: Session, now: datetime) -> None:
    """Say that the watch is alive."""
    last: datetime | None = session.scalar(_AT, {"process": ALIVE})
    session.execute(_BEAT, {"process": ALIVE, "now": now})
    if last is not None and now - last >= GAP:
        session.execute(_BEAT, {"process": AGAIN, "now": now})


def back_since(session: Session) -> datetime | None:
    """When the last gap of ``GAP`` or more ended; None if there was none."""
    found: datetime | None = session.scalar(_AT, {"process": AGAIN})
    return found
