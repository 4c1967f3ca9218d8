"""Predictions as counts in the bins of their versions' references, a delivery at a time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from uuid import UUID

import msgspec
import orjson
import structlog

from inference.routing import CANARY, PRODUCTION
from shared.counting import Counting, Plan, Read, Record, read_any
from shared.profile import ProfileError, read

HOUR_MICROSECONDS = 3_600_000_000
# What users were answered; what was only tried, or failed, is not held against a reference.
ARMS, ANSWERED = (PRODUCTION, CANARY), "ok"

Key = tuple[str, str]
"""Model and version."""
Find = Callable[[Key], Mapping[str, Any] | None]
"""Looks for a version's reference; None while there is none."""

log = structlog.get_logger()


class Unreadable(ValueError):
    """A line that no worker has written in this form; the message quotes nothing of it."""


@dataclass(frozen=True)
class Delta:
    """What one delivery adds to an hour of a version; ``counts`` are int64, little endian."""

    model: str
    version: str
    hour: datetime
    rows: int
    counts: bytes


class References:
    """The references seen so far; they never change, so each is read once."""

    def __init__(self) -> None:
        self._plans: dict[Key, Plan | None] = {}
        self._readers: dict[bytes, tuple[Key, Read]] = {}

    def learn(self, key: Key, document: Mapping[str, Any]) -> None:
        """Keep a reference; one that cannot be used counts nothing and is told about."""
        try:
            plan = Plan(read(document))
        except ProfileError as error:
            self._plans[key] = None
            log.error("drift.unusable_reference", model=key[0], version=key[1], error=str(error))
            return
        self._plans[key] = plan
        for arm in ARMS:
            begins = orjson.dumps({"model": key[0], "version": key[1], "arm": arm})
            self._readers[begins[1:-1]] = key, plan.read

    def deltas(self, lines: bytes, fresh: list[str] | None, find: Find) -> list[Delta]:
        """Delivered lines as counts, those of versions without a reference left out.

        ``fresh`` are ids of those that were not there yet, None if all are. Each record is let go
        once it is counted, so a delivery takes no more memory than its lines.

        Raises:
            Unreadable: a line is no record, whatever PostgreSQL makes of it.
        """
        try:
            return self._deltas(lines, fresh, find)
        except (msgspec.DecodeError, RecursionError, OverflowError) as error:
            raise Unreadable("no record as workers write them") from error

    def _deltas(self, lines: bytes, fresh: list[str] | None, find: Find) -> list[Delta]:
        # By model, version and hour since 1970.
        found: dict[tuple[str, str, int], Counting | None] = {}
        for record in self._that_count(lines, fresh):
            place = record.model, record.version, record.at // HOUR_MICROSECONDS
            if place not in found:
                plan = self._plan(place[:2], find)
                found[place] = Counting(plan) if plan is not None else None
            counting = found[place]
            if counting is not None:
                counting.add(record)
        return [_delta(place, one) for place, one in found.items() if one is not None]

    def _that_count(self, lines: bytes, fresh: list[str] | None) -> Iterator[Record]:
        wanted = None if fresh is None else set(fresh)
        for line in BytesIO(lines):
            record = self._read(line)
            if record.arm not in ARMS or record.status != ANSWERED:
                continue
            if wanted is not None:
                identity = str(UUID(record.id))
                if identity not in wanted:
                    continue
                # The same line twice in one delivery was inserted once.
                wanted.remove(identity)
            yield record

    def _read(self, line: bytes) -> Record:
        # What decides is written before the input. A line in another order, or with the names
        # written in another way, is only read more slowly.
        known = self._readers.get(line[line.find(b'"model"') : line.find(b',"key"')])
        if known is not None:
            key, quickly = known
            try:
                record = quickly(line)
            except msgspec.ValidationError:
                return read_any(line)
            if (record.model, record.version) == key:
                return record
        return read_any(line)

    def _plan(self, key: Key, find: Find) -> Plan | None:
        if key not in self._plans:
            document = find(key)
            if document is None:
                return None
            self.learn(key, document)
        return self._plans[key]


def _delta(place: tuple[str, str, int], found: Counting) -> Delta:
    model, version, hour = place
    try:
        at = datetime.fromtimestamp(hour * HOUR_MICROSECONDS // 1_000_000, UTC)
    except (ValueError, OSError) as error:
        raise Unreadable("its time is in no calendar") from error
    rows, counts = found.counts()
    return Delta(model, version, at, rows, counts.astype("<i8").tobytes())
