"""A file of labels in parts that the backend takes at once. Knows nothing of Streamlit."""

import csv
from collections.abc import Callable, Iterator
from io import StringIO

from backend_api.schemas import LabelsTaken, RefusedLabel
from console.errors import BackendError

# The backend reads at most a mebibyte at once.
PART_BYTES, PART_ROWS = 900_000, 15_000


def parts(content: bytes) -> Iterator[tuple[bytes, int]]:
    """The header with some rows each time, and how many lines of the file they come later.

    A small file goes as it is, whatever it is: the backend says what is wrong with it.

    Raises:
        BackendError: a file that is too large to be sent as it is cannot be read.
    """
    reader = csv.reader(())
    try:
        # Lines as the backend counts them: other marks at which Python splits stand in labels.
        lines = list(StringIO(content.decode("utf-8-sig"), newline=""))
        reader = csv.reader(lines, strict=True)
        next(row for row in reader if row)
        header = first = last = reader.line_num
        ends = [reader.line_num for _ in reader]
    except (UnicodeDecodeError, csv.Error, StopIteration) as error:
        if len(content) > PART_BYTES:
            raise _unreadable(error, reader.line_num) from None
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


def _unreadable(error: Exception, line: int) -> BackendError:
    if isinstance(error, UnicodeDecodeError):
        told = "The file is not UTF-8 text; save it as CSV UTF-8."
    elif isinstance(error, csv.Error):
        told = f"Line {line} is no CSV: {error}."
    else:
        told = "The file is empty; the first line must be prediction_id,label."
    return BackendError(400, "BadRequest", told, "Nothing was changed.")


def together(found: list[tuple[LabelsTaken, int]]) -> LabelsTaken:
    """One report of all parts, with the lines of the whole file."""
    said = [one for one, _ in found]
    if len(said) == 1:
        return said[0]
    taken, refused = sum(s.taken for s in said), sum(s.refused for s in said)
    unchanged = sum(s.unchanged for s in said)
    there = f" {unchanged:,} were there already," if unchanged else ""
    return LabelsTaken(
        sentence=f"{taken:,} labels were taken,{there} {refused:,} rows were left out.",
        taken=taken,
        corrected=sum(s.corrected for s in said),
        unchanged=unchanged,
        refused=refused,
        named=[
            row.model_copy(update={"line": row.line + before})
            for one, before in found
            for row in one.named
        ],
    )


def send(content: bytes, take: Callable[[bytes, int], LabelsTaken]) -> LabelsTaken:
    """Send a file part by part, each with its number; a repeat changes nothing.

    Raises:
        BackendError: not one row of the whole file could be taken, or a part could not be sent.
    """
    found = together(
        [(_taken(take, part, n), before) for n, (part, before) in enumerate(parts(content))]
    )
    if not found.taken and not found.unchanged:
        first, rest = found.named[0], [row.model_dump() for row in found.named]
        raise BackendError(
            400, "BadRequest", f"No label was taken. Line {first.line}: {first.problem}.",
            "Mend the rows and send them again.", {"refused": found.refused, "named": rest},
        )  # fmt: skip
    return found


def _taken(take: Callable[[bytes, int], LabelsTaken], part: bytes, number: int) -> LabelsTaken:
    """What became of a part; one without a good row is refused, and others may have some."""
    try:
        return take(part, number)
    except BackendError as refusal:
        if refusal.status != 400 or "named" not in refusal.details:
            raise
        return LabelsTaken(
            sentence=refusal.message, taken=0, corrected=0, unchanged=0,
            refused=refusal.details["refused"],
            named=[RefusedLabel.model_validate(row) for row in refusal.details["named"]],
        )  # fmt: skip
