"""Predict throughput and latency, against bare Starlette and ONNX Runtime in turn."""

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backend_api.rules.validation import percentile
from bench import client

CONNECTIONS = 16
TURNS = 5
SECONDS = 4.0
WARM_UP = 1.0


@dataclass(frozen=True)
class Pace:
    """One turn: answers per second, median and 99th percentile in milliseconds, failures."""

    rate: float
    p50_ms: float
    p99_ms: float
    failed: int


@dataclass(frozen=True)
class Comparison:
    """The service beside the floor at one number of connections; medians over the turns."""

    connections: int
    service: Pace
    floor: Pace
    rate_ratio: float
    p50_ratio: float


def pace(url: str, bodies: Sequence[dict[str, Any]], connections: int, seconds: float) -> Pace:
    """Closed loop for some seconds."""
    answers = asyncio.run(client.load(url, bodies, connections, client.for_seconds(seconds)))
    good = [(a.answered - a.sent) * 1000 for a in answers if a.status == 200]
    return Pace(
        rate=len(good) / seconds,
        p50_ms=percentile(good, 0.5) if good else float("nan"),
        p99_ms=percentile(good, 0.99) if good else float("nan"),
        failed=len(answers) - len(good),
    )


def _median(paces: Sequence[Pace]) -> Pace:
    return Pace(
        rate=statistics.median(p.rate for p in paces),
        p50_ms=statistics.median(p.p50_ms for p in paces),
        p99_ms=statistics.median(p.p99_ms for p in paces),
        failed=sum(p.failed for p in paces),
    )


def compare(
    service: str, floor: str, bodies: Sequence[dict[str, Any]], connections: int
) -> Comparison:
    """Both in turn, so that a machine whose speed drifts treats them alike."""
    for url in (service, floor):
        pace(url, bodies, connections, WARM_UP)
    ours, bare = [], []
    for _ in range(TURNS):
        ours.append(pace(service, bodies, connections, SECONDS))
        bare.append(pace(floor, bodies, connections, SECONDS))
    pairs = list(zip(ours, bare, strict=True))
    return Comparison(
        connections=connections,
        service=_median(ours),
        floor=_median(bare),
        rate_ratio=statistics.median(a.rate / b.rate for a, b in pairs),
        p50_ratio=statistics.median(a.p50_ms / b.p50_ms for a, b in pairs),
    )
