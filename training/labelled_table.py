"""Tables with a yes-or-no label, read from CSV: a model's own fields, or any other columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.datasets import (
    SPLITS,
    DataError,
    Dataset,
    Row,
    assign_splits,
    by_split,
    digest,
    read_table,
    require_classes,
    require_complete,
    require_splits,
    table_rows,
)
from training.serving import USER
from training.tabular import Feature, require_row

SPLIT = "split"
MOST_CATEGORIES = 50
FLAGS = {"0": False, "1": True, "false": False, "true": True}
# Some public files count the bad class as -1.
TRUTH = {**FLAGS, "-1": True}


PLAIN: dict[str, type] = {
    "number": float, "whole": int, "slot": int, "flag": bool, "category": str,
}  # fmt: skip


@dataclass(frozen=True)
class LabelledTable:
    """Rows by split, each with its fields and the column ``label``, and what the fields mean."""

    features: Sequence[Feature]
    label: str
    dataset: Dataset[Row]

    def requests(self, rows: Sequence[Row]) -> list[Row]:
        """The rows as a client would send them."""
        names = [feature.name for feature in self.features]
        return [{name: row[name] for name in names if row.get(name) is not None} for row in rows]

    def labels(self, rows: Sequence[Row]) -> list[bool]:
        """The labels of rows."""
        return [bool(row[self.label]) for row in rows]


def _word(value: Any) -> str:
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if whole else value).strip().lower()


def _truths(values: Sequence[Any], label: str, path: Path) -> list[bool]:
    words = [_word(value) for value in values]
    for number, (word, value) in enumerate(zip(words, values, strict=True), start=1):
        if word not in TRUTH:
            shown = "nothing" if pd.isna(value) else repr(value)
            raise DataError(f"column {label} of {path} holds {shown} in row {number}; write 0 or 1")
    if {"1", "-1"} <= set(words):
        raise DataError(f"column {label} of {path} holds both 1 and -1; write 0 and 1")
    return [TRUTH[word] for word in words]


def _inferred(name: str, column: pd.Series, path: Path) -> Feature:
    if pd.api.types.is_bool_dtype(column):
        return Feature(name, "flag")
    if pd.api.types.is_numeric_dtype(column):
        lowest, highest = float(column.min()), float(column.max())
        room = max(highest - lowest, 1.0)
        kind = "whole" if pd.api.types.is_integer_dtype(column) else "number"
        floor = max(lowest - room, 0.0) if lowest >= 0.0 else lowest - room
        return Feature(name, kind, minimum=floor, maximum=highest + room)
    categories = tuple(sorted({str(value) for value in column}))
    if len(categories) > MOST_CATEGORIES:
        raise DataError(
            f"column {name} of {path} holds {len(categories)} different texts; group them into "
            f"{MOST_CATEGORIES} or fewer, or remove it"
        )
    return Feature(name, "category", categories=categories)


def _features(
    frame: pd.DataFrame, label: str, own: Sequence[Feature], path: Path
) -> Sequence[Feature]:
    """The model's own fields if half of them are there, else what the columns look like."""
    names = [str(name) for name in frame.columns if name not in (label, SPLIT, USER)]
    if not names:
        raise DataError(f"{path} has no column beside {label}; add what it is told from")
    known = {feature.name for feature in own}
    if 2 * len(known & set(names)) < len(known):
        require_complete(frame, path)
        return [_inferred(name, frame[name], path) for name in names]
    missing = [f.name for f in own if not f.optional and f.name not in names]
    if missing:
        raise DataError(f"{path} has no column {', '.join(missing)}; add it")
    strange = [name for name in names if name not in known]
    if strange:
        raise DataError(f"{path} has the unknown column {', '.join(strange)}; remove it")
    return own


def _value(feature: Feature, value: Any) -> Any:
    """A cell as a request would hold it: CSV has no whole numbers with gaps and no flags."""
    if pd.isna(value):
        return None
    if feature.kind == "flag":
        return FLAGS.get(_word(value), value)
    if feature.kind == "category":
        return str(value)
    if feature.kind == "number":
        return value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _rows(frame: pd.DataFrame, features: Sequence[Feature], label: str, path: Path) -> list[Row]:
    truths = _truths(frame[label].tolist(), label, path)
    rows = []
    for number, (cells, truth) in enumerate(zip(table_rows(frame), truths, strict=True), start=1):
        row = {f.name: _value(f, cells.get(f.name)) for f in features}
        try:
            require_row(features, row)
        except ValueError as error:
            raise DataError(f"row {number} of {path} cannot be used: {error}") from None
        rows.append({**row, label: truth})
    return rows


def _splits(
    frame: pd.DataFrame, rows: Sequence[Row], label: str, path: Path, seed: int
) -> list[str]:
    labels = [row[label] for row in rows]
    require_classes([int(value) for value in labels], path, least=3)
    if SPLIT not in frame.columns:
        return assign_splits([digest([row]) for row in rows], labels, seed)
    splits = frame[SPLIT].tolist()
    require_splits(splits, path)
    seen = set(zip(splits, labels, strict=True))
    for split in SPLITS:
        for value in (False, True):
            if (split, value) not in seen:
                raise DataError(
                    f"{path} has no row with {label} {int(value)} in split {split}; add some"
                )
    return [str(split) for split in splits]


def _told(table_features: Sequence[Feature], label: str, row: Row) -> Row:
    return {name: row.get(name) for name in [*(f.name for f in table_features), label]}


def labelled(
    features: Sequence[Feature], label: str, rows: Sequence[Row], splits: Sequence[str], source: str
) -> LabelledTable:
    """Rows and their splits as a table; its digest is over fields, label and split."""
    told = [[split, _told(features, label, r)] for split, r in zip(splits, rows, strict=True)]
    return LabelledTable(features, label, by_split(rows, splits, source, digest(told)))


def load(path: Path, label: str, own: Sequence[Feature], seed: int) -> LabelledTable:
    """Read a CSV file with a column ``label`` of 0 and 1; ``DataError`` says what is wrong.

    Columns are the fields ``own``, or else each is taken for what it looks like. A column
    ``split`` is kept; without it rows are dealt 70/10/20, and equal rows stay together.
    """
    frame = read_table(path)
    if label not in frame.columns:
        raise DataError(f"{path} has no column {label}; add it with 0 or 1 in each row")
    features = _features(frame, label, own, path)
    rows = _rows(frame, features, label, path)
    return labelled(features, label, rows, _splits(frame, rows, label, path, seed), str(path))


def drawn(
    features: Sequence[Feature],
    columns: Mapping[str, NDArray[Any]],
    absent: Mapping[str, NDArray[np.bool_]],
) -> list[Row]:
    """Generated columns as rows of plain values; ``absent`` says where there is none."""
    values: dict[str, list[Any]] = {}
    for feature in features:
        plain, cells = PLAIN[feature.kind], columns[feature.name].tolist()
        gone = absent.get(feature.name, np.zeros(len(cells), dtype=bool)).tolist()
        values[feature.name] = [None if g else plain(c) for c, g in zip(cells, gone, strict=True)]
    return [dict(zip(values, cells, strict=True)) for cells in zip(*values.values(), strict=True)]


def flip(
    truth: NDArray[np.bool_], splits: Sequence[str], share: float, rng: np.random.Generator
) -> list[bool]:
    """Labels of which ``share`` of the training rows are the opposite of the truth."""
    train = np.flatnonzero(np.array(splits) == "train")
    wrong = rng.choice(train, size=round(share * len(train)), replace=False)
    labels = truth.copy()
    labels[wrong] = ~labels[wrong]
    return [bool(label) for label in labels]


def write(table: LabelledTable, out: Path) -> int:
    """Write a table as CSV that ``load`` gives back; returns how many rows."""
    parts = {name: getattr(table.dataset, name) for name in SPLITS}
    rows = [
        {**_told(table.features, table.label, row), SPLIT: split}
        for split, own in parts.items()
        for row in own
    ]
    pd.DataFrame(rows).to_csv(out, index=False)
    return len(rows)
