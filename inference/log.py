"""The prediction log: kept in the spool before the answer leaves, delivered beside the traffic."""

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import orjson
import structlog

from inference import database, metrics
from inference.drift import References
from inference.errors import Unavailable
from inference.spool import Spool, inherit

BATCH_BYTES = 2_000_000
# The pause between two deliveries when there is little to deliver.
PAUSE_SECONDS = 0.25
ORPHANS_SECONDS = 2.0
LONGEST_PAUSE = 2.0
# Share of the room past which somebody should look; deploy/alerts.yml has it too.
ALMOST = 0.5
# As a record begins; what was asked may hold ids of its own.
_ID = re.compile(rb'\{"id": ?"([0-9a-fA-F-]{36})"')

log = structlog.get_logger()


class PredictionLog:
    """Keeps records; ``full`` says what to do when there is no room (``drop`` or ``refuse``).

    ``private`` makes of a record what may be written down of it.
    """

    def __init__(
        self, spool: Spool, limit: int, full: str,
        private: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    ) -> None:  # fmt: skip
        self.spool = spool
        self._limit, self._private = limit, private
        self._refuse = full == "refuse"
        # Bytes of all workers of the host as last counted, and what this one has added since.
        self._on_disk = 0
        # Records of this worker that were answered without being kept, and why the last one was.
        self._missing, self._why = 0, ""
        # Why PostgreSQL takes none at present.
        self.waits: str | None = None

    def keep(self, record: dict[str, Any]) -> None:
        """Put a record where a kill -9 cannot reach it.

        Raises:
            Unavailable: it cannot be kept, and the setting is not to answer without.
        """
        if self._private is not None:
            record = self._private(record)
        line = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
        if self._on_disk + len(line) > self._limit:
            self._lost("spool_full", f"the spool holds {self._on_disk:,} bytes")
            return
        try:
            self.spool.append(line)
        except OSError as error:
            self._lost("disk", str(error))
            return
        self._on_disk += len(line)

    def count(self) -> None:
        """Look how much room is left."""
        self._on_disk = self.spool.bytes_on_disk()
        metrics.SPOOL_BYTES.set(self._on_disk)
        metrics.SPOOL_LIMIT.set(self._limit)

    @property
    def sentences(self) -> str:
        """How the log is, for a person."""
        said = ["PostgreSQL takes the prediction log." if self.waits is None else
                f"PostgreSQL does not take the prediction log: {self.waits}."]  # fmt: skip
        said.append(f"{self._on_disk:,} of at most {self._limit:,} bytes wait on disk.")
        if self._on_disk >= self._limit * ALMOST:
            then = "are refused" if self._refuse else "are answered without a record"
            said.append(f"When that is full, predictions {then}.")
        if self._missing:
            then = "were refused" if self._refuse else "were answered without a record"
            said.append(f"{self._missing:,} predictions {then} since this worker began,"
                        f" the last one since {self._why}.")  # fmt: skip
        return " ".join(said)

    @property
    def well(self) -> bool:
        """Whether records are taken and there is room."""
        return self.waits is None and self._on_disk < self._limit * ALMOST

    def _lost(self, reason: str, detail: str) -> None:
        self._missing, self._why = self._missing + 1, detail
        metrics.LOG_LOST.labels(reason).inc()
        if self._refuse:
            raise Unavailable(
                f"The prediction cannot be recorded ({detail}), so it is not answered.",
                "Bring PostgreSQL back or make room on the disk of the inference host.",
            )


class Readable(Protocol):
    """A segment as the deliverer sees it."""

    done: int

    def read(self, limit: int) -> bytes:
        """Undelivered whole lines."""
        ...


class Deliverer(threading.Thread):
    """Carries own and orphaned segments to PostgreSQL, each record once."""

    def __init__(self, kept: PredictionLog, connect: Callable[[], database.Connection]) -> None:
        super().__init__(name="deliverer", daemon=True)
        self._kept = kept
        self._spool = kept.spool
        self._connect = connect
        self._connection: database.Connection | None = None
        self._references = References()
        self._stopping = threading.Event()
        self._orphans_at = 0.0

    def run(self) -> None:
        """Deliver until told to stop, and once more then."""
        pause = PAUSE_SECONDS
        while not self._stopping.wait(pause):
            pause = self._turn(pause)
        self._turn(pause)
        self._forget_connection()

    def stop(self, seconds: float) -> None:
        """Deliver what is left, for some seconds at most; the rest stays on disk."""
        self._stopping.set()
        self.join(seconds)
        if not self.is_alive():
            self._spool.close()

    def _turn(self, pause: float) -> float:
        """One round over all that waits; the pause until the next one."""
        self._kept.count()
        try:
            self._deliver_own()
            if time.monotonic() >= self._orphans_at:
                self._orphans_at = time.monotonic() + ORPHANS_SECONDS
                self._deliver_orphans()
        except database.OUTAGES as error:
            self._forget_connection()
            self._kept.waits = database.reason(error)
            if pause < LONGEST_PAUSE:
                log.warning("log.waits", reason=self._kept.waits)
            return min(LONGEST_PAUSE, pause * 2)
        # Whatever one round met, the next one is tried: records wait for nobody else.
        except Exception:
            self._forget_connection()
            log.exception("log.round_broke")
            return LONGEST_PAUSE
        self._kept.waits = None
        return PAUSE_SECONDS

    def _deliver_own(self) -> None:
        for segment in self._spool.segments():
            self._drain(segment)
            if segment.sealed and segment.done == segment.size:
                self._spool.drop(segment)

    def _deliver_orphans(self) -> None:
        unread: OSError | None = None
        for path in self._spool.orphans():
            try:
                self._deliver_orphan(path)
            except OSError as error:
                # Whose file cannot be read is told, and holds up no other.
                unread = error
        if unread is not None:
            raise unread

    def _deliver_orphan(self, path: Path) -> None:
        with inherit(path) as segment:
            if segment is None:
                return
            self._drain(segment)
            if segment.torn:
                metrics.LOG_LOST.labels("torn").inc()
            path.unlink(missing_ok=True)

    def _drain(self, segment: Readable) -> None:
        while lines := segment.read(BATCH_BYTES):
            self._deliver(lines)
            segment.done += len(lines)

    def _deliver(self, lines: bytes) -> None:
        """Deliver whole lines; one that PostgreSQL will never take is counted and left out.

        The service's own log names it and quotes nothing: who may read that may not read requests.
        """
        if self._connection is None:
            self._connection = self._connect()
        try:
            new = database.deliver(self._connection, lines, self._references)
            metrics.LOG_DELIVERED.inc(new)
        except database.REFUSALS as error:
            parts = lines.split(b"\n")[:-1]
            if len(parts) == 1:
                metrics.LOG_LOST.labels("refused").inc()
                named = _ID.match(lines)
                name = named[1].decode() if named else "unreadable"
                log.error("log.refused", prediction_id=name, reason=database.reason(error))
                return
            middle = len(parts) // 2
            for half in (parts[:middle], parts[middle:]):
                self._deliver(b"".join(part + b"\n" for part in half))

    def _forget_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
