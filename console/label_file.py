"""A file of labels in parts that the backend takes at once. Knows nothing of Streamlit."""

import csv
from collections.abc import Callable, Iterator

from backend_api.schemas import LabelsTaken

# The backend reads at most a mebibyte at once.
PART_BYTES, PART_ROWS = 900_000, 15_000


def parts(content: bytes) -> Iterator[tuple[bytes, int]]:
    """The header with some rows each time, and how many lines of the file they come later.

    What cannot be read goes as it is: the backend says what is wrong with it.
    """
    try:
        lines = content.decode("utf-8-sig").splitlines(keepends=True)
        reader = csv.reader(lines, strict=True)
        next(reader)
        header = first = last = reader.line_num
        ends = [reader.line_num for _ in reader]
    except (UnicodeDecodeError, csv.Error, StopIteration):
        yield content, 0
        return
    head = "".join(lines[:header])
    size = rows = 0
    for end in ends:
        grown = sum(len(line.encode()) for line in lines[last:end])
        if rows and (size + grown > PART_BYTES or rows >= PART_ROWS):
            yield (head + "".join(lines[first:last])).encode(), first - header
            first, size, rows = last, 0, 0
        size, rows, last = size + grown, rows + 1, end
    yield (head + "".join(lines[first:])).encode(), first - header


def together(found: list[tuple[LabelsTaken, int]]) -> LabelsTaken:
    """One report of all parts, with the lines of the whole file."""
    said = [one for one, _ in found]
    if len(said) == 1:
        return said[0]
    taken, refused = sum(s.taken for s in said), sum(s.refused for s in said)
    return LabelsTaken(
        sentence=f"{taken:,} labels were taken, {refused:,} rows were left out.",
        taken=taken,
        corrected=sum(s.corrected for s in said),
        unchanged=sum(s.unchanged for s in said),
        refused=refused,
        named=[
            row.model_copy(update={"line": row.line + before})
            for one, before in found
            for row in one.named
        ],
    )


def send(content: bytes, take: Callable[[bytes, int], LabelsTaken]) -> LabelsTaken:
    """Send a file part by part, each with its number; a repeat changes nothing."""
    return together(
        [(take(part, number), before) for number, (part, before) in enumerate(parts(content))]
    )
