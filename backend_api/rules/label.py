"""Labels: reading them from CSV, and holding an answer against one."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from typing import Any

NEEDED, OPTIONAL = ("prediction_id", "label"), "labelled_at"
FLAGS = {"true": True, "1": True, "false": False, "0": False}


class FileError(ValueError):
    """The file as a whole cannot be read; a sentence that says what to mend."""


@dataclass(frozen=True)
class Line:
    """One row as it was sent. ``typed`` is false for a CSV cell, whose text may mean anything.

    ``problem`` says why a row can be no label, whatever it is about.
    """

    number: int
    prediction_id: str
    label: Any
    labelled_at: str | datetime | None = None
    typed: bool = True
    problem: str | None = None


def _columns(header: Sequence[str]) -> list[str]:
    names = [name.strip().lower() for name in header]
    wanted = "the first line must be prediction_id,label (labelled_at may follow)"
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        raise FileError(f"The columns are not separated by commas; {wanted}.")
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise FileError(f"The column {' and '.join(missing)} is missing; {wanted}.")
    strange = [name for name in names if name not in (*NEEDED, OPTIONAL)]
    if strange:
        raise FileError(f"The column {strange[0]!r} is not known; {wanted}.")
    if len(set(names)) < len(names):
        raise FileError(f"A column stands there twice; {wanted}.")
    return names


def lines(content: bytes) -> Iterator[Line]:
    """Rows of a CSV file by their line numbers; empty lines are passed over.

    Raises:
        FileError: it is no such file.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileError("The file is not UTF-8 text; save it as CSV UTF-8.") from None
    if "\0" in text:
        raise FileError("The file holds zero bytes; it is no CSV file.")
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        header = next((row for row in reader if row), None)
        if header is None:
            raise FileError("The file is empty; the first line must be prediction_id,label.")
        names = _columns(header)
        for row in reader:
            if row:
                cells = dict(zip(names, row, strict=False))
                yield Line(
                    reader.line_num,
                    cells.get("prediction_id", "").strip(),
                    cells.get("label", "").strip(),
                    cells.get(OPTIONAL, "").strip() or None,
                    typed=False,
                    problem=_cells(len(row), len(names)),
                )
    except csv.Error as error:
        raise FileError(f"Line {reader.line_num} is no CSV: {error}.") from None


def _cells(found: int, wanted: int) -> str | None:
    if found == wanted:
        return None
    cells = "1 cell" if found == 1 else f"{found} cells"
    return f"the row has {cells}, the first line {wanted}; put a label with a comma in quotes"


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object"


def from_cell(text: str, answer: Any, cut: float | None) -> Any:
    """What a CSV cell means beside an answer; the text itself where it means nothing."""
    if cut is not None or isinstance(answer, bool):
        return FLAGS.get(text.lower(), text)
    if isinstance(answer, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def unfit(label: Any, answer: Any, field: str, cut: float | None) -> str | None:
    """Why a label cannot be compared with an answer; None where it can."""
    wanted = "true or false" if cut is not None else _kind(answer)
    if label is None or label == "":
        return f"the label is missing; {field} wants {wanted}"
    if _kind(label) != wanted:
        return f"the label is {_kind(label)}; {field} wants {wanted}"
    if isinstance(label, list) and not all(isinstance(item, dict) and item for item in label):
        return f"the label's items must be objects such as those in {field}"
    return None


def right(label: Any, answer: Any, cut: float | None) -> bool:
    """Whether an answer agrees with a label of a kind that fits.

    With ``cut`` the answer is a number and the label says whether it should have reached it. Of
    lists each item of the label must be in the answer, with whatever keys it names, and no other.
    """
    if cut is not None:
        return bool((answer >= cut) == label)
    if not isinstance(label, list):
        return bool(label == answer)
    rest = list(answer)
    for item in label:
        found = next((a for a in rest if _holds(a, item)), None)
        if found is None:
            return False
        rest.remove(found)
    return not rest


def _holds(answer: Any, item: dict[str, Any]) -> bool:
    return isinstance(answer, dict) and all(
        key in answer and answer[key] == value for key, value in item.items()
    )
