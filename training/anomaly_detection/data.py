"""Payments for the anomaly detector: generated accounts, or read from a CSV file.

Accounts are dealt to the splits whole. ``LABEL_NOISE`` of the training rows carry the wrong
label, and one kind of anomaly is in the test split only; validation and test labels are right.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training import labelled_table
from training.anomaly_detection import accounts, frauds
from training.anomaly_detection.accounts import Columns, Rng
from training.anomaly_detection.fields import FIELDS
from training.data_command import data_app
from training.datasets import DEFAULT_SEED, deal
from training.labelled_table import LabelledTable

LABEL = "is_anomaly"
DEFAULT_ROWS = 60_000
LABEL_NOISE = 0.005
ANOMALIES = 0.06
# Payments of which no more is known than what the merchant sends.
BARE = 0.08
PAYMENTS = 40


def _kinds(splits: NDArray[np.str_], bare: NDArray[np.bool_], rng: Rng) -> NDArray[np.str_]:
    """The kind of anomaly of each row, empty for an honest payment."""
    count = len(splits)
    known = [kind for kind in frauds.KINDS if kind != frauds.UNSEEN]
    kinds = rng.choice(known, size=count).astype(object)
    unseen = (splits == "test") & (rng.random(count) < 1 / len(frauds.KINDS))
    kinds[unseen] = frauds.UNSEEN
    kinds[bare] = frauds.PLAIN
    kinds[rng.random(count) >= ANOMALIES] = ""
    return kinds.astype(str)


def _corrupt(columns: Columns, kinds: NDArray[np.str_], rng: Rng) -> None:
    for kind, change in frauds.KINDS.items():
        own = np.flatnonzero(kinds == kind)
        changed = change({name: values[own] for name, values in columns.items()}, rng)
        for name, values in changed.items():
            if columns[name].dtype.kind == "U":
                columns[name] = columns[name].astype(object)
            columns[name][own] = values


def _round(columns: Columns) -> None:
    for name, digits in (("amount", 0), ("usual_amount", 0), ("balance_before", 0),
                         ("spent_24h", 0), ("minutes_since_last", 1), ("km_from_last", 1),
                         ("share_at_hour", 4)):  # fmt: skip
        columns[name] = np.round(columns[name], digits)
    columns["amount"] = np.maximum(columns["amount"], 1.0)


def generated(rows: int = DEFAULT_ROWS, seed: int = DEFAULT_SEED) -> LabelledTable:
    """About ``rows`` payments, ``PAYMENTS`` of each account, dealt 70/10/20.

    Rows tell the ``kind`` of anomaly too, which is not among the features.
    """
    rng = np.random.default_rng([seed, 4])
    count = max(10, round(rows / PAYMENTS))
    splits = [split for split in deal(count) for _ in range(PAYMENTS)]
    own = np.repeat(np.arange(count), PAYMENTS)
    columns = accounts.pay(accounts.open_accounts(count, rng), own, rng)
    bare = rng.random(len(own)) < BARE
    kinds = _kinds(np.array(splits), bare, rng)
    _corrupt(columns, kinds, rng)
    _round(columns)
    absent = {field.name: bare for field in FIELDS if field.optional}
    labels = labelled_table.flip(kinds != "", splits, LABEL_NOISE, rng)
    told = [
        {**row, LABEL: label, "kind": str(kind)}
        for row, label, kind in zip(
            labelled_table.drawn(FIELDS, columns, absent), labels, kinds, strict=True
        )
    ]
    source = f"generated:anomaly_detection?rows={rows}&seed={seed}"
    return labelled_table.labelled(FIELDS, LABEL, told, splits, source)


def load(path: Path, seed: int = DEFAULT_SEED) -> LabelledTable:
    """Read a CSV file with a column ``is_anomaly``; ``DataError`` says what is wrong with it."""
    return labelled_table.load(path, LABEL, FIELDS, seed)


def write(out: Path, rows: int, seed: int) -> int:
    """Write generated payments as CSV; returns how many."""
    return labelled_table.write(generated(rows, seed), out)


if __name__ == "__main__":
    data_app(write, DEFAULT_ROWS)()
