"""Follows the routing: told by NOTIFY, and looking every few seconds in case it was not."""

import os
import queue
import select
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

import structlog

from inference import database, memory, metrics
from inference.cache import Cache
from inference.database import Acknowledgement, Connection
from inference.rotation import Rotation
from inference.routing import Key
from inference.settings import InferenceSettings
from inference.shelf import Shelf

PRUNE_EVERY_SECONDS = 600.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 2.0

NOTHING: "Future[None]" = Future()
NOTHING.set_result(None)

log = structlog.get_logger()


class Bell:
    """Wakes a thread that waits for a file descriptor."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)

    def ring(self) -> None:
        """May be called by any thread, and is never waited for."""
        try:
            os.write(self._write, b"!")
        except BlockingIOError:
            return

    def wait(self, seconds: float, *others: int) -> None:
        """Until rung, or another descriptor can be read, or the time is over."""
        ready, _, _ = select.select([self._read, *others], [], [], max(0.0, seconds))
        if self._read in ready:
            os.read(self._read, 4096)


@dataclass(frozen=True)
class Cleared:
    """Versions that went from memory, and those that a route needs."""

    evicted: list[Key]
    kept: list[Key]


class Follower(threading.Thread):
    """The one thread that decides what this worker serves."""

    def __init__(
        self, settings: InferenceSettings, slot: int, rotation: Rotation, shelf: Shelf,
        cache: Cache, bell: Bell, rehearse: Callable[[str], None],
    ) -> None:  # fmt: skip
        super().__init__(name="follower", daemon=True)
        self.replica = settings.replica(slot)
        self.connected = False
        self._settings = settings
        self._rotation, self._shelf, self._cache, self._bell = rotation, shelf, cache, bell
        self._rehearse = rehearse
        self._orders: queue.SimpleQueue[Callable[[Connection | None], None]] = queue.SimpleQueue()
        self._reloads: list[tuple[Future[None], Future[None]]] = []
        self._said: dict[str, Acknowledgement] = {}
        self._stopping = threading.Event()
        # Whether PostgreSQL was asked once, with whatever outcome.
        self._asked = False
        # Not at once: what an outage at the start keeps from us may be needed.
        self._prune_at = time.monotonic() + PRUNE_EVERY_SECONDS

    def run(self) -> None:
        """Serve the last good routing, then follow; an outage changes nothing that is served."""
        self._rotation.recall()
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                connection = database.connect(self._settings.database_url, "follower")
                with connection:
                    pause = FIRST_PAUSE
                    self._follow(connection)
            except database.OUTAGES as error:
                log.warning("routing.not_followed", reason=str(error).strip()[:200])
            # Without this thread the worker would never again serve anything new.
            except Exception:
                log.exception("routing.not_followed")
            self.connected, self._asked = False, True
            self._idle(pause)
            pause = min(LONGEST_PAUSE, pause * 2)

    def stop(self) -> None:
        """Say farewell and end."""
        self._stopping.set()
        self._bell.ring()
        self.join(2.0)

    def reload(self, model: str) -> "Future[None]":
        """Verify and load a model's served versions anew, here and in all other workers."""
        done: Future[None] = Future()

        def act(connection: Connection | None) -> None:
            self._reload(model, done)
            self._tell(connection, {"do": "reload", "model": model})

        self._order(act)
        return done

    def clear(self, model: str | None = None) -> "Future[Cleared]":
        """Forget versions that no route needs, of one model or all, here and in other workers."""
        done: Future[Cleared] = Future()

        def act(connection: Connection | None) -> None:
            done.set_result(self._clear(model))
            self._tell(connection, {"do": "clear", "model": model or ""})

        self._order(act)
        return done

    def _order(self, act: Callable[[Connection | None], None]) -> None:
        self._orders.put(act)
        self._bell.ring()

    def _follow(self, connection: Connection) -> None:
        ear = database.Ear(connection)
        database.announce(connection, self.replica, self._settings.name, os.getpid())
        self._said = {}
        self.connected = True
        look_at = beat_at = 0.0
        while not self._stopping.is_set():
            now = time.monotonic()
            told = self._hear(ear)
            if told or now >= look_at:
                self._rotation.want(database.wanted(connection))
                look_at = now + self._settings.poll_seconds
            self._catch_up(connection)
            self._say(connection)
            if now >= beat_at:
                self._beat(connection)
                beat_at = now + self._settings.heartbeat_seconds
            self._asked = True
            self._settle()
            until = min(look_at, beat_at, self._shelf.next_retry() or look_at)
            if not ear.has_news():
                self._bell.wait(until - time.monotonic(), connection.fileno())
        database.farewell(connection, self.replica, os.getpid())

    def _idle(self, pause: float) -> None:
        """Go on without PostgreSQL for a while: loads finish, orders are carried out."""
        until = time.monotonic() + pause
        while not self._stopping.is_set() and time.monotonic() < until:
            self._catch_up(None)
            self._settle()
            self._bell.wait(until - time.monotonic())

    def _catch_up(self, connection: Connection | None) -> None:
        while not self._orders.empty():
            self._orders.get()(connection)
        if time.monotonic() >= self._prune_at:
            self._prune_at = time.monotonic() + PRUNE_EVERY_SECONDS
            self._prune()
        over = [pair for pair in self._reloads if pair[0].done()]
        self._rotation.reconcile()
        for pair in over:
            self._reloads.remove(pair)
            pair[1].set_result(None)

    def _prune(self) -> None:
        """Note on disk what this worker needs, and remove what none has needed for long."""
        digests = {key.digest for key in self._rotation.pinned()}
        try:
            gone = self._cache.prune(digests, time.time(), self._settings.artefact_days * 86_400)
        except OSError as error:
            log.warning("artefacts.not_pruned", reason=str(error))
            return
        if gone:
            log.info("artefacts.pruned", folders=gone)

    def _settle(self) -> None:
        if self._asked and not self._rotation.settled.is_set() and self._rotation.is_settled():
            self._rotation.settled.set()

    def _hear(self, ear: database.Ear) -> bool:
        """Carry out what others ask; whether the routing was announced to have changed."""
        told = False
        for channel, content in ear.heard():
            told = told or channel == database.ROUTING
            if channel == database.ADMIN and content.get("by") != self.replica:
                if content.get("do") == "reload":
                    self._reload(str(content.get("model")), Future())
                elif content.get("do") == "clear":
                    self._clear(content.get("model") or None)
                elif content.get("do") == "rehearse":
                    self._rehearse(str(content.get("id")))
        return told

    def _tell(self, connection: Connection | None, content: dict[str, str]) -> None:
        if connection is not None:
            database.tell(connection, {**content, "by": self.replica})

    def _reload(self, model: str, done: "Future[None]") -> None:
        keys = [k for k in self._rotation.pinned() if k.model == model and k in self._shelf.entries]
        loads = [self._shelf.load(key) for key in keys]
        # The loader works in order, so the last load ends last.
        self._reloads.append((loads[-1] if loads else NOTHING, done))

    def _clear(self, model: str | None) -> Cleared:
        pinned = self._rotation.pinned()
        others = {key for key in self._shelf.entries if model is not None and key.model != model}
        gone = self._shelf.evict(pinned | others, size=0)
        if model is None:
            self._cache.clear({key.digest for key in pinned})
        return Cleared(evicted=gone, kept=sorted(k for k in pinned if k not in others))

    def _say(self, connection: Connection) -> None:
        """Acknowledge what has changed since this worker last said it."""
        now = {seen.model: seen for _, seen in self._rotation.report}
        news = [a for name, a in now.items() if self._said.get(name) != a]
        if news:
            database.acknowledge(connection, self.replica, news)
            self._said = now

    def _beat(self, connection: Connection) -> None:
        held = memory.resident()
        metrics.MEMORY.set(held)
        if not database.beat(connection, self.replica, os.getpid(), held):
            # The row was removed by hand or for its age: say everything again.
            database.announce(connection, self.replica, self._settings.name, os.getpid())
            self._said = {}
