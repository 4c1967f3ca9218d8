"""How many connections each worker has, for all of them to see."""

import mmap
import struct
from pathlib import Path
from typing import Self

ABSENT = -1
_COUNT = struct.Struct("=q")


class Counts:
    """Open connections by slot, in a file that all workers of one socket map."""

    def __init__(self, path: Path, workers: int) -> None:
        with path.open("r+b") as handle:
            self._memory = mmap.mmap(handle.fileno(), _COUNT.size * workers)
        self._workers = workers

    @classmethod
    def create(cls, path: Path, workers: int) -> Self:
        """A new file in which no slot takes connections yet."""
        path.write_bytes(_COUNT.pack(ABSENT) * workers)
        return cls(path, workers)

    def set(self, slot: int, connections: int) -> None:
        """Write one slot's count; ``ABSENT`` when it takes none."""
        _COUNT.pack_into(self._memory, slot * _COUNT.size, connections)

    def fewest(self, but: int) -> int | None:
        """Fewest connections of another slot that takes some, ``None`` if there is none."""
        counts = [
            _COUNT.unpack_from(self._memory, slot * _COUNT.size)[0]
            for slot in range(self._workers)
            if slot != but
        ]
        return min((count for count in counts if count != ABSENT), default=None)
