"""Labelled answers from production put beside the rows that a version was trained on.

An export is JSON lines with ``input`` and ``label`` of each answer. What comes out is a file that
the model's own ``train`` reads with ``--data-path``; every row has a split.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from training import catalogue
from training.datasets import SHARES, SPLITS, DataError, Dataset, Row
from training.financial_ner.data import annotated
from training.labelled_table import LabelledTable
from training.templates import verbatim

# A class that the old rows do not know needs so many before it can be learnt and measured.
LEAST_OF_NEW = 10
# Which field of a request holds the text, and which field of a row its label, by model.
TEXTS = {"intent_classifier": ("query", "intent"), "financial_ner": ("text", "entities")}
TABLES = {"credit_risk": "default", "anomaly_detection": "is_anomaly"}


@dataclass(frozen=True)
class Merged:
    """Where the rows lie, how many are old and new, and why others were left out."""

    path: Path
    old: int
    new: int
    left_out: Mapping[str, int]


def _dealt(key: str) -> str:
    """The split of a new row, by its content: the same in each retraining."""
    place = int(hashlib.sha256(key.encode("utf-8")).hexdigest()[:8], 16) / 0xFFFFFFFF
    reached = 0.0
    for split in SPLITS:
        reached += SHARES[split]
        if place < reached:
            return split
    return SPLITS[0]


def _exported(path: Path) -> Iterator[tuple[dict[str, Any], Any]]:
    """Requests and their labels."""
    with path.open(encoding="utf-8") as handle:
        for line in handle:
            found = json.loads(line)
            if found.get("label") is not None and isinstance(found.get("input"), dict):
                yield found["input"], found["label"]


def _old_splits(old: Dataset[Any], key: Callable[[Any], str]) -> dict[str, str]:
    return {key(row): split for split in SPLITS for row in getattr(old, split)}


def _spans(text: str, label: Any) -> list[Row] | None:
    """Entities as training has them; None if they are none of this text's."""
    try:
        _, spans = annotated({"text": text, "entities": label}, "the row")
    # What is wrong may quote the text, and a job's message is for everybody.
    except (DataError, TypeError, KeyError):
        return None
    return [asdict(span) for span in spans]


def _texts(model: str, old: Dataset[Any], export: Path, out: Path) -> Merged:
    """Sentences: the newest label of one counts, and one that is known keeps its split."""
    field, target = TEXTS[model]
    splits = _old_splits(old, lambda row: verbatim(row.text))
    asked = {verbatim(query) for query in catalogue.validation_texts(model, field)}
    fresh: dict[str, Row] = {}
    left: Counter[str] = Counter()
    for request, label in _exported(export):
        text = request.get(field)
        if not isinstance(text, str) or not text.strip():
            left[f"the log holds no {field} of it"] += 1
            continue
        value = _spans(text, label) if target == "entities" else label
        if verbatim(text) in asked:
            left["it is asked of every staged version"] += 1
        elif value is None:
            left["its label names no entities of its text"] += 1
        else:
            split = splits.get(verbatim(text)) or _dealt(verbatim(text))
            fresh[verbatim(text)] = {"text": text, target: value, "split": split}
    kept = [
        {**asdict(row), "split": split}
        for split in SPLITS
        for row in getattr(old, split)
        if verbatim(row.text) not in fresh
    ]
    new = list(fresh.values())
    if target == "intent":
        new = _known_classes(new, {row["intent"] for row in kept}, left)
    rows = [*kept, *new]
    out.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    return Merged(out, len(kept), len(new), left)


def _known_classes(rows: Sequence[Row], known: set[str], left: Counter[str]) -> list[Row]:
    counts = Counter(row["intent"] for row in rows)
    rare = {name for name in counts if name not in known and counts[name] < LEAST_OF_NEW}
    kept = [row for row in rows if row["intent"] not in rare]
    if len(kept) < len(rows):
        left[f"its class is new and has fewer than {LEAST_OF_NEW} rows"] += len(rows) - len(kept)
    # A class is to be learnt before it can be measured.
    trained = {row["intent"] for row in kept if row["split"] == "train"} | known
    return [row if row["intent"] in trained else {**row, "split": "train"} for row in kept]


def _table(model: str, old: LabelledTable, export: Path, out: Path) -> Merged:
    label = TABLES[model]
    names = [feature.name for feature in old.features]
    needed = [feature.name for feature in old.features if not feature.optional]
    rows = [
        {**{name: row.get(name) for name in names}, label: int(row[label]), "split": split}
        for split in SPLITS
        for row in getattr(old.dataset, split)
    ]
    count, left = len(rows), Counter[str]()
    for request, value in _exported(export):
        if not isinstance(value, bool) or any(request.get(name) is None for name in needed):
            left["the log holds not all of its fields"] += 1
            continue
        told = {name: request.get(name) for name in names}
        split = _dealt(json.dumps(told, sort_keys=True))
        rows.append({**told, label: int(value), "split": split})
    pd.DataFrame(rows).to_csv(out, index=False)
    return Merged(out, count, len(rows) - count, left)


def merge(model: str, old: Dataset[Any] | LabelledTable, export: Path, folder: Path) -> Merged:
    """Write old and new rows together into a folder.

    Raises:
        DataError: nothing new can be used; the message says why.
    """
    if isinstance(old, LabelledTable):
        merged = _table(model, old, export, folder / f"{model}_updated.csv")
    else:
        merged = _texts(model, old, export, folder / f"{model}_updated.json")
    if not merged.new:
        why = "; ".join(
            f"{count:,} left out since {said}" for said, count in merged.left_out.items()
        )
        raise DataError(f"the export holds no labelled row to train on ({why or 'it has none'})")
    return merged
