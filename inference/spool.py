"""Prediction records on disk, before an answer leaves and until PostgreSQL has them.

A record is one line of JSON, written whole by one ``write()``. Once that returns, the record is
the kernel's: it outlives a kill -9 of the process, and is lost only with the machine itself, up to
the kernel's own writing back (some 30 seconds). No fsync per record: it would cost each answer
milliseconds to protect seconds of records against a power cut.

Each worker appends to a segment of its own and holds a lock on it. The kernel frees the lock when
the worker dies, however it dies; then any other worker takes the segment over.
"""

import fcntl
import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SEGMENT_BYTES = 16_000_000
SUFFIX = ".spool"


class Segment:
    """One file of a living worker. ``size`` bytes hold whole lines, ``done`` are delivered."""

    def __init__(self, folder: Path, owner: str) -> None:
        name = f"{time.time_ns()}-{owner}-{os.getpid()}"
        draft = folder / f".{name}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(draft, flags, 0o600)
        self.path = folder / f"{name}{SUFFIX}"
        try:
            # Locked before it has its name: nobody may find it and think that its owner is dead.
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            draft.rename(self.path)
        except OSError:
            os.close(self._descriptor)
            draft.unlink(missing_ok=True)
            raise
        self.size = self.done = 0
        self.sealed = False

    def append(self, line: bytes) -> None:
        """Write a whole line, or nothing.

        Raises:
            OSError: it was not written, for instance since the disk is full.
        """
        written = os.write(self._descriptor, line)
        if written != len(line):
            os.ftruncate(self._descriptor, self.size)
            raise OSError(f"only {written} of {len(line)} bytes were written")
        self.size += written

    def read(self, limit: int) -> bytes:
        """Undelivered whole lines, at most ``limit`` bytes (one line, if that is longer)."""
        return _whole_lines(self._descriptor, self.done, self.size, limit)

    def remove(self) -> None:
        """Forget the file; all of it is delivered."""
        self.path.unlink(missing_ok=True)
        os.close(self._descriptor)


def _whole_lines(descriptor: int, start: int, end: int, limit: int) -> bytes:
    """Bytes from ``start`` that end with a line's end; empty when no line is whole."""
    want = min(limit, end - start)
    while want > 0:
        chunk = os.pread(descriptor, want, start)
        cut = chunk.rfind(b"\n") + 1
        if cut or want == end - start:
            return chunk[:cut]
        want = min(want * 4, end - start)
    return b""


class Spool:
    """A worker's segments. One thread appends, one other reads."""

    def __init__(self, folder: Path, owner: str, segment_bytes: int = SEGMENT_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._owner = owner
        self._segment_bytes = segment_bytes
        self._active = Segment(folder, owner)
        self._segments = deque([self._active])

    def append(self, line: bytes) -> None:
        """Keep a record; ``line`` ends with a newline and holds no other.

        Raises:
            OSError: it is not kept.
        """
        if self._active.size >= self._segment_bytes:
            self._rotate()
        try:
            self._active.append(line)
        except OSError:
            # A segment is removed only once it is sealed, and that may be what makes room.
            if not self._active.size:
                raise
            self._rotate()
            self._active.append(line)

    def _rotate(self) -> None:
        fresh = Segment(self.folder, self._owner)
        self._segments.append(fresh)
        self._active.sealed, self._active = True, fresh

    def segments(self) -> list[Segment]:
        """Own segments, oldest first."""
        return list(self._segments)

    def drop(self, segment: Segment) -> None:
        """Remove a sealed segment that is delivered."""
        self._segments.remove(segment)
        segment.remove()

    def undelivered(self) -> int:
        """Bytes of own records that wait."""
        return sum(s.size - s.done for s in self.segments())

    def close(self) -> None:
        """Let go of all segments: what is delivered goes, the rest is for whoever comes next."""
        for segment in self.segments():
            if segment.done == segment.size:
                self.drop(segment)

    def orphans(self) -> list[Path]:
        """Segments of others, oldest first; most belong to the living."""
        own = {s.path for s in self.segments()}
        return sorted(p for p in self.folder.glob(f"*{SUFFIX}") if p not in own)

    def bytes_on_disk(self) -> int:
        """Undelivered bytes of all workers of this host."""
        others = 0
        for path in self.orphans():
            try:
                others += path.stat().st_size
            except FileNotFoundError:
                continue
        return others + self.undelivered()


class Inherited:
    """A dead worker's segment, held by us. A torn last line is no record: its answer never left."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path, self._descriptor = path, descriptor
        self.size, self.done = os.fstat(descriptor).st_size, 0

    def read(self, limit: int) -> bytes:
        """Undelivered whole lines, at most ``limit`` bytes (one line, if that is longer)."""
        return _whole_lines(self._descriptor, self.done, self.size, limit)

    @property
    def torn(self) -> bool:
        """Whether bytes without a line's end are left."""
        return self.done < self.size


@contextmanager
def inherit(path: Path) -> Iterator[Inherited | None]:
    """Hold a segment for the block if its owner is dead, else yield None; the caller unlinks it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        # Another heir may have delivered and removed it while we waited for the lock.
        gone = os.fstat(descriptor).st_nlink == 0
        yield None if gone else Inherited(path, descriptor)
    finally:
        os.close(descriptor)
