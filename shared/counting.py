"""From log records to a vector of counts, a column at a time. Pure."""

import struct
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from math import nan
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import astuple
from numpy.typing import NDArray

from shared.columns import Columns
from shared.profile import Counts, Feature, Profile

# As many records as stay in the processor's cache.
CHUNK = 512
SIDES = ("input", "output")

Path = tuple[str, ...]
Place = tuple[Feature, int]
"""A feature, and where its bins begin."""


class Record(msgspec.Struct, gc=False, kw_only=True):
    """What matters here of a line of the log; ``at`` are microseconds since 1970."""

    id: str
    at: int
    model: str
    version: str
    arm: str
    status: str
    input: Any = None
    output: Any = None


Read = Callable[[bytes], Record]
read_any: Read = msgspec.json.Decoder(Record).decode


class Plan:
    """How records of a version are read and counted; made once, since its decoder takes a while.

    ``read`` takes lines whose watched numbers are numbers, null or missing. It makes nothing of
    what is not watched, and so takes half the time of ``read_any``, which any other line needs.
    It raises ``msgspec.ValidationError`` for these.
    """

    def __init__(self, profile: Profile) -> None:
        self.size = profile.size
        self.places: list[Place] = list(
            zip(profile.features, profile.offsets.tolist(), strict=False)
        )
        # Where anything may stand, since something else than a number is looked for there.
        mixed = {f.source.path[:2] for f in profile.features if not _plain(f)}
        self.others = [place for place in self.places if place[0].source.path[:2] in mixed]
        numbers = [place for place in self.places if place[0].source.path[:2] not in mixed]
        self.numbers = sorted(numbers, key=lambda place: place[0].source.path)
        # A record's values, side by side: its numbers stand together, in the middle.
        before = sorted(path for path in mixed if path[0] == "input")
        plain = sorted({f.source.path for f, _ in numbers})
        after = sorted(path for path in mixed if path[0] == "output")
        self.begin, self.end = len(before), len(before) + len(plain)
        self.rows = [plain.index(f.source.path) for f, _ in self.numbers]
        self.kept = before + after
        try:
            self.read = _reader(before + plain + after, mixed)
        except ValueError:
            # A name with a quote or a backslash in it, which msgspec cannot look for.
            self.read = read_any


def _plain(feature: Feature) -> bool:
    """Whether a feature is a number that stands right in the input or the output."""
    source = feature.source
    return feature.type == "number" and source.measure == "value" and len(source.path) == 2


def _reader(paths: Sequence[Path], mixed: Collection[Path]) -> Read:
    sides = []
    for side in SIDES:
        found = {f"f{n}": path for n, path in enumerate(paths) if path[0] == side}
        fields = [
            (field, Any if path in mixed else float | None, None) for field, path in found.items()
        ]
        names = {field: path[1] for field, path in found.items()}
        sides.append((side, msgspec.defstruct(side, fields, rename=names, gc=False)))
    exact: Any = msgspec.defstruct("Exact", sides, bases=(Record,), kw_only=True, gc=False)
    read: Read = msgspec.json.Decoder(exact).decode
    return read


class Counting:
    """Counts records as they come; each adds one to every feature's bins.

    Records are what the plan's ``read`` gives, or ``read_any``. The numbers of the first kind are
    packed at once, so that their memory, which is in the processor's nearest cache, is used again
    for the next. The others are read together, a column at a time.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._counts = np.zeros(plan.size, dtype=np.int64)
        self._pack = struct.Struct(f"<{plan.end - plan.begin}d").pack
        # How many of the numbers lay below each edge so far.
        self._below = [np.zeros(len(f.cuts), dtype=np.int64) for f, _ in plan.numbers]
        self._packed: list[bytes] = []
        self._kept: list[tuple[Any, ...]] = []
        self._others: list[Record] = []
        # How many were packed, and all.
        self._numbers, self._rows = 0, 0

    def add(self, record: Record) -> None:
        """Take one more in."""
        if type(record) is Record:
            self._others.append(record)
            if len(self._others) == CHUNK:
                self._count_others()
            return
        values = astuple(record.input) + astuple(record.output)
        begin, end = self._plan.begin, self._plan.end
        numbers = values[begin:end]
        try:
            self._packed.append(self._pack(*numbers))
        except struct.error:
            # There is a None among them.
            self._packed.append(self._pack(*[nan if n is None else n for n in numbers]))
        self._kept.append(values[:begin] + values[end:])
        if len(self._packed) == CHUNK:
            self._count_packed()

    def counts(self) -> tuple[int, Counts]:
        """How many records there were, and how often they hit each bin. Asked once, at the end."""
        if self._packed:
            self._count_packed()
        self._count_others()
        for (feature, begin), below in zip(self._plan.numbers, self._below, strict=True):
            found = _between(feature, below, self._numbers - int(below[-1]), 0)
            self._counts[begin : begin + feature.size] += found
        return self._rows, self._counts

    def _count_packed(self) -> None:
        plan, size = self._plan, len(self._packed)
        self._numbers, self._rows = self._numbers + size, self._rows + size
        rows = np.frombuffer(b"".join(self._packed), dtype="<f8")
        rows = rows.reshape(size, plan.end - plan.begin)
        in_order = np.sort(rows.T, axis=1)
        for below, (feature, _), row in zip(self._below, plan.numbers, plan.rows, strict=True):
            below += in_order[row].searchsorted(feature.cuts)
        columns = dict(zip(plan.kept, zip(*self._kept, strict=True), strict=True))
        self._tally(plan.others, Columns.of(columns))
        self._packed, self._kept = [], []

    def _count_others(self) -> None:
        self._rows += len(self._others)
        sides: dict[Path, list[Any]] = {
            (side,): [getattr(record, side) for record in self._others] for side in SIDES
        }
        self._others = []
        self._tally(self._plan.places, Columns.of(sides))

    def _tally(self, places: Sequence[Place], columns: Columns) -> None:
        for feature, begin in places:
            self._counts[begin : begin + feature.size] += tally(feature, columns)


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
