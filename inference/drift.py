"""Predictions as counts in the bins of their versions' references, a delivery at a time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import structlog

from inference.routing import CANARY, PRODUCTION
from shared.counting import Counting
from shared.profile import Profile, ProfileError, read

HOUR_MICROSECONDS = 3_600_000_000
# What users were answered; what was only tried, or failed, is not held against a reference.
ARMS, ANSWERED = (PRODUCTION, CANARY), "ok"

Key = tuple[str, str]
"""Model and version."""
Find = Callable[[Key], Mapping[str, Any] | None]
"""Looks for a version's reference; None while there is none."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Delta:
    """What one delivery adds to an hour of a version; ``counts`` are int64, little endian."""

    model: str
    version: str
    hour: datetime
    rows: int
    counts: bytes


def _that_count(lines: bytes, fresh: list[str] | None) -> Iterator[tuple[dict[str, Any], bytes]]:
    wanted = None if fresh is None else set(fresh)
    for line in lines.splitlines():
        record = orjson.loads(line)
        if record["arm"] not in ARMS or record["status"] != ANSWERED:
            continue
        if wanted is not None:
            identity = str(UUID(record["id"]))
            if identity not in wanted:
                continue
            # The same line twice in one delivery was inserted once.
            wanted.remove(identity)
        yield record, line


class References:
    """The references seen so far; they never change, so each is read once."""

    def __init__(self) -> None:
        self._profiles: dict[Key, Profile | None] = {}

    def learn(self, key: Key, document: Mapping[str, Any]) -> None:
        """Keep a reference; one that cannot be used counts nothing and is told about."""
        try:
            self._profiles[key] = read(document)
        except ProfileError as error:
            self._profiles[key] = None
            log.error("drift.unusable_reference", model=key[0], version=key[1], error=str(error))

    def deltas(self, lines: bytes, fresh: list[str] | None, find: Find) -> list[Delta]:
        """Delivered lines as counts, those of versions without a reference left out.

        ``fresh`` are ids of those that were not there yet, None if all are. Each record is let go
        once it is counted, so a delivery takes no more memory than its lines.
        """
        # By model, version and hour since 1970.
        found: dict[tuple[str, str, int], Counting | None] = {}
        for record, line in _that_count(lines, fresh):
            place = record["model"], record["version"], record["at"] // HOUR_MICROSECONDS
            if place not in found:
                profile = self._profile(place[:2], find)
                found[place] = Counting(profile) if profile is not None else None
            counting = found[place]
            if counting is not None:
                counting.add(record, line)
        return [_delta(place, one) for place, one in found.items() if one is not None]

    def _profile(self, key: Key, find: Find) -> Profile | None:
        if key not in self._profiles:
            document = find(key)
            if document is None:
                return None
            self.learn(key, document)
        return self._profiles[key]


def _delta(place: tuple[str, str, int], found: Counting) -> Delta:
    model, version, hour = place
    at = datetime.fromtimestamp(hour * HOUR_MICROSECONDS // 1_000_000, UTC)
    rows, counts = found.counts()
    return Delta(model, version, at, rows, counts.astype("<i8").tobytes())
