"""Open-loop sending: requests leave when they are due, whether or not earlier ones are answered."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable

import httpx2

from ops.traffic.requests import Asked, Crowd
from ops.traffic.tally import Tally

TIMEOUT = 5.0
# As many may be on their way at once; a request that would be one more is a failure, not a wait.
MOST_OPEN = 500
LOOK_SECONDS = 2.0


class Load:
    """Requests to whatever inference serves, for a time."""

    def __init__(self, url: str, rate: float, seconds: float, crowd: Crowd) -> None:
        self._url, self._rate, self._seconds, self._crowd = url, rate, seconds, crowd
        self.tallies: dict[str, Tally] = defaultdict(Tally)
        self.endpoints: dict[str, str] = {}
        self._open: set[asyncio.Task[None]] = set()

    async def run(self, show: Callable[[float], None]) -> None:
        """Send until the time is over; ``show`` gets the seconds that are left, twice a second."""
        limits = httpx2.Limits(max_connections=MOST_OPEN, max_keepalive_connections=MOST_OPEN)
        async with httpx2.AsyncClient(
            base_url=self._url, timeout=TIMEOUT, limits=limits, trust_env=False
        ) as http:
            helpers = [asyncio.create_task(self._look(http)), asyncio.create_task(self._tell(show))]
            try:
                await self._send(http)
                if self._open:
                    await asyncio.wait(self._open, timeout=TIMEOUT)
            finally:
                for task in [*helpers, *self._open]:
                    task.cancel()

    async def _look(self, http: httpx2.AsyncClient) -> None:
        """Keep knowing what is served; while inference is down, what was."""
        while True:
            try:
                answer = await http.get("/models")
                found = answer.json()["models"]
                self.endpoints = {m["model_name"]: m["endpoint"] for m in found if m["production"]}
            except (httpx2.HTTPError, ValueError, KeyError):
                pass
            await asyncio.sleep(LOOK_SECONDS)

    async def _tell(self, show: Callable[[float], None]) -> None:
        end = time.monotonic() + self._seconds
        while True:
            show(max(0.0, end - time.monotonic()))
            await asyncio.sleep(0.5)

    async def _send(self, http: httpx2.AsyncClient) -> None:
        now = time.monotonic()
        end, due = now + self._seconds, now
        for gap in self._crowd.gaps(self._rate):
            due += gap
            if due > end:
                break
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if self.endpoints:
                self._post(http, self._crowd.ask(list(self.endpoints)))
        await asyncio.sleep(max(0.0, end - time.monotonic()))

    def _post(self, http: httpx2.AsyncClient, asked: Asked) -> None:
        tally = self.tallies[asked.model]
        tally.sent += 1
        if len(self._open) >= MOST_OPEN:
            tally.fail("too many open")
            return
        task = asyncio.create_task(self._ask(http, asked, tally))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _ask(self, http: httpx2.AsyncClient, asked: Asked, tally: Tally) -> None:
        begun = time.perf_counter()
        try:
            answer = await http.post(self.endpoints[asked.model], json=asked.body)
            version = str(answer.json().get("version", ""))
        except (httpx2.HTTPError, ValueError) as error:
            tally.fail(type(error).__name__)
            return
        tally.answer(answer.status_code, version, (time.perf_counter() - begun) * 1000)
