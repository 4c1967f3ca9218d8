"""Bounded admission: what comes past the bound is told so at once, so that the rest is in time.

A refusal costs a fraction of a prediction, since it is written before anything is decoded. So a
worker that is asked three times what it can do still answers most of what it can.
"""

from collections.abc import Mapping
from time import perf_counter

from inference import metrics
from inference.catalogue import Entry
from inference.errors import Overloaded

# Whoever asks whether a full worker is alive gets an answer; a prober must not kill a busy one.
OPERATIONAL = ("/health", "/metrics", "/v2/health/")
RESERVE = 16
RETRY_SECONDS = 1
# A queue this short is answered sooner than its callers would be back, however late it is: a
# worker that the machine kept from running for a moment refuses nobody.
SHORT = 4


class Admission:
    """The places of one worker: one for each whole request, from its last byte to its answer."""

    def __init__(self, places: int, patience_ms: float, entries: Mapping[str, Entry]) -> None:
        self.taken = 0
        # All that ever took a place.
        self.entered = 0
        # Set when the worker stops: each connection's next answer is its last.
        self.closing = False
        self.places = places
        self._patience = patience_ms / 1000
        self._names = {entry.endpoint: name for name, entry in entries.items()}
        self._names |= {f"/predict/{name}": name for name in entries}

    def enter(self, path: str) -> bool:
        """Take a place; ``False``, and counted, when there is none."""
        if self.taken < self.places or (
            self.taken < self.places + RESERVE and path.startswith(OPERATIONAL)
        ):
            self.taken += 1
            self.entered += 1
            return True
        metrics.REJECTED.labels(self.model(path), str(Overloaded.status)).inc()
        return False

    def leave(self) -> None:
        """Give a place back."""
        self.taken -= 1

    def model(self, path: str) -> str:
        """The model that a path predicts with, for counting; ``unknown`` if none."""
        if path.startswith("/v2/models/"):
            path = "/predict/" + path.split("/", 4)[3]
        return self._names.get(path, "unknown")

    def in_time(self, arrived: float) -> None:
        """Pass while a request that was whole at ``arrived`` (``perf_counter``) is worth the work.

        Raises:
            Overloaded: it has waited too long for its turn.
        """
        if self.taken > SHORT and perf_counter() - arrived > self._patience:
            raise overloaded()


def overloaded() -> Overloaded:
    """The refusal."""
    return Overloaded(
        "This worker has as many requests as it can answer in time.",
        f"Send it again after {RETRY_SECONDS} s; more workers or hosts take more.",
    )
