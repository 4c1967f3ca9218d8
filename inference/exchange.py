"""One request and its answer on a connection."""

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING

import orjson
from uvicorn._types import ASGI3Application, ASGISendEvent, HTTPResponseStartEvent, HTTPScope
from uvicorn.protocols.http.httptools_impl import (
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)

from inference.errors import ServiceError

if TYPE_CHECKING:
    from inference.connection import Connection


class Exchange(RequestResponseCycle):
    """uvicorn's cycle for a request that is whole, with head and body of its answer in one write.

    Two writes are two packets, and wake up the caller twice.
    """

    def __init__(self, connection: "Connection", scope: HTTPScope, keep_alive: bool) -> None:
        super().__init__(
            scope=scope, transport=connection.transport, flow=connection.flow,
            logger=connection.logger, access_logger=connection.access_logger, access_log=False,
            default_headers=connection.server_state.default_headers,
            message_event=asyncio.Event(), expect_100_continue=False, keep_alive=keep_alive,
            on_response=connection.on_response_complete,
        )  # fmt: skip
        self._connection = connection
        self._head: HTTPResponseStartEvent | None = None

    def begin(self) -> None:
        """All of it is here: note the time for whoever asks how long it has waited."""
        self.more_body = False
        self.message_event.set()
        self.scope["state"]["arrived"] = perf_counter()

    async def run_asgi(self, app: ASGI3Application) -> None:
        """Answer, and give the place back."""
        try:
            await super().run_asgi(app)
        finally:
            self._connection.admission.leave()

    async def send(self, message: ASGISendEvent) -> None:
        """Hold the head back until there is a body to go with it."""
        if message["type"] == "http.response.start" and not self.response_started:
            self._head = message
            return
        head, self._head = self._head, None
        if head is not None:
            if self.flow.write_paused and not self.disconnected:
                await self.flow.drain()
            self.keep_alive = self.keep_alive and not self._connection.ends
            if message["type"] == "http.response.body" and self._is_whole(head, message):
                if not self.disconnected:
                    self._write(head, message.get("body", b""))
                return
            await super().send(head)
        await super().send(message)

    def _is_whole(self, head: HTTPResponseStartEvent, message: ASGISendEvent) -> bool:
        return (
            not message.get("more_body", False)
            and self.scope["method"] != "HEAD"
            and any(name == b"content-length" for name, _ in head["headers"])
        )

    def _write(self, head: HTTPResponseStartEvent, body: bytes) -> None:
        parts = [STATUS_LINE[head["status"]]]
        for name, value in [*self.default_headers, *head["headers"]]:
            if HEADER_VALUE_RE.search(value):
                raise RuntimeError(f"The value of {name!r} is no HTTP header's.")
            if name == b"connection":
                self.keep_alive = False
            else:
                parts += (name, b": ", value, b"\r\n")
        parts += (b"\r\n", body) if self.keep_alive else (b"connection: close\r\n\r\n", body)
        self.transport.write(b"".join(parts))
        self.response_started = self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self._connection.finish()
        self.on_response()

    def refuse(self, error: ServiceError) -> None:
        """Answer in place of the application."""
        self.keep_alive = self.keep_alive and not self._connection.ends
        self._write(*rendered(error))


def rendered(error: ServiceError) -> tuple[HTTPResponseStartEvent, bytes]:
    """Head and body of an error in the one shape."""
    content = orjson.dumps(error.body)
    headers = [
        (b"content-type", b"application/json"), (b"content-length", b"%d" % len(content)),
        *error.headers,
    ]  # fmt: skip
    return {"type": "http.response.start", "status": error.status, "headers": headers}, content
