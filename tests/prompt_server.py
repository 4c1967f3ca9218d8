"""A server in a thread of the test, which ends the moment it is told to."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

SECONDS = 20


class PromptServer(uvicorn.Server):
    """uvicorn's server looks ten times a second whether to end, and then waits as long again.

    Hundreds of tests start one each, and would wait a minute or two in all.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ready, self._ended = threading.Event(), asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        """Wait for the end."""
        await self.on_tick(0)
        self._loop = asyncio.get_running_loop()
        self._ready.set()
        await self._ended.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End at once where nothing is being answered."""
        if self.server_state.tasks:
            await super().shutdown(sockets)
            return
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await self.lifespan.shutdown()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve as long as the block lasts."""
        thread = threading.Thread(target=self.run, daemon=True)
        thread.start()
        assert self._ready.wait(SECONDS), "the server has not started"
        assert self._loop is not None
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._ended.set)
            thread.join(SECONDS)
