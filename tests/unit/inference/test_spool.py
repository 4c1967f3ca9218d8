"""The spool: whole records or none, and a dead worker's segment is inherited once."""

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from inference.spool import SUFFIX, Spool, inherit
from ops.settings import PROJECT


def lines(count: int, start: int = 0) -> list[bytes]:
    """Records that can be told apart."""
    return [b'{"id":%d}\n' % n for n in range(start, start + count)]


def other_process(code: str, folder: Path) -> "subprocess.Popen[bytes]":
    """Python that has ``folder`` and ``Spool`` and says a line on standard output when ready."""
    header = (
        "from pathlib import Path\nfrom inference.spool import Spool\n"
        f"folder = Path({str(folder)!r})\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", header + code], cwd=PROJECT, stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
    )  # fmt: skip


WRITES_AND_WAITS = """
spool = Spool(folder, "0")
for n in range(5):
    spool.append(b'{"id":%d}\\n' % n)
print("ready", flush=True)
input()
"""


def test_records_come_back_whole_and_in_order(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "0")
    for line in lines(100):
        spool.append(line)
    (segment,) = spool.segments()
    assert spool.undelivered() == spool.bytes_on_disk() == sum(map(len, lines(100)))
    seen = []
    while chunk := segment.read(64):
        assert chunk.endswith(b"\n")
        assert len(chunk) <= 64
        segment.done += len(chunk)
        seen += chunk.splitlines(keepends=True)
    assert seen == lines(100)
    assert spool.undelivered() == 0


def test_a_record_longer_than_a_batch_is_read_alone(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "0")
    long = b"x" * 5_000 + b"\n"
    for line in (b"a\n", long, b"b\n"):
        spool.append(line)
    (segment,) = spool.segments()
    chunks = []
    while chunk := segment.read(100):
        chunks.append(chunk)
        segment.done += len(chunk)
    assert b"".join(chunks) == b"a\n" + long + b"b\n"


def test_a_full_segment_is_sealed_and_the_next_one_begun(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "0", segment_bytes=50)
    for line in lines(20):
        spool.append(line)
    segments = spool.segments()
    assert len(segments) > 1
    assert [s.sealed for s in segments] == [True] * (len(segments) - 1) + [False]
    assert b"".join(s.read(10_000) for s in segments) == b"".join(lines(20))
    spool.drop(segments[0])
    assert len(list(tmp_path.glob(f"*{SUFFIX}"))) == len(segments) - 1


def test_a_living_workers_segment_is_left_alone_and_a_dead_ones_inherited(tmp_path: Path) -> None:
    process = other_process(WRITES_AND_WAITS, tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    mine = Spool(tmp_path, "1")
    (orphan,) = mine.orphans()
    with inherit(orphan) as segment:
        assert segment is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.communicate()
    with inherit(orphan) as segment:
        assert segment is not None
        assert segment.read(10_000) == b"".join(lines(5))
        # Only one heir at a time.
        with inherit(orphan) as second:
            assert second is None
        orphan.unlink()
    with inherit(orphan) as segment:
        assert segment is None


def test_a_torn_last_record_is_left_out_and_noticed(tmp_path: Path) -> None:
    path = tmp_path / f"1-dead{SUFFIX}"
    path.write_bytes(b"".join(lines(3)) + b'{"id":3,"inp')
    with inherit(path) as segment:
        assert segment is not None
        assert segment.read(10_000) == b"".join(lines(3))
        segment.done += len(b"".join(lines(3)))
        assert segment.read(10_000) == b""
        assert segment.torn


def test_a_segment_that_is_nothing_but_torn_ends_too(tmp_path: Path) -> None:
    path = tmp_path / f"1-dead{SUFFIX}"
    path.write_bytes(b'{"id":3,"inp')
    with inherit(path) as segment:
        assert segment is not None
        assert segment.read(4) == b""
        assert segment.torn


FILLS_A_SMALL_DISK = """
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
spool = Spool(folder, "0")
refused = 0
for n in range(40):
    try:
        spool.append(b'{"id":%03d}\\n' % n)
    except OSError:
        refused += 1
print(refused, flush=True)
"""


@pytest.mark.parametrize(
    ("room", "refused", "kept"),
    # A record has 11 bytes. What cannot grow gives way to a new segment; no room at all is no room.
    [(105, 0, [9, 9, 9, 9, 4]), (5, 40, [0])],
    ids=["for nine records each", "for half a record"],
)
def test_a_record_that_finds_no_room_leaves_nothing_behind(
    tmp_path: Path, room: int, refused: int, kept: list[int]
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        process = other_process(FILLS_A_SMALL_DISK, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    said, _ = process.communicate()
    assert int(said) == refused
    contents = [path.read_bytes() for path in sorted(tmp_path.glob(f"*{SUFFIX}"))]
    assert [content.count(b"\n") for content in contents] == kept
    assert b"".join(contents) == b"".join(b'{"id":%03d}\n' % n for n in range(sum(kept)))


def test_a_closed_spool_leaves_only_what_is_not_delivered(tmp_path: Path) -> None:
    done, waiting = Spool(tmp_path / "a", "0"), Spool(tmp_path / "b", "0")
    for spool in (done, waiting):
        spool.append(b"x\n")
    done.segments()[0].done = 2
    for spool in (done, waiting):
        spool.close()
    assert list((tmp_path / "a").iterdir()) == []
    assert [p.read_bytes() for p in (tmp_path / "b").iterdir()] == [b"x\n"]


@pytest.mark.parametrize("hidden", [".1-0-1", ".draft"])
def test_a_segment_without_its_name_yet_is_nobodys(tmp_path: Path, hidden: str) -> None:
    (tmp_path / hidden).write_bytes(b"")
    assert Spool(tmp_path, "0").orphans() == []
