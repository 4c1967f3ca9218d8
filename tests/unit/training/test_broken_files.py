"""A file that cannot be trained on is refused in one sentence that says what to mend."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from training.anomaly_detection import data as anomaly
from training.credit_risk import data as credit
from training.datasets import DataError
from training.intent_classifier import data as intent

GOOD = [
    {"text": f"{words} {place}", "intent": name}
    for name, words in (("pay", "pay the bill"), ("save", "save for later"))
    for place in range(10)
]
LONE = [{"text": "pay", "intent": "pay"}]


def split(rows: list[dict[str, str]], *names: str) -> list[dict[str, str]]:
    """The rows with splits given in turn."""
    return [{**row, "split": names[place % len(names)]} for place, row in enumerate(rows)]


SENTENCES: list[tuple[Any, str]] = [
    ([], "holds no rows"),
    ({"text": "pay"}, "is not a JSON list"),
    (["pay the bill"], "row 1 of .* lacks text, intent"),
    ([{"text": "pay"}], "row 1 of .* lacks intent; each row needs text, intent"),
    ([*GOOD, {"text": "pay", "intent": None}], "row 21 of .* lacks intent"),
    ([*GOOD, {"text": "  ", "intent": "pay"}], "row 21 of .* cannot be used: text is empty"),
    ([*GOOD, {"text": 5, "intent": "pay"}], "row 21 of .* cannot be used: text is of type int"),
    (
        [*GOOD, {"text": "pay", "intent": ["pay"]}],
        "row 21 of .*: intent is of type list",
    ),
    ([*GOOD, {"text": "\ud83d", "intent": "pay"}], "row 21 of .* half of a character"),
    (GOOD[:10], "holds one class only"),
    ([*GOOD, *LONE, {"text": "x", "intent": "rare"}], "class rare of .* has 1 row"),
    (split(GOOD, "train", "dev", "test"), "has split 'dev'; use train, val and test"),
    (split(GOOD, "train", "test"), "has no row of split val"),
    ([*split(GOOD, "train", "val", "test"), *LONE], "row 21 of .* has no split, others have"),
]


@pytest.mark.parametrize(("content", "message"), SENTENCES, ids=[m for _, m in SENTENCES])
def test_sentences(content: Any, message: str, tmp_path: Path) -> None:
    file = tmp_path / "intents.json"
    file.write_text(json.dumps(content))
    with pytest.raises(DataError, match=message) as refused:
        intent.load(file)
    assert "\n" not in str(refused.value)


FILES = [
    (None, "does not exist; check --data-path"),
    (b'[{"text": ', "is not JSON .line 1"),
    (b"\xff\xfe\x00", "is not UTF-8 text"),
    (b"[" * 100_000, "is nested too deeply"),
    (b"", "is not JSON"),
]


@pytest.mark.parametrize(("content", "message"), FILES, ids=[m for _, m in FILES])
def test_files_that_are_no_json(content: bytes | None, message: str, tmp_path: Path) -> None:
    file = tmp_path / "intents.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DataError, match=message):
        intent.load(file)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    for load in (intent.load, credit.load, anomaly.load):
        with pytest.raises(DataError, match="is a folder; give a file"):
            load(tmp_path)


def table(*rows: str, repeat: int = 6) -> str:
    """A small table of other columns with both classes, and ``rows`` after it."""
    body = [f"{place},{'ab'[place % 2]},{place % 2}" for place in range(2 * repeat)]
    return "\n".join(["months,purpose,default", *body, *rows]) + "\n"


TABLES = [
    ("", "holds no rows"),
    ("months,default\n", "holds a header and no rows"),
    ("months,purpose\n1,a\n", "has no column default"),
    ("default\n1\n0\n", "has no column beside default"),
    (table("3,a,2"), "column default of .* holds 2 in row 13; write 0 or 1"),
    (table("3,a,"), "column default of .* is empty or infinite in row 13"),
    (table("3,a,-1"), "holds both 1 and -1"),
    (table(",a,1"), "column months of .* is empty or infinite in row 13"),
    (table("inf,a,1"), "column months of .* is empty or infinite in row 13"),
    (table("3,a,1,9,9"), "is not a CSV table"),
    (table().replace(",1\n", ",0\n"), "holds one class only"),
    (table(repeat=1), "class 0 of .* has 1 row; each class needs 3"),
    (
        "name,default\n" + "".join(f"n{place},{place % 2}\n" for place in range(99)),
        "column name of .* holds 99 different texts",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("content", "message"), TABLES, ids=[m for _, m in TABLES])
def test_tables(content: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "credit.csv"
    file.write_text(content)
    with pytest.raises(DataError, match=message) as refused:
        credit.load(file)
    assert "\n" not in str(refused.value)


CHANGES = [
    ("age", "column", "has no column age; add it"),
    ("age", "17", "row 1 of .* cannot be used: age is below 18"),
    ("age", "x", "row 1 of .* cannot be used: age is of type str"),
    ("city_tier", "tier_9", "city_tier has the unknown value 'tier_9'; send one of tier_1"),
    ("monthly_income", "", "row 1 of .* monthly_income is null; send a number"),
    ("has_co_applicant", "perhaps", "has_co_applicant is of type str; send true or false"),
    ("default", "yes", "column default of .* holds 'yes' in row 1"),
    ("split", "dev", "has split 'dev'"),
    ("shoe_size", "added", "has the unknown column shoe_size; remove it"),
]


@pytest.mark.parametrize(("column", "change", "message"), CHANGES, ids=[c[2] for c in CHANGES])
def test_tables_of_the_models_own_fields(
    column: str, change: str, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "credit.csv"
    credit.write(file, 60, 1)
    rows = [line.split(",") for line in file.read_text().splitlines()]
    if change == "added":
        rows = [[*row, column if place == 0 else "42"] for place, row in enumerate(rows)]
    elif change == "column":
        rows = [[c for c, n in zip(row, rows[0], strict=True) if n != column]
                for row in rows]  # fmt: skip
    else:
        rows[1][rows[0].index(column)] = change
    file.write_text("\n".join(map(",".join, rows)) + "\n")
    with pytest.raises(DataError, match=message) as refused:
        credit.load(file)
    assert "\n" not in str(refused.value)


def test_a_class_that_is_missing_from_a_split_is_named(tmp_path: Path) -> None:
    file = tmp_path / "credit.csv"
    rows = ["months,default,split"]
    rows += [f"{n},{n % 2},{'train' if n < 20 else 'val' if n < 30 else 'test'}" for n in range(40)]
    rows = [row.replace(",1,test", ",0,test") for row in rows]
    file.write_text("\n".join(rows))
    with pytest.raises(DataError, match="has no row with default 1 in split test"):
        credit.load(file)


def test_every_loader_names_its_file_and_what_to_do(tmp_path: Path) -> None:
    missing = tmp_path / "gone.csv"
    for load in (intent.load, credit.load, anomaly.load):
        with pytest.raises(DataError, match=re.escape(str(missing)) + " does not exist; check"):
            load(missing)
