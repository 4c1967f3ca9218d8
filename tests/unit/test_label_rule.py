"""Reading labels from CSV, and holding answers against them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_api.rules.label import FileError, from_cell, lines, right, unfit

ENTITY = {"text": "₹500", "label": "AMOUNT", "start": 0, "end": 4, "confidence": 0.98}
BANK = {"text": "HDFC", "label": "BANK", "start": 8, "end": 12, "confidence": 0.7}


def test_rows_keep_the_lines_that_a_person_sees() -> None:
    content = 'prediction_id,label,labelled_at\r\na,"x, ""y""",\r\n\r\nb,\nc\n'.encode("utf-8-sig")
    found = list(lines(content))
    assert [(one.number, one.prediction_id, one.label) for one in found] == [
        (2, "a", 'x, "y"'), (4, "b", ""), (5, "c", ""),
    ]  # fmt: skip
    assert [one.problem and one.problem.partition(";")[0] for one in found] == [
        None, "the row has 2 cells, the first line 3", "the row has 1 cell, the first line 3",
    ]  # fmt: skip
    assert [one.labelled_at for one in found] == [None, None, None]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"id,label\n1,2\n", "column prediction_id is missing"),
        (b"prediction_id,label,note\n", "column 'note' is not known"),
        (b"prediction_id;label\na;b\n", "not separated by commas"),
        (b"prediction_id,label,label\n", "stands there twice"),
        (b'prediction_id,label\na,"b\n', "is no CSV"),
        (b"prediction_id,label\na,\xff\n", "not UTF-8"),
        (b"prediction_id,label\na,\0\n", "zero bytes"),
    ],
)
def test_a_file_that_is_none_says_what_to_mend(content: bytes, says: str) -> None:
    with pytest.raises(FileError, match=says):
        list(lines(content))


@given(st.binary(max_size=200))
def test_any_bytes_are_rows_or_one_sentence(content: bytes) -> None:
    said = ""
    try:
        numbers = [one.number for one in lines(b"prediction_id,label\n" + content)]
    except FileError as error:
        numbers, said = [], str(error)
    assert numbers == sorted(numbers)
    assert said == "" or said.endswith(".")


@pytest.mark.parametrize(
    ("cell", "answer", "cut", "label"),
    [
        ("loan_affordability", "emi_due_date", None, "loan_affordability"),
        ("TRUE", False, None, True),
        ("0", 0.71, 0.5, False),
        ("3.5", 2.0, None, 3.5),
        ('[{"label": "BANK"}]', [], None, [{"label": "BANK"}]),
        ("perhaps", True, None, "perhaps"),
        ("many", 1.0, None, "many"),
    ],
)
def test_a_cell_means_what_the_answer_beside_it_is(
    cell: str, answer: Any, cut: float | None, label: Any
) -> None:
    assert from_cell(cell, answer, cut) == label


@pytest.mark.parametrize(
    ("label", "answer", "cut", "says"),
    [
        (None, "a", None, "label is missing; intent wants a text"),
        ("", "a", None, "label is missing"),
        (1, "a", None, "is a number; intent wants a text"),
        ("yes", True, None, "is a text; intent wants true or false"),
        (1, 0.7, 0.5, "is a number; intent wants true or false"),
        (True, 0.7, None, "is true or false; intent wants a number"),
        (["BANK"], [], None, "items must be objects"),
        ({"a": 1}, [], None, "is an object; intent wants a list"),
    ],
)
def test_a_label_of_another_kind_is_named(
    label: Any, answer: Any, cut: float | None, says: str
) -> None:
    assert says in (unfit(label, answer, "intent", cut) or "")


@pytest.mark.parametrize(
    ("label", "answer", "cut", "agrees"),
    [
        ("a", "a", None, True),
        ("a", "b", None, False),
        (True, 0.5, 0.5, True),
        (True, 0.49, 0.5, False),
        (False, 0.49, 0.5, True),
        ([], [], None, True),
        ([], [ENTITY], None, False),
        ([{"label": "AMOUNT", "start": 0, "end": 4}], [ENTITY], None, True),
        ([{"label": "BANK"}, {"label": "AMOUNT"}], [ENTITY, BANK], None, True),
        ([{"label": "BANK"}, {"label": "BANK"}], [ENTITY, BANK], None, False),
        ([{"label": "AMOUNT", "start": 1, "end": 4}], [ENTITY], None, False),
    ],
)
def test_an_answer_is_right_or_wrong(
    label: Any, answer: Any, cut: float | None, agrees: bool
) -> None:
    assert unfit(label, answer, "field", cut) is None
    assert right(label, answer, cut) is agrees
