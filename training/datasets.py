"""Reading training files, with errors that say what to mend. No torch, no mlflow."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import pandas as pd

Row = dict[str, Any]
T = TypeVar("T")

DEFAULT_SEED = 20260125
SHARES = {"train": 0.70, "val": 0.10, "test": 0.20}
SPLITS = tuple(SHARES)


class DataError(ValueError):
    """The training data cannot be used; the message is one sentence that says what to mend."""


@dataclass(frozen=True)
class Dataset(Generic[T]):
    """Rows by split, with where they came from and the SHA-256 of their content."""

    train: list[T]
    val: list[T]
    test: list[T]
    source: str
    sha256: str

    @property
    def rows(self) -> int:
        """Rows of all splits."""
        return len(self.train) + len(self.val) + len(self.test)


def digest(rows: Sequence[Any]) -> str:
    """SHA-256 in hex of the rows, plain or dataclasses, as canonical JSON."""
    text = json.dumps(rows, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=vars)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _read_text(path: Path) -> str:
    if path.is_dir():
        raise DataError(f"{path} is a folder; give a file")
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; check --data-path") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check its rights") from None


def read_records(path: Path, fields: Sequence[str]) -> list[Row]:
    """Rows of a JSON list of objects, each with ``fields``; ``DataError`` on anything else."""
    text = _read_text(path)
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path} is not JSON (line {error.lineno}: {error.msg}); mend it or export it again"
        ) from None
    except RecursionError:
        raise DataError(f"{path} is nested too deeply; write a list of objects") from None
    if not isinstance(rows, list):
        raise DataError(f"{path} is not a JSON list; write a list of objects")
    if not rows:
        raise DataError(f"{path} holds no rows; add some")
    wanted = ", ".join(fields)
    for number, row in enumerate(rows, start=1):
        missing = [f for f in fields if not isinstance(row, dict) or row.get(f) is None]
        if missing:
            raise DataError(
                f"row {number} of {path} lacks {', '.join(missing)}; each row needs {wanted}"
            )
    return rows


def read_table(path: Path) -> pd.DataFrame:
    """A CSV file with a header; ``DataError`` when it is empty or no table."""
    text = _read_text(path)
    try:
        frame = pd.read_csv(StringIO(text))
    except pd.errors.EmptyDataError:
        raise DataError(f"{path} holds no rows; add a header and rows") from None
    except pd.errors.ParserError as error:
        raise DataError(f"{path} is not a CSV table ({str(error).strip()}); mend it") from None
    if frame.empty:
        raise DataError(f"{path} holds a header and no rows; add some")
    return frame


def table_rows(frame: pd.DataFrame) -> list[Row]:
    """The rows as dicts of plain Python values (int, float, bool, str)."""
    columns = {str(name): frame[name].tolist() for name in frame.columns}
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def require_complete(frame: pd.DataFrame, path: Path) -> None:
    """``DataError`` when a cell is empty or infinite."""
    for name in frame.columns:
        column = frame[name]
        bad = column.isna()
        if pd.api.types.is_numeric_dtype(column):
            bad = bad | ~np.isfinite(column.astype(float))
        if bad.any():
            row = int(np.flatnonzero(bad.to_numpy())[0]) + 1
            raise DataError(
                f"column {name} of {path} is empty or infinite in row {row}; "
                "fill it or remove the row"
            )


def require_classes(labels: Sequence[Hashable], path: Path, least: int) -> None:
    """``DataError`` unless there are two classes or more, each with ``least`` rows."""
    counts = Counter(labels)
    if len(counts) < 2:
        raise DataError(f"{path} holds one class only ({next(iter(counts))}); add a second one")
    rarest = min(counts, key=lambda label: (counts[label], str(label)))
    if counts[rarest] < least:
        rows = "1 row" if counts[rarest] == 1 else f"{counts[rarest]} rows"
        raise DataError(f"class {rarest} of {path} has {rows}; each class needs {least} or more")


def deal(rows: int) -> list[str]:
    """A split per row by its place: first all of ``train``, then ``val``, then ``test``."""
    ends = np.round(np.cumsum(list(SHARES.values())) * rows).astype(int)
    return [SPLITS[place] for place in np.searchsorted(ends, np.arange(rows), side="right")]


def assign_splits(groups: Sequence[Hashable], labels: Sequence[Hashable], seed: int) -> list[str]:
    """A split per row, 70/10/20 within each label; rows of one group never part."""
    members: dict[Hashable, dict[Hashable, None]] = defaultdict(dict)
    taken: dict[Hashable, Hashable] = {}
    for group, label in zip(groups, labels, strict=True):
        members[taken.setdefault(group, label)][group] = None
    chooser = np.random.default_rng(seed)
    split_of: dict[Hashable, str] = {}
    for own in members.values():
        ordered = list(own)
        order = chooser.permutation(len(ordered))
        test, val = (max(1, round(SHARES[name] * len(order))) for name in ("test", "val"))
        for place, index in enumerate(order):
            split = "test" if place < test else "val" if place < test + val else "train"
            split_of[ordered[index]] = split
    return [split_of[group] for group in groups]


def require_splits(splits: Sequence[object], path: Path) -> None:
    """``DataError`` unless every split is known and each of the three holds rows."""
    unknown = next((s for s in splits if s not in SPLITS), None)
    if unknown is not None:
        raise DataError(f"{path} has split {unknown!r}; use train, val and test, or no split")
    missing = [name for name in SPLITS if name not in set(splits)]
    if missing:
        raise DataError(f"{path} has no row of split {', '.join(missing)}; add some")


def given_splits(records: Sequence[Row], path: Path) -> list[str] | None:
    """The field ``split`` of each row, None when no row has it; ``DataError`` on anything else."""
    lacking = [number for number, row in enumerate(records, start=1) if "split" not in row]
    if len(lacking) == len(records):
        return None
    if lacking:
        raise DataError(f"row {lacking[0]} of {path} has no split, others have; give all or none")
    splits = [str(row["split"]) for row in records]
    require_splits(splits, path)
    return splits


def by_split(rows: Sequence[T], splits: Sequence[str], source: str, sha256: str) -> Dataset[T]:
    """Group rows into a ``Dataset``."""
    parts: Mapping[str, list[T]] = {name: [] for name in SPLITS}
    for row, split in zip(rows, splits, strict=True):
        parts[split].append(row)
    return Dataset(parts["train"], parts["val"], parts["test"], source, sha256)
