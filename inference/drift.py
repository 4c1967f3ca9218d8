"""Predictions as counts in the bins of their versions' references, a delivery at a time."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import structlog

from inference.routing import CANARY, PRODUCTION
from shared.counting import count
from shared.profile import Profile, ProfileError, read

HOUR_MICROSECONDS = 3_600_000_000
# What users were answered; what was only tried, or failed, is not held against a reference.
ARMS, ANSWERED = (PRODUCTION, CANARY), "ok"

Key = tuple[str, str]
"""Model and version."""
Groups = dict[tuple[str, str, int], list[dict[str, Any]]]
"""Records by model, version and hour; hours are counted from 1970."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Delta:
    """What one delivery adds to an hour of a version; ``counts`` are int64, little endian."""

    model: str
    version: str
    hour: datetime
    rows: int
    counts: bytes


def grouped(lines: bytes, fresh: list[str] | None) -> Groups:
    """Records of delivered lines that count; ``fresh``: ids of those that were not there yet."""
    wanted = None if fresh is None else set(fresh)
    found: Groups = defaultdict(list)
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
        hour = record["at"] // HOUR_MICROSECONDS
        found[record["model"], record["version"], hour].append(record)
    return found


class References:
    """The references seen so far; they never change, so each is read once."""

    def __init__(self) -> None:
        self._profiles: dict[Key, Profile | None] = {}

    def unknown(self, groups: Groups) -> list[Key]:
        """Versions among the groups whose reference was not seen yet."""
        return sorted({(model, version) for model, version, _ in groups} - self._profiles.keys())

    def learn(self, key: Key, document: Mapping[str, Any]) -> None:
        """Keep a reference; one that cannot be used counts nothing and is told about."""
        try:
            self._profiles[key] = read(document)
        except ProfileError as error:
            self._profiles[key] = None
            log.error("drift.unusable_reference", model=key[0], version=key[1], error=str(error))

    def deltas(self, groups: Groups) -> list[Delta]:
        """The groups as counts, those without a reference left out."""
        found = []
        for (model, version, hour), records in groups.items():
            if (profile := self._profiles.get((model, version))) is not None:
                at = datetime.fromtimestamp(hour * HOUR_MICROSECONDS // 1_000_000, UTC)
                counts = count(profile, records).astype("<i8").tobytes()
                found.append(Delta(model, version, at, len(records), counts))
        return found
