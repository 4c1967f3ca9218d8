"""Files of features: every row is taken or named with its line."""

from pathlib import Path

import pytest

from ops.errors import OpsError
from ops.feature_file import BadRow, Row, read

SCHEMA = {
    "age": {"type": "integer", "minimum": 18, "maximum": 75},
    "income": {"type": "number", "minimum": 0},
    "insured": {"type": "boolean"},
    "tier": {"type": "string", "enum": ["tier_1", "tier_2"]},
    "note": {"type": "string", "max_length": 5},
}


def rows(path: Path, content: bytes | str, *, checked: bool = True) -> list[Row | BadRow]:
    """What a file with this content holds."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read(path, "user_id", SCHEMA if checked else None))


def problems(found: list[Row | BadRow]) -> dict[int, str]:
    """Of the rows that are left out."""
    return {row.line: row.problem for row in found if isinstance(row, BadRow)}


def test_a_csv_gives_texts_and_leaves_empty_cells_out(tmp_path: Path) -> None:
    content = '\ufeffuser_id,age,income,note\nu1,30,,hi\n\n"u,2",31,5.5,\n'
    assert rows(tmp_path / "f.csv", content) == [
        Row(2, "u1", {"age": "30", "note": "hi"}),
        Row(4, "u,2", {"age": "31", "income": "5.5"}),
    ]


def test_jsonl_keeps_numbers_and_truths_as_json_writes_them(tmp_path: Path) -> None:
    content = '{"user_id": "u1", "age": 30, "insured": true, "note": null}\n{"tier": "tier_1"}\n'
    assert rows(tmp_path / "f.jsonl", content) == [
        Row(1, "u1", {"age": "30", "insured": "true"}),
        Row(2, None, {"tier": "tier_1"}),
    ]


def test_bad_rows_of_a_csv_are_named_and_the_good_ones_are_taken(tmp_path: Path) -> None:
    content = (
        b"user_id,age,tier\n"
        b"u1,17,\nu2,many,\nu3,30\n,30,\nu5,30,tier_9\nu6,30,\xff\nu7,,\n"
        b'u8,"30"x,tier_1\nu9,30,tier_1\n'
    )
    found = rows(tmp_path / "f.csv", content)
    named = problems(found)
    assert sorted(named) == [2, 3, 4, 5, 6, 7, 8, 9]
    assert named[2] == "age is 17, below 18"
    assert "wanted is: integer" in named[3]
    assert "2 cells, the head has 3" in named[4]
    assert "user_id is missing" in named[5]
    assert "tier_1, tier_2" in named[6]
    assert "UTF-8" in named[7]
    assert "no feature" in named[8]
    assert "not CSV" in named[9]
    assert [row for row in found if isinstance(row, Row)] == [
        Row(10, "u9", {"age": "30", "tier": "tier_1"})
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not JSON"), ("[1]", "JSON list"), ('{"user_id": 7, "age": 30}', "type int"),
        ('{"user_id": null, "age": 30}', "user_id is missing"),
        ('{"user_id": "u", "age": NaN}', "NaN"), ('{"user_id": "u", "age": true}', "integer"),
        ('{"user_id": "u", "age": 30.5}', "integer"), ('{"user_id": "", "age": 30}', "1 to 256"),
        ('{"user_id": "u", "shoe": 44}', "not a field"), ('{"user_id": "u"}', "no feature"),
        ('{"user_id": "u", "note": "a\\u0000b"}', "NUL"),
        ('{"user_id": "u", "note": "longer"}', "6 characters"),
        ('{"user_id": "u", "@age": "1"}', "no name"),
    ],
)  # fmt: skip
def test_bad_lines_of_jsonl_are_named(tmp_path: Path, line: str, said: str) -> None:
    assert said in problems(rows(tmp_path / "f.jsonl", f"{line}\n"))[1]


def test_without_a_model_values_are_taken_as_they_are_but_a_user_is_wanted(tmp_path: Path) -> None:
    found = rows(tmp_path / "f.csv", "user_id,shoe\nu1,44\n", checked=False)
    assert found == [Row(2, "u1", {"shoe": "44"})]
    found = rows(tmp_path / "f.csv", "shoe\n44\n", checked=False)
    assert "user_id is missing" in problems(found)[2]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("f.xlsx", "", "neither .csv nor .jsonl"), ("f.csv", "", "is empty"),
        ("f.csv", "user_id,age,age\n", "names age twice"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_understood_is_refused_whole(
    tmp_path: Path, name: str, content: str, said: str
) -> None:
    with pytest.raises(OpsError, match=said):
        rows(tmp_path / name, content)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OpsError, match="No such file"):
        list(read(tmp_path / "nothing.csv", "user_id", None))
