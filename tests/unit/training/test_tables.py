"""What the tabular models learn from: honest splits, stated noise, and a task that is not easy."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from training import catalogue, tabular
from training.anomaly_detection import data as anomaly
from training.anomaly_detection.frauds import UNSEEN
from training.credit_risk import data as credit
from training.credit_risk.fields import FIELDS
from training.datasets import Row
from training.labelled_table import LabelledTable

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
BOTH = pytest.mark.parametrize("made", [credit, anomaly], ids=["credit", "anomaly"])


def everything(table: LabelledTable) -> list[Row]:
    return [*table.dataset.train, *table.dataset.val, *table.dataset.test]


@BOTH
def test_the_seed_decides_everything(made: ModuleType) -> None:
    first, again, other = (made.generated(800, seed).dataset.sha256 for seed in (5, 5, 6))
    assert first == again
    assert first != other


@BOTH
def test_every_generated_row_is_a_request_that_is_answered(made: ModuleType) -> None:
    table = made.generated(2_000)
    for request in table.requests(everything(table)):
        tabular.require_row(table.features, request)


@BOTH
def test_no_row_is_in_two_splits_and_no_validation_request_is_in_any(made: ModuleType) -> None:
    table = made.generated(4_000)
    forms = {
        name: {json.dumps(r, sort_keys=True) for r in table.requests(getattr(table.dataset, name))}
        for name in ("train", "val", "test")
    }
    assert forms["train"].isdisjoint(forms["test"])
    assert forms["train"].isdisjoint(forms["val"])
    model = "credit_risk" if made is credit else "anomaly_detection"
    asked = [case["request"] for case in catalogue.entry(model)["validation"]["cases"]]
    requests = table.requests(everything(table))
    assert [row for row in asked if row in requests] == []


@BOTH
def test_a_written_table_is_read_back_as_it_was(made: ModuleType, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    table = made.generated(800)
    assert made.write(out, 800, 20260125) == table.dataset.rows
    read = made.load(out)
    assert read.dataset.sha256 == table.dataset.sha256
    assert read.features == table.features


def test_credit_noise_of_the_stated_amount_is_in_training_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noisy, stated = credit.generated(3_000), credit.LABEL_NOISE
    monkeypatch.setattr(credit, "LABEL_NOISE", 0.0)
    clean = credit.generated(3_000)

    def changed(split: str) -> int:
        pairs = zip(getattr(noisy.dataset, split), getattr(clean.dataset, split), strict=True)
        return sum(a != b for a, b in pairs)

    assert changed("train") == round(stated * 2_100)
    assert changed("val") == changed("test") == 0


def test_anomaly_noise_of_the_stated_amount_is_in_training_only() -> None:
    data = anomaly.generated(6_000).dataset
    wrong = {
        name: sum(row["is_anomaly"] != bool(row["kind"]) for row in getattr(data, name))
        for name in ("train", "val", "test")
    }
    assert wrong["train"] == round(anomaly.LABEL_NOISE * len(data.train))
    assert wrong["val"] == wrong["test"] == 0


def test_one_kind_of_anomaly_is_met_in_the_test_split_first() -> None:
    data = anomaly.generated(8_000).dataset
    kinds = {
        name: {row["kind"] for row in getattr(data, name)} for name in ("train", "val", "test")
    }
    assert UNSEEN in kinds["test"]
    assert UNSEEN not in kinds["train"] | kinds["val"]
    assert len(kinds["train"]) == len(kinds["test"]) - 1


def raw(rows: list[Row]) -> Floats:
    """Rows as a careless person would read them: gaps are 0, categories are numbered."""
    return np.array(
        [
            [
                float(f.categories.index(row[f.name])) if f.categories else float(row[f.name] or 0)
                for f in FIELDS
            ]
            for row in rows
        ]
    )


def test_careless_credit_models_miss_the_bar() -> None:
    table = credit.generated(12_000)
    train, test = raw(table.dataset.train), raw(table.dataset.test)
    mean, spread = train.mean(axis=0), train.std(axis=0)
    labels, truth = table.labels(table.dataset.train), table.labels(table.dataset.test)
    linear = LogisticRegression(max_iter=300).fit((train - mean) / spread, labels)
    careless = roc_auc_score(truth, linear.predict_proba((test - mean) / spread)[:, 1])
    assert careless < 0.85
    alone = [roc_auc_score(truth, test[:, place]) for place in range(len(FIELDS))]
    assert max(max(auc, 1 - auc) for auc in alone) < 0.75


def rates(found: Floats, truth: Floats) -> tuple[float, float]:
    return float(found[truth].mean()), float(found[~truth].mean())


def _z_scores(train: Floats, rows: Floats) -> Floats:
    return np.abs((rows - train.mean(axis=0)) / train.std(axis=0)).max(axis=1)


def _amounts(_train: Floats, rows: Floats) -> Floats:
    return rows[:, 0]


@pytest.mark.parametrize("score", [_z_scores, _amounts])
def test_no_threshold_meets_both_bars_of_the_anomaly_detector(
    score: Callable[[Floats, Floats], Floats],
) -> None:
    table = anomaly.generated(12_000)
    names = [f.name for f in table.features if f.kind in ("number", "whole")]

    def numbers(rows: list[Row]) -> Floats:
        return np.log1p([[float(row[name] or 0) for name in names] for row in rows])

    train, test = numbers(table.dataset.train), numbers(table.dataset.test)
    scores = score(train, test)
    truth = np.array(table.labels(table.dataset.test))
    for cut in np.quantile(scores, np.linspace(0.0, 1.0, 400)):
        detected, alarms = rates(scores > cut, truth)
        assert not (detected > 0.95 and alarms < 0.01), f"above {cut} is enough"


def test_a_linear_detector_misses_the_bar() -> None:
    table = anomaly.generated(6_000)
    features = tabular.fit(table.features, table.dataset.train)
    train, test = (
        tabular.encode(features, rows) for rows in (table.dataset.train, table.dataset.test)
    )
    linear = LogisticRegression(max_iter=300).fit(train, table.labels(table.dataset.train))
    truth = np.array(table.labels(table.dataset.test))
    scores = linear.decision_function(test)
    cut = np.quantile(scores[~truth], 0.99)
    detected, _ = rates(scores > cut, truth)
    assert detected < 0.95, "even with the best cut on the test split itself"


def test_a_csv_of_other_columns_is_taken_for_what_it_looks_like(tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    with file.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["purpose", "months", "rate", "guarantor", "default"])
        for place in range(40):
            writer.writerow(["car" if place % 2 else "home", place, place / 7, place % 3 == 0,
                             -(place % 4 == 0)])  # fmt: skip
    table = credit.load(file)
    assert [(f.name, f.kind) for f in table.features] == [
        ("purpose", "category"), ("months", "whole"), ("rate", "number"), ("guarantor", "flag"),
    ]  # fmt: skip
    assert sum(table.labels(everything(table))) == 10, "-1 counts as the bad class"
