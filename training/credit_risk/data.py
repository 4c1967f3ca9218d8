"""Loan applications for the credit risk model: generated households, or read from a CSV file.

The label is drawn from each household's chance of default, so no model can know it. Beyond that,
``LABEL_NOISE`` of the training rows carry the opposite label; the other splits are as drawn.
"""

from pathlib import Path

import numpy as np

from training import labelled_table
from training.credit_risk import households
from training.credit_risk.fields import FIELDS
from training.data_command import data_app
from training.datasets import DEFAULT_SEED, deal
from training.labelled_table import LabelledTable

LABEL = "default"
DEFAULT_ROWS = 24_000
LABEL_NOISE = 0.02


def generated(rows: int = DEFAULT_ROWS, seed: int = DEFAULT_SEED) -> LabelledTable:
    """``rows`` applications, dealt 70/10/20."""
    rng = np.random.default_rng([seed, 3])
    columns, absent, chance = households.draw(rows, rng)
    drawn = labelled_table.drawn(FIELDS, columns, absent)
    labels = labelled_table.flip(rng.random(rows) < chance, deal(rows), LABEL_NOISE, rng)
    told = [{**row, LABEL: label} for row, label in zip(drawn, labels, strict=True)]
    source = f"generated:credit_risk?rows={rows}&seed={seed}"
    return labelled_table.labelled(FIELDS, LABEL, told, deal(rows), source)


def load(path: Path, seed: int = DEFAULT_SEED) -> LabelledTable:
    """Read a CSV file with a column ``default``; ``DataError`` says what is wrong with it."""
    return labelled_table.load(path, LABEL, FIELDS, seed)


def write(out: Path, rows: int, seed: int) -> int:
    """Write generated applications as CSV; returns how many."""
    return labelled_table.write(generated(rows, seed), out)


if __name__ == "__main__":
    data_app(write, DEFAULT_ROWS)()
