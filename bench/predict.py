"""Predict throughput and latency, against bare Starlette and ONNX Runtime in turn."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backend_api.rules.validation import percentile
from bench import client
from bench.client import Answer

CONNECTIONS = 16
TURNS = 3
SECONDS = 1.5
WARM_UP = 0.5
# Of what the service did in the closed loop.
OPEN_LOAD = 0.5
OPEN_SECONDS = 3.0


@dataclass(frozen=True)
class Pace:
    """Answers per second, their median and 99th percentile in milliseconds, and failures."""

    rate: float
    p50_ms: float
    p99_ms: float
    failed: int


@dataclass(frozen=True)
class Comparison:
    """The service beside the floor; medians over the turns."""

    model: str
    load: str
    service: Pace
    floor: Pace
    rate_ratio: float
    p50_ratio: float


def measured(answers: Sequence[Answer], seconds: float) -> Pace:
    """What a load of so many seconds gave."""
    good = [(a.answered - a.sent) * 1000 for a in answers if a.status == 200]
    return Pace(
        rate=len(good) / seconds,
        p50_ms=percentile(good, 0.5) if good else float("nan"),
        p99_ms=percentile(good, 0.99) if good else float("nan"),
        failed=len(answers) - len(good),
    )


def closed(url: str, bodies: Sequence[dict[str, Any]], connections: int, seconds: float) -> Pace:
    """Closed loop for some seconds."""
    until = client.for_seconds(seconds)
    return measured(client.run(client.closed_loop(url, bodies, connections, until)), seconds)


def opened(url: str, bodies: Sequence[dict[str, Any]], rate: float, seconds: float) -> Pace:
    """Open loop for some seconds."""
    until = client.for_seconds(seconds)
    return measured(client.run(client.open_loop(url, bodies, rate, until)), seconds)


def _median(paces: Sequence[Pace]) -> Pace:
    return Pace(
        rate=statistics.median(p.rate for p in paces),
        p50_ms=statistics.median(p.p50_ms for p in paces),
        p99_ms=statistics.median(p.p99_ms for p in paces),
        failed=sum(p.failed for p in paces),
    )


def _compared(model: str, load: str, pairs: Sequence[tuple[Pace, Pace]]) -> Comparison:
    return Comparison(
        model=model,
        load=load,
        service=_median([ours for ours, _ in pairs]),
        floor=_median([bare for _, bare in pairs]),
        rate_ratio=statistics.median(a.rate / b.rate for a, b in pairs),
        p50_ratio=statistics.median(a.p50_ms / b.p50_ms for a, b in pairs),
    )


def compare(
    model: str, service: str, floor: str, bodies: Sequence[dict[str, Any]]
) -> list[Comparison]:
    """Both in turn, so that a machine whose speed drifts treats them alike."""
    found = []
    for connections in (CONNECTIONS, 1):
        for url in (service, floor):
            closed(url, bodies, connections, WARM_UP)
        pairs = [
            (closed(service, bodies, connections, SECONDS),
             closed(floor, bodies, connections, SECONDS))
            for _ in range(TURNS)
        ]  # fmt: skip
        many = f"{connections} connections" if connections > 1 else "1 connection"
        found.append(_compared(model, many, pairs))
    rate = found[0].service.rate * OPEN_LOAD
    pair = (opened(service, bodies, rate, OPEN_SECONDS), opened(floor, bodies, rate, OPEN_SECONDS))
    found.append(_compared(model, f"open, {rate:,.0f}/s", [pair]))
    return found
