"""How long a rollback takes while requests flow: order accepted -> last old answer anywhere."""

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backend_api.rules.validation import percentile
from bench import client, versions
from bench.client import Answer
from tests.makers import Registry

CONNECTIONS = 8
ROUNDS = 12
BEFORE, AFTER = 0.5, 1.0


@dataclass(frozen=True)
class Rollbacks:
    """Milliseconds of each round, and how many of all requests failed."""

    milliseconds: list[float]
    requests: int
    failed: int

    @property
    def p50(self) -> float:
        """Median."""
        return percentile(self.milliseconds, 0.5)

    @property
    def worst(self) -> float:
        """With so few rounds the 99th percentile is the slowest one."""
        return max(self.milliseconds)


class Load(threading.Thread):
    """Requests that flow until ``stop``; ``answers`` are complete afterwards."""

    def __init__(self, url: str, bodies: Sequence[dict[str, Any]]) -> None:
        super().__init__(daemon=True)
        self._url, self._bodies, self._over = url, bodies, threading.Event()
        self.answers: list[Answer] = []

    def run(self) -> None:
        """The thread's life."""
        self.answers = client.run(
            client.closed_loop(self._url, self._bodies, CONNECTIONS, self._over.is_set)
        )

    def stop(self) -> list[Answer]:
        """End, and give what was answered."""
        self._over.set()
        self.join()
        return self.answers


def last_old(answers: Sequence[Answer], version: str, since: float) -> float:
    """Milliseconds from ``since`` to the last answer that a version gave.

    Raises:
        ValueError: the version never answered, so nothing was measured.
    """
    old = [a.answered for a in answers if a.status == 200 and _version(a) == version]
    if not old:
        raise ValueError(f"{version} gave no answer before the rollback")
    return max(0.0, (max(old) - since) * 1000)


def _version(answer: Answer) -> str:
    return str(json.loads(answer.body)["version"])


def measure(
    registry: Registry, url: str, bodies: Sequence[dict[str, Any]], bad: str, rounds: int = ROUNDS
) -> Rollbacks:
    """Roll ``bad`` back under load, promote it again, and so on."""
    milliseconds, requests, failed = [], 0, 0
    for turn in range(rounds):
        if turn:
            versions.promote_again(registry, bad)
        load = Load(url, bodies)
        load.start()
        time.sleep(BEFORE)
        ordered = time.monotonic()
        registry.roll_back()
        time.sleep(AFTER)
        answers = load.stop()
        milliseconds.append(last_old(answers, bad, ordered))
        requests += len(answers)
        failed += sum(a.status != 200 for a in answers)
    return Rollbacks(milliseconds, requests, failed)
