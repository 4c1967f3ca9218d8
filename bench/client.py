"""HTTP/1.1 load that costs little, so that the server is what is measured.

Closed loop: each of so many connections sends its next request when it has its answer. Open loop:
requests are due at moments that no answer changes, and each is timed from when it was due, so that
a server that stalls is not spared the requests that it kept waiting. With far more than it can do,
that would time this client's own queue; then each is timed from when it was sent.
"""

import asyncio
import gc
import json
import random
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import uvloop

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length: "
# More than this many wait for answers only when the server is far behind.
MOST_CONNECTIONS = 512
PATIENCE_SECONDS = 10.0
SEED = 7
SLOT_SECONDS = 0.001


@dataclass(frozen=True)
class Answer:
    """One request: when it was sent (or due) and answered, monotonic seconds; status, 0 for a
    broken connection; and body."""

    sent: float
    answered: float
    status: int
    body: bytes


def requests_of(url: str, bodies: Sequence[dict[str, Any]]) -> list[bytes]:
    """Ready-made POST requests."""
    parts = urlsplit(url)
    made = []
    for body in bodies:
        content = json.dumps(body).encode()
        head = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        made.append(head.encode() + content)
    return made


class Exchange(asyncio.Protocol):
    """A connection that carries one request at a time."""

    def __init__(self, seen: list[Answer], done: Callable[["Exchange"], None]) -> None:
        self._seen, self._done = seen, done
        self._transport: asyncio.Transport | None = None
        self._sent: float | None = None
        self._rest = b""

    @property
    def open(self) -> bool:
        """Whether a request can be sent."""
        return self._transport is not None

    def ask(self, request: bytes, since: float) -> None:
        """Send a request that is timed from ``since``."""
        assert self._transport is not None
        self._sent = since
        self._transport.write(request)

    def close(self) -> None:
        """Leave."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The server has accepted."""
        # uvloop's is none by descent.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """A part of an answer, mostly all of it."""
        self._rest += data
        head, found, body = self._rest.partition(HEAD_END)
        if not found:
            return
        lowered = head.lower()
        at = lowered.find(LENGTH) + len(LENGTH)
        length = int(lowered[at : at + 12].split(b"\r\n", 1)[0])
        if len(body) < length:
            return
        self._rest = b""
        if b"connection: close" in lowered:
            self.close()
        self._note(int(head[9:12]), body)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The server has closed; a request without an answer is lost."""
        self._transport = None
        if self._sent is not None:
            self._note(0, b"")

    def _note(self, status: int, body: bytes) -> None:
        if self._sent is not None:
            self._seen.append(Answer(self._sent, time.monotonic(), status, body))
            self._sent = None
            self._done(self)


async def _connect(url: str, seen: list[Answer], done: Callable[[Exchange], None]) -> Exchange:
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    _, made = await loop.create_connection(
        lambda: Exchange(seen, done), parts.hostname or "", parts.port or 80
    )
    return made


async def _one(
    url: str, requests: list[bytes], start: int, until: Callable[[], bool], seen: list[Answer]
) -> None:
    """Keep one connection busy, anew whenever it breaks."""
    turn = start
    over = asyncio.Event()

    def go_on(exchange: Exchange) -> None:
        nonlocal turn
        if until() or not exchange.open:
            over.set()
            return
        turn += 1
        exchange.ask(requests[turn % len(requests)], time.monotonic())

    while not until():
        over.clear()
        begun = time.monotonic()
        try:
            exchange = await _connect(url, seen, go_on)
        except OSError:
            seen.append(Answer(begun, time.monotonic(), 0, b""))
            await asyncio.sleep(0.01)
            continue
        go_on(exchange)
        await over.wait()
        exchange.close()


async def closed_loop(
    url: str, bodies: Sequence[dict[str, Any]], connections: int, until: Callable[[], bool]
) -> list[Answer]:
    """Keep ``connections`` busy until told to stop; every answer in the order of its arrival."""
    requests = requests_of(url, bodies)
    seen: list[Answer] = []
    await asyncio.gather(
        *(_one(url, requests, 7 * number, until, seen) for number in range(connections))
    )
    return seen


class _Pool:
    """Connections of an open loop: as many as there are requests without an answer."""

    def __init__(self, url: str, from_due: bool) -> None:
        self.seen: list[Answer] = []
        self._url, self._from_due = url, from_due
        self._free: list[Exchange] = []
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._count = 0
        self._opening: set[asyncio.Task[None]] = set()

    def send(self, due: float, request: bytes) -> None:
        """On a free connection, or on a new one."""
        while self._free and not self._free[-1].open:
            self._free.pop()
            self._count -= 1
        if self._free:
            self._ask(self._free.pop(), due, request)
            return
        self._waiting.append((due, request))
        if self._count < MOST_CONNECTIONS:
            self._count += 1
            task = asyncio.get_running_loop().create_task(self._open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self) -> None:
        self._take(await _connect(self._url, self.seen, self._take))

    def _take(self, exchange: Exchange) -> None:
        if not exchange.open:
            self._count -= 1
        elif self._waiting:
            self._ask(exchange, *self._waiting.popleft())
        else:
            self._free.append(exchange)

    def _ask(self, exchange: Exchange, due: float, request: bytes) -> None:
        exchange.ask(request, due if self._from_due else time.monotonic())

    async def settle(self, sent: int) -> None:
        """Wait a while for the last answers."""
        patience = time.monotonic() + PATIENCE_SECONDS
        while len(self.seen) < sent and time.monotonic() < patience:
            await asyncio.sleep(0.01)


async def open_loop(
    url: str, bodies: Sequence[dict[str, Any]], per_second: float, until: Callable[[], bool],
    from_due: bool = True,
) -> list[Answer]:  # fmt: skip
    """Requests by a Poisson process of ``per_second`` until told to stop."""
    requests = requests_of(url, bodies)
    chance = random.Random(SEED)
    pool = _Pool(url, from_due)
    sent, due = 0, time.monotonic()
    while not until():
        now = time.monotonic()
        while due <= now:
            pool.send(due, requests[sent % len(requests)])
            sent += 1
            due += chance.expovariate(per_second)
        # Not by turning round until it is due: that would take the processor from the server.
        await asyncio.sleep(max(SLOT_SECONDS, due - now))
    await pool.settle(sent)
    return pool.seen


def run(load: Coroutine[Any, Any, list[Answer]]) -> list[Answer]:
    """Carry out a load in this thread."""
    # A round over hundreds of thousands of answers is a third of a second in which this client
    # reads none, and the service would be blamed for it.
    gc.disable()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(load)
    finally:
        gc.enable()


def for_seconds(seconds: float) -> Callable[[], bool]:
    """True once the time is over."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end
