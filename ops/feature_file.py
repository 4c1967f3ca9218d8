"""A file of features: each row checked, and named by its line when it cannot be taken."""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from inference.filling import converted
from ops.errors import OpsError

LONGEST_KEY, LONGEST_NAME = 256, 200
# JSON can carry these, UTF-8 and the prediction log cannot.
UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
TYPES: dict[str, type | tuple[type, ...]] = {
    "integer": int, "number": (int, float), "boolean": bool, "string": str,
}  # fmt: skip
Schema = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Row:
    """Features by name, as the store holds them. ``user`` None: those of the model itself."""

    line: int
    user: str | None
    features: dict[str, str]


@dataclass(frozen=True)
class BadRow:
    """A row that is left out, and why."""

    line: int
    problem: str


def read(path: Path, key: str, schema: Schema | None) -> Iterator[Row | BadRow]:
    """The rows of a CSV or JSONL file, in order; ``key`` names the user's field.

    With a schema each value must be of its field's type and range, and a row without the key holds
    what is the same for all users of its model. Empty cells and nulls say nothing.

    Raises:
        OpsError: the file is of another kind, cannot be read, or its head is wrong.
    """
    for line, cells in rows(path):
        yield _row(line, cells, key, schema)


def rows(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Line and cells of each row of a CSV or JSONL file, or what is wrong with it.

    Raises:
        OpsError: the file is of another kind, cannot be read, or its head is wrong.
    """
    found = {".csv": _csv, ".jsonl": _jsonl, ".ndjson": _jsonl}.get(path.suffix.lower())
    if found is None:
        raise OpsError(f"{path.name} is neither .csv nor .jsonl.", "Name the file by what it is.")
    try:
        # Bytes that are no UTF-8 become halves of characters, and their row is named for them.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            yield from found(file)
    except OSError as error:
        raise OpsError(f"{path} cannot be read: {error.strerror}.", "Give another file.") from error


def _csv(file: TextIO) -> Iterator[tuple[int, dict[str, Any] | str]]:
    reader = csv.reader(file, strict=True)
    head = next(reader, [])
    twice = sorted({name for name in head if head.count(name) > 1})
    if not head or twice:
        wrong = f"names {', '.join(twice)} twice" if twice else "is empty"
        raise OpsError(f"The head of the file {wrong}.", "Give each column a name of its own.")
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.line_num, f"it is not CSV: {error}"
            continue
        if not cells:
            continue
        if len(cells) != len(head):
            yield reader.line_num, f"it has {len(cells)} cells, the head has {len(head)}"
        else:
            yield reader.line_num, {n: c or None for n, c in zip(head, cells, strict=True)}


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number that JSON knows")


def _jsonl(file: TextIO) -> Iterator[tuple[int, dict[str, Any] | str]]:
    for line, text in enumerate(file, start=1):
        if not text.strip():
            continue
        try:
            found = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            yield line, f"it is not JSON: {error}"
            continue
        if not isinstance(found, dict):
            yield line, f"it is a JSON {type(found).__name__}, not an object"
        else:
            yield line, found


def _row(line: int, cells: dict[str, Any] | str, key: str, schema: Schema | None) -> Row | BadRow:
    if isinstance(cells, str):
        return BadRow(line, cells)
    own = key not in cells
    user = cells.pop(key, None)
    features = {name: _text(value) for name, value in cells.items() if value is not None}
    problems = [_wrong_user(user, own, key, schema), None if features else "it has no feature"]
    problems += [_wrong(name, cells[name], text, schema) for name, text in features.items()]
    found = [problem for problem in problems if problem]
    return BadRow(line, found[0]) if found else Row(line, user, features)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _wrong_user(user: Any, own: bool, key: str, schema: Schema | None) -> str | None:
    # A row of the model itself can be meant only where a model is named.
    if own and schema is not None:
        return None
    if user is None:
        return f"{key} is missing"
    if not isinstance(user, str):
        return f"{key} is of type {type(user).__name__}; a text is wanted"
    if not user or len(user) > LONGEST_KEY or UNSTORABLE.search(user):
        return f"{key} is not a text of 1 to {LONGEST_KEY} characters"
    return None


def _wrong(name: str, value: Any, text: str, schema: Schema | None) -> str | None:
    shown = UNSTORABLE.sub("?", name[:60])
    if not name or name.startswith("@") or len(name) > LONGEST_NAME or UNSTORABLE.search(name):
        return f"{shown!r} is no name for a feature"
    if UNSTORABLE.search(text):
        return f"{shown} holds what is not UTF-8, or a NUL"
    if schema is None:
        return None
    about = schema.get(name)
    if about is None:
        return f"{shown} is not a field of this model"
    return _unfit(name, converted(text, about) if isinstance(value, str) else value, about)


def _unfit(name: str, value: Any, about: Mapping[str, Any]) -> str | None:
    """Why a value is not of its field's type or range."""
    kind, shown = about.get("type", ""), str(value)[:40]
    right = TYPES.get(kind)
    if right and (not isinstance(value, right) or (isinstance(value, bool) and kind != "boolean")):
        return f"{name} is {shown!r}; wanted is: {kind}"
    if "enum" in about and value not in about["enum"]:
        return f"{name} is {shown!r}; wanted is one of {', '.join(map(str, about['enum']))}"
    if "minimum" in about and value < about["minimum"]:
        return f"{name} is {shown}, below {about['minimum']:g}"
    if "maximum" in about and value > about["maximum"]:
        return f"{name} is {shown}, above {about['maximum']:g}"
    if "max_length" in about and len(value) > about["max_length"]:
        return f"{name} has {len(value)} characters, at most {about['max_length']} are taken"
    return None
