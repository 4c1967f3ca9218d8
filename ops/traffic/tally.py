"""What came of the requests: counts and latencies, by model."""

from collections import Counter, deque
from dataclasses import dataclass, field

RECENT = 20_000


@dataclass
class Tally:
    """One model's answers. Latencies in milliseconds, the newest ``RECENT`` of them."""

    sent: int = 0
    answered: int = 0
    refused: int = 0
    failed: int = 0
    versions: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))

    def answer(self, status: int, version: str, milliseconds: float) -> None:
        """Note an answer: 2xx, 4xx for a request that we should not have sent, else a failure."""
        if status < 400:
            self.answered += 1
            self.versions[version] += 1
            self.latencies.append(milliseconds)
        elif status < 500:
            self.refused += 1
            self.causes[str(status)] += 1
        else:
            self.fail(str(status))

    def fail(self, cause: str) -> None:
        """Note a request that got no good answer."""
        self.failed += 1
        self.causes[cause] += 1

    def percentile(self, share: float) -> float | None:
        """The latency that this share of the answers stayed at or under; ``None`` of none."""
        if not self.latencies:
            return None
        ordered = sorted(self.latencies)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def total(tallies: list[Tally]) -> Tally:
    """All of them together."""
    whole = Tally()
    for one in tallies:
        whole.sent += one.sent
        whole.answered += one.answered
        whole.refused += one.refused
        whole.failed += one.failed
        whole.versions += one.versions
        whole.causes += one.causes
        whole.latencies.extend(one.latencies)
    return whole
