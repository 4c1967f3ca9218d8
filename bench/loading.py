"""Latency while versions are fetched, verified, loaded and warmed beside the traffic."""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from typing import Any

from backend_api.rules.validation import percentile
from bench import client
from bench.client import Answer

QUIET_SECONDS = 1.5


@dataclass(frozen=True)
class Loading:
    """99th percentiles in milliseconds at ``rate`` per second; ``loads`` were done meanwhile."""

    rate: float
    quiet_ms: float
    loading_ms: float
    loads: int
    failed: int

    @property
    def added(self) -> float:
        """Share by which loading made the 99th percentile longer."""
        return self.loading_ms / self.quiet_ms - 1


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
    """A quiet while before each load; each load returns once it is done."""
    traffic = Traffic(url, bodies, rate)
    busy: list[tuple[float, float]] = []
    for load in loads:
        time.sleep(QUIET_SECONDS)
        began = time.monotonic()
        load()
        busy.append((began, time.monotonic()))
    answers = traffic.stop()
    good = [a for a in answers if a.status == 200]
    beside = [a for a in good if any(began <= a.sent <= over for began, over in busy)]
    quiet = [a for a in good if not any(began <= a.answered and a.sent <= over
                                        for began, over in busy)]  # fmt: skip
    return Loading(
        rate=rate,
        quiet_ms=_p99(quiet),
        loading_ms=_p99(beside),
        loads=len(busy),
        failed=len(answers) - len(good),
    )


def _p99(answers: Sequence[Answer]) -> float:
    return percentile([(a.answered - a.sent) * 1000 for a in answers], 0.99)
