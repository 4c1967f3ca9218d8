"""Three times what a worker can do: how many it answers, how late, and how many it refuses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench import client, predict
from bench.predict import Pace

TIMES = 3
SECONDS = 6.0


@dataclass(frozen=True)
class Overload:
    """``capacity`` is the closed loop's rate, ``offered`` what was really sent per second,
    ``accepted`` what was answered; ``refused`` and ``broken`` are counts."""

    capacity: float
    offered: float
    accepted: Pace
    refused: int
    broken: int


def measure(url: str, bodies: Sequence[dict[str, Any]]) -> Overload:
    """Capacity first, then the open loop at a multiple of it."""
    capacity = predict.closed(url, bodies, predict.CONNECTIONS, predict.SECONDS).rate
    until = client.for_seconds(SECONDS)
    answers = client.run(client.open_loop(url, bodies, capacity * TIMES, until, from_due=False))
    good = [a for a in answers if a.status == 200]
    refused = sum(a.status == 429 for a in answers)
    return Overload(
        capacity=capacity,
        offered=len(answers) / SECONDS,
        accepted=predict.measured(good, SECONDS),
        refused=refused,
        broken=len(answers) - len(good) - refused,
    )
