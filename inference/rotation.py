"""From what is wanted and what is in memory to the snapshot that requests are answered by."""

import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from inference.database import Acknowledgement
from inference.kept import Kept
from inference.models import Model
from inference.routing import (
    EMPTY,
    STAGING,
    Key,
    Route,
    Served,
    Snapshot,
    Standby,
    Version,
    Wanted,
    answering,
    route,
    served,
)
from inference.shelf import Shelf

DRAIN_SECONDS = 1.0


class Rotation:
    """Holds the snapshot. Only the thread that follows the routing calls what changes it."""

    def __init__(self, shelf: Shelf, kept: Kept, standbys: Mapping[str, Standby]) -> None:
        self.snapshot = EMPTY
        # Set once every wanted version was either loaded or found unfit.
        self.settled = threading.Event()
        # What is wanted of each model and what this worker makes of it, for every thread to read.
        self.report: tuple[tuple[Wanted, Acknowledgement], ...] = ()
        self._wanted: dict[str, Wanted] = {}
        # What this host served last, of models whose wanted version cannot answer yet.
        self._last_good: dict[str, Wanted] = {}
        self.standbys = standbys
        self._shelf = shelf
        self._kept = kept
        self._ready: dict[Key, Model] = {}

    def recall(self) -> None:
        """Begin with the last good routing of this host."""
        rows = self._kept.read()
        self._last_good = {row.model_name: row for row in rows}
        self.want(rows)

    def want(self, rows: Iterable[Wanted]) -> None:
        """Take over what should serve."""
        self._wanted = {row.model_name: row for row in map(self._possible, rows)}
        for name in list(self._last_good):
            row = self._wanted.get(name)
            if row is None or row.production is None:
                del self._last_good[name]
        self.reconcile()

    def _possible(self, row: Wanted) -> Wanted:
        """What is wanted, but for rules where there are none: there a version goes on answering."""
        able = not row.fallback or row.model_name in self.standbys
        return row if able else row.model_copy(update={"fallback": False})

    def reconcile(self) -> None:
        """Publish what may be published, then order what is missing."""
        before, ready = self.snapshot, self._shelf.ready()
        routes = {row.model_name: self._route(row, ready, before) for row in self._wanted.values()}
        if routes != before.routes or ready != self._ready:
            # The one assignment: each request reads the snapshot once.
            self.snapshot = Snapshot(routes, _direct(ready))
            self._ready = ready
        if routes != before.routes:
            self._finish(before)
            self._kept.write([*self._serving(), *self._last_good.values()])
        self._stock()
        self.report = tuple((row, self._acknowledge(row)) for row in self._wanted.values())

    def _route(self, row: Wanted, ready: Mapping[Key, Model], before: Snapshot) -> Route:
        made = route(row, ready, before.routes.get(row.model_name))
        if made.wanted == row and made.production is not None:
            self._last_good.pop(row.model_name, None)
        elif made.production is None and row.model_name in self._last_good:
            return route(self._last_good[row.model_name], ready, made)
        return made

    def _serving(self) -> list[Wanted]:
        """Rows that answer now."""
        routes = self.snapshot.routes.values()
        return [r.wanted for r in routes if r.production is not None or r.wanted.fallback]

    def _finish(self, before: Snapshot) -> None:
        """Wait, within bounds, until the last answer of a route that was replaced is out."""
        now = self.snapshot.routes
        replaced = [r for name, r in before.routes.items() if now.get(name) is not r]
        deadline = time.monotonic() + DRAIN_SECONDS
        while any(r.in_flight.count for r in replaced) and time.monotonic() < deadline:
            time.sleep(0.001)

    def _stock(self) -> None:
        """Load what is wanted, and let go of what no route needs any more."""
        now = time.monotonic()
        for key, version in self._needed():
            self._shelf.want(key, version, now)
        self._shelf.evict(self.pinned())

    def _needed(self) -> list[tuple[Key, Version]]:
        """What should be in memory, production of all models first."""
        found = [
            (place, version.key(row.model_name), version)
            for row in [*self._wanted.values(), *self._serving(), *self._last_good.values()]
            for place, version in enumerate(row.versions())
        ]
        return [(key, version) for _, key, version in sorted(found, key=lambda f: f[0])]

    def pinned(self) -> set[Key]:
        """Versions that are never evicted: wanted ones, and those that answer now."""
        return {key for key, _ in self._needed()}

    def is_settled(self) -> bool:
        """Whether each wanted version either is in the snapshot or was found unfit."""
        return all(
            key in self._ready or self._shelf.entries[key].error is not None
            for key, _ in self._needed()
        )

    def _acknowledge(self, row: Wanted) -> Acknowledgement:
        """What is served of a model, and what could not be loaded."""
        entries = self._shelf.entries
        at = self.snapshot.routes[row.model_name]
        loaded: dict[str, dict[str, Any]] = {}
        for version in [*row.versions(), *at.wanted.versions()]:
            entry = entries[version.key(row.model_name)]
            loaded[version.version] = {
                "state": entry.state,
                "digest": version.digest if entry.model is not None else None,
                "error": entry.reason,
                "memory_bytes": entry.memory_bytes,
            }
        failed = [
            f"{v.version} is not served: {loaded[v.version]['error']}"
            for v in (row.production, row.canary)
            if v is not None and loaded[v.version]["state"] == "failed"
        ]
        return Acknowledgement(
            model=row.model_name,
            epoch=at.epoch,
            production=_name(at.production),
            canary=_name(at.canary),
            share=at.share,
            fallback=self._rules_answer(at),
            shadow=_name(at.shadow),
            shadow_share=at.wanted.shadow_share if at.shadow is not None else 0,
            loaded=loaded,
            error="; ".join(failed) or None,
        )

    def _rules_answer(self, at: Route) -> bool:
        standby = self.standbys.get(at.wanted.model_name)
        return standby is not None and answering(at, None, standby) is standby.rules


def _name(arm: Served | None) -> str | None:
    return arm.version if arm is not None else None


def _direct(ready: Mapping[Key, Model]) -> Mapping[str, Mapping[str, Served]]:
    """Each loaded version by model and name, for callers who may ask for one."""
    found: dict[str, dict[str, Served]] = {}
    for key, model in ready.items():
        arm = served(key.model, key.version, STAGING, model)
        found.setdefault(key.model, {})[key.version] = arm
    return found
