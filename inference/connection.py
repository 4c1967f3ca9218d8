"""One HTTP/1.1 connection, with the limits that uvicorn's own protocol lacks.

uvicorn parses and drains. Here is what keeps one caller from stopping others: a head and a body
must be whole within their size and time before anything is begun, a whole request needs a place,
and an answer that ends a connection reaches its caller.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NoReturn
from urllib.parse import unquote

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from inference import metrics
from inference.admission import Admission, overloaded
from inference.errors import (
    BadRequest,
    HeadTooLarge,
    PayloadTooLarge,
    RequestTimeout,
    ServiceError,
    Unavailable,
)
from inference.exchange import Exchange

# How long the caller of a finished connection is given to read the end of it.
LINGER_SECONDS = 2.0
MOST_HEADERS = 100
# A body in crumbs costs more to put together than to answer.
MOST_CHUNKS = 1000


@dataclass(frozen=True, slots=True)
class Limits:
    """Most that one connection may take: bytes, seconds."""

    head_bytes: int
    head_seconds: float
    body_bytes: int
    body_seconds: float
    idle_seconds: float
    # For callers that are between two requests when the worker stops.
    farewell_seconds: float


class Phase(IntEnum):
    """What is being read. A new connection owes its first head at once."""

    HEAD = 0
    BODY = 1
    IDLE = 2
    LINGER = 3


class Connection(HttpToolsProtocol):
    """uvicorn's protocol, bounded."""

    def __init__(
        self, config: Config, state: ServerState, app_state: dict[str, Any],
        limits: Limits, admission: Admission,
    ) -> None:  # fmt: skip
        super().__init__(config, state, app_state)
        self.admission = admission
        self._limits = limits
        self._seconds = (
            limits.head_seconds, limits.body_seconds, limits.idle_seconds, LINGER_SECONDS,
        )  # fmt: skip
        self._head_bytes = self._chunks = 0
        self._coming: Exchange | None = None
        # Why nothing more is read.
        self._problem: ServiceError | None = None
        self._blocked_at = 0.0
        self._enter(Phase.HEAD)

    def _enter(self, phase: Phase) -> None:
        self._phase, self._since = phase, self.loop.time()

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def ends(self) -> bool:
        """Whether the present answer is the last one."""
        return self.admission.closing and not self.pipeline and self._problem is None

    def age(self, now: float) -> float:
        """Share of its time that is used up; over 1 it is overdue, at 0 an answer is due first."""
        if self.flow.write_paused:
            return (now - self._blocked_at) / self._limits.body_seconds
        if self.busy:
            return 0.0
        hurry = self.admission.closing and self._phase is not Phase.LINGER
        seconds = self._limits.farewell_seconds if hurry else self._seconds[self._phase]
        return (now - self._since) / seconds

    def data_received(self, data: bytes) -> None:
        """Parse, within the limits."""
        if self._phase is Phase.LINGER or self._problem is not None:
            return
        scope = self.scope
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Another protocol was offered; a server may leave that unheard.
            return
        except httptools.HttpParserError as error:
            self.refuse(self._problem or BadRequest(
                f"This is not HTTP/1.1: {str(error)[:100]}.", "Send an HTTP request."
            ))  # fmt: skip
            return
        if self._phase is Phase.HEAD and self.scope is scope:
            # A line without an end, of which the parser tells nobody.
            self._head_bytes += len(data)
            if self._head_bytes > self._limits.head_bytes:
                self.refuse(self._head_too_large())

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._head_bytes = self._chunks = 0
        if self._phase is not Phase.HEAD:
            self._enter(Phase.HEAD)

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        self.url += url
        self._measure(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A whole line of the head; one that follows a body is counted and left unread."""
        if self._coming is None:
            super().on_header(name, value)
        self._measure(len(name) + len(value) + 4)

    def _measure(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self._limits.head_bytes or len(self.headers) > MOST_HEADERS:
            self._stop(self._head_too_large())

    def on_headers_complete(self) -> None:
        """Nothing is begun: a caller who never sends the body must not hold a place."""
        scope, parser = self.scope, self.parser
        scope["http_version"] = version = parser.get_http_version()
        scope["method"] = parser.get_method().decode("ascii")
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        scope["raw_path"], scope["query_string"] = url.path, url.query or b""
        scope["path"] = unquote(path) if "%" in path else path
        for name, value in self.headers:
            if name == b"content-length" and int(value) > self._limits.body_bytes:
                self._stop(self._body_too_large(int(value)))
        if self.expect_100_continue and not self.busy:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        keep_alive = version != "1.0" and parser.should_keep_alive()
        self._coming = Exchange(self, scope, keep_alive)
        self._enter(Phase.BODY)

    def on_chunk_header(self) -> None:
        """One more piece of a body whose length was not told."""
        self._chunks += 1
        if self._chunks > MOST_CHUNKS:
            self._stop(BadRequest(
                f"The body comes in more than {MOST_CHUNKS:,} chunks.", "Send larger ones."
            ))  # fmt: skip

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        assert self._coming is not None
        self._coming.body += body
        if len(self._coming.body) > self._limits.body_bytes:
            self._stop(self._body_too_large(len(self._coming.body)))

    def on_message_complete(self) -> None:
        """The request is whole: it is begun, or waits for the one before it."""
        assert self._coming is not None
        coming, self._coming = self._coming, None
        self._enter(Phase.IDLE)
        if self.busy:
            self.flow.pause_reading()
            self.pipeline.appendleft((coming, self.app))
        else:
            self._begin(coming)

    def _begin(self, exchange: Exchange) -> None:
        """Start on a request if there is a place for it."""
        exchange.begin()
        self.cycle = exchange
        if self.admission.enter(exchange.scope["path"]):
            self._start_asgi_task(exchange, self.app)
        else:
            exchange.refuse(overloaded())

    def on_response_complete(self) -> None:
        """Go on with what waits on this connection, or wait for more."""
        self.server_state.total_requests += 1
        if self.transport.is_closing() or self._phase is Phase.LINGER:
            return
        if self.pipeline:
            # Not from here: a row of refusals would call itself ever deeper.
            self.loop.call_soon(self._next)
            return
        self.flow.resume_reading()
        self._enter(self._phase)
        if self._problem is not None:
            self.refuse(self._problem)

    def _next(self) -> None:
        if self.pipeline and not self.busy and not self.transport.is_closing():
            exchange, _ = self.pipeline.pop()
            assert isinstance(exchange, Exchange)
            self._begin(exchange)

    def pause_writing(self) -> None:
        """The caller does not take what is sent."""
        self._blocked_at = self.loop.time()
        super().pause_writing()

    def eof_received(self) -> bool:  # type: ignore[override]
        """The caller sends nothing more, and may still wait for an answer."""
        if not self.busy:
            return False
        self.cycle.keep_alive = False
        return True

    def _stop(self, problem: ServiceError) -> NoReturn:
        """Leave the parser, from within one of its calls."""
        self._problem = problem
        raise problem

    def refuse(self, problem: ServiceError) -> None:
        """Answer what never became a request, and end the connection."""
        self._problem = problem
        if self.busy or self.pipeline:
            # Answers stay in order: this one follows those that are due.
            return
        if self.scope is None:
            # Not one byte of a request came, only what may precede one.
            super().on_message_begin()
        path = self.scope.get("path", "")
        metrics.REJECTED.labels(self.admission.model(path), str(problem.status)).inc()
        Exchange(self, self.scope, keep_alive=False).refuse(problem)

    def finish(self) -> None:
        """Say that nothing follows, and read on until the caller has left.

        Closing with something unread would take back what was just sent.
        """
        self._enter(Phase.LINGER)
        self.flow.resume_reading()
        self.transport.write_eof()

    def expire(self) -> None:
        """End a connection that was waited for long enough."""
        metrics.CONNECTIONS_ENDED.labels(self._phase.name.lower()).inc()
        if self._phase is Phase.LINGER or self.transport.get_write_buffer_size():
            self.transport.abort()
        elif self._phase is Phase.IDLE or self.scope is None:
            self.finish()
        elif self.admission.closing:
            self.refuse(Unavailable("This worker stops.", "Send it again."))
        else:
            part, seconds = self._phase.name.lower(), self._seconds[self._phase]
            self.refuse(
                RequestTimeout(f"The {part} was not whole within {seconds:g} s.", "Send it again.")
            )

    def make_room(self) -> None:
        """End it at once, for a newer one's sake."""
        metrics.CONNECTIONS_ENDED.labels("room").inc()
        if self._phase in (Phase.HEAD, Phase.BODY) and self.scope is not None:
            self.refuse(Unavailable("This worker has too many connections.", "Send it again."))
        self.transport.close()

    def shutdown(self) -> None:
        """The worker stops: ``age`` runs fast from now on, and each answer is the last."""
        self._enter(self._phase)

    def _head_too_large(self) -> HeadTooLarge:
        return HeadTooLarge(
            f"Address and headers may have {self._limits.head_bytes:,} bytes and {MOST_HEADERS}"
            " lines.", "Send fewer or shorter ones.",
        )  # fmt: skip

    def _body_too_large(self, size: int) -> PayloadTooLarge:
        return PayloadTooLarge(
            f"The body has {size:,} bytes or more; at most {self._limits.body_bytes:,} are read.",
            "Send less.",
        )
