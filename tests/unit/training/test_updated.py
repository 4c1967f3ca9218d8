"""Labelled answers beside old rows: what is taken, into which split, and what is left out."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from training import updated
from training.credit_risk import data as credit
from training.datasets import DataError
from training.financial_ner import data as ner
from training.intent_classifier import data as intents

INTENT = "intent_classifier"


def export(folder: Path, rows: list[tuple[dict[str, Any], Any]]) -> Path:
    path = folder / "labelled.jsonl"
    said = [json.dumps({"input": request, "label": label}) for request, label in rows]
    path.write_text("\n".join(said) + "\n", encoding="utf-8")
    return path


def test_new_sentences_are_dealt_and_known_ones_keep_their_split(tmp_path: Path) -> None:
    old = intents.generated(600, 1)
    tested = old.test[0]
    rows: list[tuple[dict[str, Any], Any]] = [
        ({"query": f"shift my spare money number {n} into a pot", "user_id": "u"}, "savings_advice")
        for n in range(60)
    ]
    known = tested.intent
    rows = [(request, known) for request, _ in rows]
    rows.append(({"query": tested.text}, known))
    rows.append(({"query": "Will it rain in Pune tomorrow?"}, known))
    rows.append(({"query": "h:0123"}, "a class of one"))
    rows.append(({"channel": "app"}, known))
    merged = updated.merge(INTENT, old, export(tmp_path, rows), tmp_path)
    assert (merged.old, merged.new) == (old.rows - 1, 61)
    assert sorted(merged.left_out.values()) == [1, 1, 1]
    read = intents.load(merged.path)
    assert read.rows == old.rows + 60
    assert tested.text in {row.text for row in read.test}
    added = {
        split: sum("spare money" in row.text for row in getattr(read, split))
        for split in ("train", "val", "test")
    }
    assert added["train"] > added["test"] > 0
    # The same rows are dealt the same way in the next retraining.
    again = updated.merge(INTENT, old, tmp_path / "labelled.jsonl", tmp_path)
    assert intents.load(again.path).sha256 == read.sha256


def test_a_new_class_with_enough_rows_is_learnt_before_it_is_measured(tmp_path: Path) -> None:
    old = intents.generated(600, 1)
    rows = [({"query": f"crypto question number {n}"}, "crypto") for n in range(30)]
    merged = updated.merge(INTENT, old, export(tmp_path, rows), tmp_path)
    read = intents.load(merged.path)
    assert {row.intent for row in read.train} >= {"crypto"}


def test_applications_keep_their_columns(tmp_path: Path) -> None:
    old = credit.generated(400, 1)
    request = {
        name: value for name, value in old.dataset.test[0].items()
        if name != "default" and value is not None
    }  # fmt: skip
    rows: list[tuple[dict[str, Any], Any]] = [(request, True), ({"age": 30}, False), (request, 1)]
    merged = updated.merge("credit_risk", old, export(tmp_path, rows), tmp_path)
    assert (merged.old, merged.new, list(merged.left_out.values())) == (400, 1, [2])
    read = credit.load(merged.path)
    assert read.dataset.rows == 401
    assert list(pd.read_csv(merged.path).columns)[-2:] == ["default", "split"]


def test_entities_need_to_say_where_they_stand(tmp_path: Path) -> None:
    old = ner.generated(300, 1)
    text = "Paid ₹900 to Swiggy on friday last"
    start = text.index("Swiggy")
    where = {"label": "MERCHANT", "start": start, "end": start + 6, "text": "Swiggy"}
    rows: list[tuple[dict[str, Any], Any]] = [
        ({"text": text}, [where]), ({"text": "Paid Zomato too"}, [{"label": "MERCHANT"}]),
    ]  # fmt: skip
    merged = updated.merge("financial_ner", old, export(tmp_path, rows), tmp_path)
    assert (merged.new, list(merged.left_out.values())) == (1, [1])
    assert ner.load(merged.path).rows == merged.old + 1


def test_an_export_of_which_nothing_fits_is_refused(tmp_path: Path) -> None:
    old = intents.generated(600, 1)
    rows = [({"query_hash": "x"}, "savings")]
    with pytest.raises(DataError, match="1 left out since the log holds no query of it"):
        updated.merge(INTENT, old, export(tmp_path, rows), tmp_path)
