"""Latency while versions are fetched, verified, loaded and warmed beside the traffic.

A machine that is not ours alone stands still for a while now and then, and one such while decides
the 99th percentile of all that was asked. So each load stands beside two quiet windows of its own
length, each window has a percentile of its own, and medians over many windows are compared. How far
the two quiet ones differ is what the machine does by itself.
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from typing import Any

from backend_api.rules.validation import percentile
from bench import client
from bench.client import Answer

# Between windows, so that none has what another left to do.
SETTLE_SECONDS = 0.2

Window = tuple[float, float]


@dataclass(frozen=True)
class Loading:
    """99th percentiles in milliseconds at ``rate`` per second, one for each window: while a load
    was done, and in two quiet windows as long as that load."""

    rate: float
    loading_ms: Sequence[float]
    quiet_ms: Sequence[float]
    again_ms: Sequence[float]
    failed: int

    @property
    def added(self) -> float:
        """Share by which loading made the median window's percentile longer."""
        quiet = statistics.median([*self.quiet_ms, *self.again_ms])
        return statistics.median(self.loading_ms) / quiet - 1

    @property
    def by_itself(self) -> float:
        """The same of the second quiet windows beside the first: no load, only the machine."""
        return statistics.median(self.again_ms) / statistics.median(self.quiet_ms) - 1


class Traffic:
    """An open loop in a process of its own, which nothing that is done here keeps waiting."""

    def __init__(self, url: str, bodies: Sequence[dict[str, Any]], rate: float) -> None:
        apart = multiprocessing.get_context("spawn")
        self._over = apart.Event()
        self._pipe, theirs = apart.Pipe()
        self._process = apart.Process(
            target=_flow, args=(theirs, self._over, url, list(bodies), rate), daemon=True
        )
        self._process.start()
        self._pipe.recv()

    def stop(self) -> list[Answer]:
        """End, and give what was answered, without the bodies."""
        self._over.set()
        answers: list[Answer] = self._pipe.recv()
        self._process.join()
        return answers


def _flow(
    pipe: Connection, over: Event, url: str, bodies: list[dict[str, Any]], rate: float
) -> None:
    pipe.send("begins")
    answers = client.run(client.open_loop(url, bodies, rate, over.is_set))
    pipe.send([replace(answer, body=b"") for answer in answers])


def measure(
    url: str, bodies: Sequence[dict[str, Any]], rate: float, loads: Sequence[Callable[[], None]]
) -> Loading:
    """Two quiet windows after each load; each load returns once it is done."""
    traffic = Traffic(url, bodies, rate)
    seen: list[Window] = []
    for load in loads:
        time.sleep(SETTLE_SECONDS)
        began = time.monotonic()
        load()
        seen.append((began, time.monotonic()))
        for _ in range(2):
            time.sleep(SETTLE_SECONDS)
            quiet = time.monotonic()
            time.sleep(seen[-1][1] - seen[-1][0])
            seen.append((quiet, time.monotonic()))
    answers = traffic.stop()
    found = [_p99(answers, window) for window in seen]
    return Loading(
        rate=rate,
        loading_ms=found[::3],
        quiet_ms=found[1::3],
        again_ms=found[2::3],
        failed=sum(answer.status != 200 for answer in answers),
    )


def _p99(answers: Sequence[Answer], window: Window) -> float:
    began, over = window
    asked = [a for a in answers if a.status == 200 and began <= a.sent <= over]
    return percentile([(a.answered - a.sent) * 1000 for a in asked], 0.99)
