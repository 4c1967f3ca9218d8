"""Loan applications for the credit risk model: generated households, or read from a CSV file.

The label is drawn from each household's chance of default, so no model can know it. Beyond that,
``LABEL_NOISE`` of the training rows carry the opposite label; the other splits are as drawn.
"""

from pathlib import Path
from typing import Any

import numpy as np

from training import labelled_table
from training.credit_risk import households
from training.credit_risk.fields import FIELDS
from training.data_command import data_app
from training.datasets import DEFAULT_SEED, Row, deal
from training.labelled_table import LabelledTable

LABEL = "default"
DEFAULT_ROWS = 24_000
LABEL_NOISE = 0.02
PLAIN: dict[str, type] = {
    "number": float, "whole": int, "slot": int, "flag": bool, "category": str,
}  # fmt: skip


def _rows(count: int, rng: np.random.Generator) -> list[Row]:
    columns, absent, chance = households.draw(count, rng)
    values: dict[str, list[Any]] = {}
    for field in FIELDS:
        plain = PLAIN[field.kind]
        gone = absent.get(field.name, np.zeros(count, dtype=bool)).tolist()
        cells = columns[field.name].tolist()
        values[field.name] = [None if g else plain(v) for v, g in zip(cells, gone, strict=True)]
    values[LABEL] = (rng.random(count) < chance).tolist()
    return [dict(zip(values, cells, strict=True)) for cells in zip(*values.values(), strict=True)]


def generated(rows: int = DEFAULT_ROWS, seed: int = DEFAULT_SEED) -> LabelledTable:
    """``rows`` applications, dealt 70/10/20."""
    rng = np.random.default_rng([seed, 3])
    drawn = _rows(rows, rng)
    splits = deal(rows)
    train = splits.count("train")
    for place in rng.choice(train, size=round(LABEL_NOISE * train), replace=False):
        drawn[place][LABEL] = not drawn[place][LABEL]
    source = f"generated:credit_risk?rows={rows}&seed={seed}"
    return labelled_table.labelled(FIELDS, LABEL, drawn, splits, source)


def load(path: Path, seed: int = DEFAULT_SEED) -> LabelledTable:
    """Read a CSV file with a column ``default``; ``DataError`` says what is wrong with it."""
    return labelled_table.load(path, LABEL, FIELDS, seed)


def write(out: Path, rows: int, seed: int) -> int:
    """Write generated applications as CSV; returns how many."""
    return labelled_table.write(generated(rows, seed), out)


if __name__ == "__main__":
    data_app(write, DEFAULT_ROWS)()
