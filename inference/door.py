"""Takes connections from the queue that all workers share, so that each worker gets its part.

Left alone, whichever worker wakes first takes all that wait, and long-lived connections keep it
that way. So each worker writes down how many connections it has, and one that has more than the
fewest lets the others go first, for a moment at most.
"""

import asyncio
import socket
from collections.abc import Callable

import structlog
import uvicorn

from inference.counts import ABSENT, Counts

# What a sibling needs to wake up, when it is not busy.
COURTESY_SECONDS = 0.002
REFRESH_SECONDS = 0.05
# Out of file descriptors: connections wait in the queue until some are closed.
EXHAUSTED_SECONDS = 0.1

log = structlog.get_logger()


class Door:
    """One worker's way to the shared socket; stands in for asyncio's server."""

    def __init__(
        self, listener: socket.socket, counts: Counts, slot: int,
        protocol: Callable[[], asyncio.Protocol], connections: Callable[[], int],
    ) -> None:  # fmt: skip
        self._listener, self._counts, self._slot = listener, counts, slot
        self._protocol, self._connections = protocol, connections
        self._loop = asyncio.get_running_loop()
        self._joining: set[asyncio.Task[object]] = set()
        self._closed = False
        self._refresh()
        self._watch()

    def close(self) -> None:
        """Take no more connections."""
        self._closed = True
        self._loop.remove_reader(self._listener.fileno())
        self._counts.set(self._slot, ABSENT)
        self._listener.close()

    async def wait_closed(self) -> None:
        """Connections that were taken have their protocol by now."""
        await asyncio.gather(*self._joining, return_exceptions=True)

    def _refresh(self) -> None:
        if not self._closed:
            self._counts.set(self._slot, self._connections())
            self._loop.call_later(REFRESH_SECONDS, self._refresh)

    def _watch(self) -> None:
        if not self._closed:
            self._loop.add_reader(self._listener.fileno(), self._knock)

    def _pause(self, seconds: float, then: Callable[[], None]) -> None:
        self._loop.remove_reader(self._listener.fileno())
        self._loop.call_later(seconds, then)

    def _knock(self) -> None:
        """Somebody waits: let a worker with fewer connections go first."""
        fewest = self._counts.fewest(self._slot)
        if fewest is not None and self._connections() + len(self._joining) > fewest:
            self._pause(COURTESY_SECONDS, self._insist)
        else:
            self._take()

    def _insist(self) -> None:
        """Nobody is let wait for a sibling that does not come."""
        self._watch()
        if not self._closed:
            self._take()

    def _take(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            # A sibling was quicker, or the caller has left.
            return
        except OSError as error:
            log.error("connection.not_taken", reason=str(error))
            self._pause(EXHAUSTED_SECONDS, self._watch)
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        joining: asyncio.Task[object] = self._loop.create_task(
            self._loop.connect_accepted_socket(self._protocol, connection)
        )
        self._joining.add(joining)
        joining.add_done_callback(self._joined)

    def _joined(self, joining: "asyncio.Task[object]") -> None:
        self._joining.discard(joining)
        if not joining.cancelled() and (error := joining.exception()) is not None:
            log.warning("connection.lost", reason=str(error))
        self._counts.set(self._slot, ABSENT if self._closed else self._connections())


class Server(uvicorn.Server):
    """uvicorn behind a door."""

    def __init__(
        self, config: uvicorn.Config, listener: socket.socket, counts: Counts, slot: int
    ) -> None:
        super().__init__(config)
        self._listener, self._shared_counts, self._slot = listener, counts, slot

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then open the door."""
        await super().startup(sockets=sockets or [])
        config, state = self.config, self.server_state

        def protocol() -> asyncio.Protocol:
            made: asyncio.Protocol = config.http_protocol_class(  # type: ignore[call-arg]
                config=config, server_state=state, app_state=self.lifespan.state
            )
            return made

        door = Door(
            self._listener, self._shared_counts, self._slot, protocol,
            lambda: len(state.connections),
        )  # fmt: skip
        self.servers.append(door)  # type: ignore[arg-type]
