"""How many connections each worker has and when it was last awake, for all of them to see."""

import mmap
import struct
from pathlib import Path
from typing import Self

ABSENT = -1
_COUNT = struct.Struct("=q")


class Counts:
    """Open connections by slot, then last beats, in a file that all workers of a socket map."""

    def __init__(self, path: Path, workers: int) -> None:
        with path.open("r+b") as handle:
            self._memory = mmap.mmap(handle.fileno(), _COUNT.size * workers * 2)
        self._workers = workers

    @classmethod
    def create(cls, path: Path, workers: int) -> Self:
        """A new file in which no slot takes connections yet."""
        path.write_bytes(_COUNT.pack(ABSENT) * workers + _COUNT.pack(0) * workers)
        return cls(path, workers)

    def set(self, slot: int, connections: int) -> None:
        """Write one slot's count; ``ABSENT`` when it takes none."""
        _COUNT.pack_into(self._memory, slot * _COUNT.size, connections)

    def beat(self, slot: int, now: int) -> None:
        """Note that a slot's event loop turns; nanoseconds of the machine's monotonic clock."""
        _COUNT.pack_into(self._memory, (self._workers + slot) * _COUNT.size, now)

    def last_beat(self, slot: int) -> int:
        """When a slot's event loop turned last; 0 if it has not yet."""
        found: int = _COUNT.unpack_from(self._memory, (self._workers + slot) * _COUNT.size)[0]
        return found

    def fewest(self, but: int) -> int | None:
        """Fewest connections of another slot that takes some, ``None`` if there is none."""
        counts = [
            _COUNT.unpack_from(self._memory, slot * _COUNT.size)[0]
            for slot in range(self._workers)
            if slot != but
        ]
        return min((count for count in counts if count != ABSENT), default=None)
