"""Takes connections from the queue that all workers share, so that each worker gets its part.

Left alone, whichever worker wakes first takes all that wait, and long-lived connections keep it
that way. So each worker writes down how many connections it has, and one that has more than the
fewest lets the others go first, for a moment at most. One that has as many as it may ends the one
that has kept it waiting longest.
"""

import asyncio
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
import uvicorn

from inference.admission import Admission
from inference.connection import Connection, Limits
from inference.counts import ABSENT, Counts

# What a sibling needs to wake up, when it is not busy.
COURTESY_SECONDS = 0.002
REFRESH_SECONDS = 0.05
# Out of file descriptors: connections wait in the queue until some are closed.
EXHAUSTED_SECONDS = 0.1
SWEEP_SECONDS = 0.25
# Connections taken in one turn of the event loop, and by one whose siblings do not come.
AT_ONCE, INSISTING = 64, 8

log = structlog.get_logger()


class Door:
    """One worker's way to the shared socket; stands in for asyncio's server."""

    def __init__(
        self, listener: socket.socket, counts: Counts, slot: int,
        protocol: Callable[[], asyncio.Protocol], connections: Callable[[], int],
        room: Callable[[int], bool],
    ) -> None:  # fmt: skip
        self._listener, self._counts, self._slot = listener, counts, slot
        self._protocol, self._connections, self._room = protocol, connections, room
        self._loop = asyncio.get_running_loop()
        self._joining: set[asyncio.Task[object]] = set()
        self._closed = False
        self._refresh()
        self._watch()

    def close(self) -> None:
        """Take no more connections, after those that wait: closing would reset them."""
        self._closed = True
        self._loop.remove_reader(self._listener.fileno())
        self._counts.set(self._slot, ABSENT)
        # A worker that drains is no longer watched: it has a time of its own for that.
        self._counts.beat(self._slot, 0)
        while self._take():
            pass
        self._listener.close()

    async def wait_closed(self) -> None:
        """Connections that were taken have their protocol by now."""
        await asyncio.gather(*self._joining, return_exceptions=True)

    def _refresh(self) -> None:
        if not self._closed:
            self._counts.set(self._slot, self._connections())
            self._counts.beat(self._slot, time.monotonic_ns())
            self._loop.call_later(REFRESH_SECONDS, self._refresh)

    def _watch(self) -> None:
        if not self._closed:
            self._loop.add_reader(self._listener.fileno(), self._knock)

    def _pause(self, seconds: float, then: Callable[[], None]) -> None:
        self._loop.remove_reader(self._listener.fileno())
        self._loop.call_later(seconds, then)

    def _knock(self) -> None:
        """Somebody waits: let a worker with fewer connections go first.

        Many at once, since a busy event loop comes by seldom.
        """
        fewest = self._counts.fewest(self._slot)
        for _ in range(AT_ONCE):
            if fewest is not None and self._connections() + len(self._joining) > fewest:
                self._pause(COURTESY_SECONDS, self._insist)
                return
            if not self._take():
                return

    def _insist(self) -> None:
        """Nobody is let wait for a sibling that does not come."""
        self._watch()
        for _ in range(INSISTING):
            if self._closed or not self._take():
                return

    def _take(self) -> bool:
        """Let one in; whether there was one, and room for it."""
        if not self._room(len(self._joining)):
            self._pause(EXHAUSTED_SECONDS, self._watch)
            return False
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            # A sibling was quicker, or the caller has left.
            return False
        except OSError as error:
            log.error("connection.not_taken", reason=str(error))
            self._pause(EXHAUSTED_SECONDS, self._watch)
            return False
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        joining: asyncio.Task[object] = self._loop.create_task(
            self._loop.connect_accepted_socket(self._protocol, connection)
        )
        self._joining.add(joining)
        joining.add_done_callback(self._joined)
        return True

    def _joined(self, joining: "asyncio.Task[object]") -> None:
        self._joining.discard(joining)
        if not joining.cancelled() and (error := joining.exception()) is not None:
            log.warning("connection.lost", reason=str(error))
        self._counts.set(self._slot, ABSENT if self._closed else self._connections())


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker takes its connections from, and how many it may have."""

    listener: socket.socket
    counts: Counts
    slot: int
    connections: int


class Server(uvicorn.Server):
    """uvicorn behind a door, with bounded connections."""

    def __init__(
        self, config: uvicorn.Config, place: Place, limits: Limits, admission: Admission
    ) -> None:
        super().__init__(config)
        self._place, self._limits, self._admission = place, limits, admission

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then open the door."""
        await super().startup(sockets=sockets or [])
        place, connections = self._place, self.server_state.connections
        door = Door(
            place.listener, place.counts, place.slot, self._connection,
            lambda: len(connections), self._room,
        )  # fmt: skip
        self.servers.append(door)  # type: ignore[arg-type]
        self._sweep()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what has come, and say with each answer that it is the last."""
        self._admission.closing = True
        await super().shutdown(sockets)

    def _connection(self) -> Connection:
        return Connection(
            self.config, self.server_state, self.lifespan.state, self._limits, self._admission
        )

    def _all(self) -> list[Connection]:
        found = [c for c in self.server_state.connections if isinstance(c, Connection)]
        return [c for c in found if not c.transport.is_closing()]

    def _room(self, joining: int) -> bool:
        """Whether one more may come, if need be in place of the one that is closest to its end."""
        most = self._place.connections - joining
        if len(self.server_state.connections) < most:
            return True
        connections, now = self._all(), asyncio.get_running_loop().time()
        if len(connections) < most:
            return True
        oldest = max(connections, key=lambda c: c.age(now), default=None)
        if oldest is None or oldest.age(now) <= 0:
            return False
        oldest.make_room()
        return True

    def _sweep(self) -> None:
        """End what is overdue. One look at all costs less than a timer for each request."""
        loop = asyncio.get_running_loop()
        for connection in self._all():
            if connection.age(loop.time()) > 1:
                connection.expire()
        loop.call_later(SWEEP_SECONDS, self._sweep)
