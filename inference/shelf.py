"""Versions in memory, and the one thread that loads them beside the serving one."""

import queue
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import structlog

from inference import memory
from inference.artefacts import FetchError
from inference.cache import Cache
from inference.models import ArtefactError, Model
from inference.routing import Key, Version

FIRST_RETRY, LAST_RETRY = 1.0, 60.0

log = structlog.get_logger()


@dataclass
class Entry:
    """One version's place: ``model`` once it is ready; ``error`` why the newest load failed."""

    version: Version
    model: Model | None = None
    error: str | None = None
    loading: bool = False
    failures: int = 0
    retry_at: float = 0.0
    used_at: float = 0.0
    # What its load added to the process, other work at that moment included.
    memory_bytes: int | None = None

    @property
    def state(self) -> str:
        """loading, ready or failed."""
        if self.model is not None:
            return "ready" if self.model.trouble is None else "failed"
        return "failed" if self.error is not None else "loading"

    @property
    def reason(self) -> str | None:
        """Why the newest load failed, or why what was loaded cannot answer now."""
        return self.error or (self.model.trouble if self.model is not None else None)


class Shelf:
    """What is in memory. All but the loading is done by the thread that follows the routing."""

    def __init__(
        self, cache: Cache, size: int, load: Callable[[str, Path], Model],
        changed: Callable[[], None],
    ) -> None:  # fmt: skip
        self._cache = cache
        self._run = load
        self._size = size
        self._changed = changed
        self._orders: queue.SimpleQueue[tuple[Key, Entry, Future[None]]] = queue.SimpleQueue()
        self.entries: dict[Key, Entry] = {}
        # One at a time: a load shares the processor with requests.
        threading.Thread(target=self._load_all, name="loader", daemon=True).start()

    def ready(self) -> dict[Key, Model]:
        """All versions that can answer."""
        return {key: e.model for key, e in self.entries.items() if e.model is not None}

    def want(self, key: Key, version: Version, now: float) -> None:
        """See to it that a version is loaded; one that failed is tried again when it is due."""
        entry = self.entries.setdefault(key, Entry(version))
        entry.used_at = now
        if entry.model is None and not entry.loading and now >= entry.retry_at:
            self.load(key)

    def load(self, key: Key) -> "Future[None]":
        """Load a known version anew; what is in memory serves until that has succeeded."""
        entry = self.entries[key]
        entry.loading = True
        done: Future[None] = Future()
        self._orders.put((key, entry, done))
        return done

    def next_retry(self) -> float | None:
        """When the next failed load is due (monotonic seconds)."""
        due = [e.retry_at for e in self.entries.values() if e.model is None and not e.loading]
        return min(due, default=None)

    def evict(self, pinned: Collection[Key], size: int | None = None) -> list[Key]:
        """Forget the least recently used versions past the size, never a pinned one.

        What is neither needed nor in memory goes at once.
        """
        loose = sorted(
            (key for key, e in self.entries.items() if key not in pinned and not e.loading),
            key=lambda key: (self.entries[key].model is not None, self.entries[key].used_at),
        )
        unfit = sum(self.entries[key].model is None for key in loose)
        over = len(self.entries) - (self._size if size is None else size)
        gone = loose[: max(unfit, over)]
        for key in gone:
            del self.entries[key]
        return gone

    def _load_all(self) -> None:
        while True:
            key, entry, done = self._orders.get()
            begun, held = time.monotonic(), memory.resident()
            try:
                entry.model = self._run(key.model, self._cache.get(key, entry.version))
            except (ArtefactError, FetchError) as error:
                self._failed(key, entry, str(error))
            # A broken artefact must not end the thread that loads all others.
            except Exception as error:
                log.exception("model.load_broke", model=key.model, version=key.version)
                self._failed(key, entry, f"{type(error).__name__}: {error}")
            else:
                entry.error, entry.failures = None, 0
                pid = entry.model.pid
                grown = memory.resident() - held + (memory.resident(pid) if pid else 0)
                entry.memory_bytes = max(0, grown)
                log.info(
                    "model.ready", model=key.model, version=key.version,
                    seconds=round(time.monotonic() - begun, 2),
                    answer_ms=round(entry.model.milliseconds, 2),
                )  # fmt: skip
            entry.loading = False
            done.set_result(None)
            self._changed()

    def _failed(self, key: Key, entry: Entry, reason: str) -> None:
        entry.error = reason
        entry.failures += 1
        pause = min(LAST_RETRY, FIRST_RETRY * 2 ** (entry.failures - 1))
        entry.retry_at = time.monotonic() + pause
        log.error("model.not_loaded", model=key.model, version=key.version, reason=reason)
