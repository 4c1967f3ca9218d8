"""From log records to a vector of counts, a column at a time. Pure."""

import struct
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from shared.columns import Columns
from shared.profile import Counts, Feature, Profile

# As many records as stay in the processor's cache.
CHUNK = 512


# What says that a record lacks a number, or has something else there.
UNLIKE = (KeyError, TypeError, struct.error)

Place = tuple[Feature, int]
"""A feature, and where its bins begin."""


class Counting:
    """Counts records as they come; each adds one to every feature's bins.

    A record is what the prediction log keeps: ``input`` and ``output`` are objects or null. The
    numbers of one that has them all are packed at once, so that its memory, which is in the
    processor's nearest cache, is used again for the next. Any other waits, and is read with others
    a column at a time.
    """

    def __init__(self, profile: Profile) -> None:
        self._counts = np.zeros(profile.size, dtype=np.int64)
        self._places = list(zip(profile.features, profile.offsets.tolist(), strict=False))
        # One side of a record after the other, as they are taken out.
        packed = [place for place in self._places if _packs(place[0])]
        self._packed = sorted(packed, key=lambda place: place[0].source.path)
        self._others = [place for place in self._places if not _packs(place[0])]
        self._paths = sorted({f.source.path[:2] for f, _ in self._others})
        self._take = _getter([f.source.path for f, _ in self._packed])
        self._keep = _getter(self._paths)
        self._pack = struct.Struct(f"<{len(packed)}d").pack
        # How many of the packed values lay below each edge so far.
        self._below = [np.zeros(len(f.cuts), dtype=np.int64) for f, _ in self._packed]
        self._rows = 0
        self._taken: list[tuple[bytes, tuple[Any, ...], bytes]] = []
        self._waiting: list[Mapping[str, Any]] = []

    def add(self, record: Mapping[str, Any], line: bytes) -> None:
        """Take one more in, of which ``line`` is the JSON."""
        try:
            self._taken.append((self._pack(*self._take(record)), self._keep(record), line))
        except UNLIKE:
            self._waiting.append(record)
            if len(self._waiting) == CHUNK:
                self._read()
        else:
            if len(self._taken) == CHUNK:
                self._unpack()

    def counts(self) -> tuple[int, Counts]:
        """How many records there were, and how often they hit each bin. Asked once, at the end."""
        self._unpack()
        self._read()
        for (feature, begin), below in zip(self._packed, self._below, strict=True):
            self._counts[begin : begin + feature.size] += _between(feature, below, 0, 0)
        return self._rows, self._counts

    def _unpack(self) -> None:
        if not self._taken:
            return
        packed, kept, lines = zip(*self._taken, strict=True)
        self._taken = []
        rows = np.frombuffer(b"".join(packed), dtype="<f8")
        rows = rows.reshape(len(packed), len(self._packed))
        # A flag is packed as if it were 0 or 1, and here that is a wrong type.
        doubtful = ((rows == 0.0) | (rows == 1.0)).any(axis=1)
        if doubtful.any():
            self._waiting += [orjson.loads(lines[n]) for n in np.flatnonzero(doubtful)]
            rows, kept = rows[~doubtful], tuple(kept[n] for n in np.flatnonzero(~doubtful))
        self._rows += len(rows)
        in_order = np.sort(rows.T, axis=1)
        for below, (feature, _), values in zip(self._below, self._packed, in_order, strict=True):
            below += values.searchsorted(feature.cuts)
        columns = list(zip(*kept, strict=True)) or [()] * len(self._paths)
        self._tally(self._others, Columns.of(dict(zip(self._paths, columns, strict=True))))
        if len(self._waiting) >= CHUNK:
            self._read()

    def _read(self) -> None:
        self._rows += len(self._waiting)
        self._tally(self._places, Columns(self._waiting))
        self._waiting = []

    def _tally(self, places: Sequence[Place], columns: Columns) -> None:
        for feature, begin in places:
            self._counts[begin : begin + feature.size] += tally(feature, columns)


def _packs(feature: Feature) -> bool:
    """Whether a feature is a number that is hardly ever 0 or 1, to judge by its reference."""
    source = feature.source
    plain = feature.type == "number" and source.measure == "value" and len(source.path) == 2
    return plain and not any(edge.is_integer() for edge in feature.edges)


def _getter(paths: Sequence[tuple[str, ...]]) -> Callable[[Any], tuple[Any, ...]]:
    """What takes the values at these paths, of two steps and sorted, out of a record."""
    sides = [(side, [path[1] for path in found]) for side, found in groupby(paths, itemgetter(0))]
    if not sides:
        return lambda _: ()
    (first, one), *others = ((side, _fields(names)) for side, names in sides)
    if not others:
        return lambda record: one(record[first])
    ((second, other),) = others
    return lambda record: one(record[first]) + other(record[second])


def _fields(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    (name,) = names
    return lambda values: (values[name],)


def count(profile: Profile, records: Sequence[Mapping[str, Any]]) -> Counts:
    """How often records hit each bin, as ``Counting`` has it."""
    counts = np.zeros(profile.size, dtype=np.int64)
    for start in range(0, len(records), CHUNK):
        columns = Columns(records[start : start + CHUNK])
        for feature, begin in zip(profile.features, profile.offsets, strict=False):
            counts[begin : begin + feature.size] += tally(feature, columns)
    return counts


def tally(feature: Feature, columns: Columns) -> Counts:
    """How often the records hit each bin of one feature."""
    if feature.type == "number":
        values, wrong = columns.numbers(feature.source)
        # In order, a few look-ups tell how many lie below each edge; what is none comes last.
        below = np.sort(values).searchsorted(feature.cuts)
        return _between(feature, below, len(values) - int(below[-1]) - wrong, wrong)
    return _categories(feature, columns.values(feature.source.path))


def _between(feature: Feature, below: NDArray[np.int64], empty: int, wrong: int) -> Counts:
    """Counts of bins from how many values lie below each edge, and how many are none."""
    counts = np.empty(feature.size, dtype=np.int64)
    counts[0] = below[0]
    np.subtract(below[1:], below[:-1], out=counts[1:-2])
    counts[feature.empty], counts[feature.wrong] = empty, wrong
    return counts


def _categories(feature: Feature, values: Sequence[Any]) -> Counts:
    wanted = str if feature.type == "text" else bool
    present = values
    if set(map(type, values)) != {wanted}:
        present = [v for v in values if type(v) is wanted]
    found = Counter(present)
    counts = np.zeros(feature.size, dtype=np.int64)
    for place, category in enumerate(feature.categories):
        counts[place] = found.pop(category if wanted is str else category == "true", 0)
    counts[feature.outside[0]] = found.total()
    counts[feature.empty] = sum(v is None for v in values) if present is not values else 0
    counts[feature.wrong] = len(values) - len(present) - counts[feature.empty]
    return counts
