"""A file of labels in parts: nothing is lost, and lines stay those of the file."""

import pytest

from backend_api.rules.label import lines
from backend_api.schemas import LabelsTaken, RefusedLabel
from console import label_file
from console.errors import BackendError
from console.label_file import parts, send


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of two rows."""
    monkeypatch.setattr(label_file, "PART_ROWS", 2)


def test_parts_hold_every_row_once_with_its_line(small: None) -> None:
    content = 'prediction_id,label\na,"x\ny"\nb,2\nc,3\r\n\nd,4\ne,5'.encode("utf-8-sig")
    whole = [(one.number, one.prediction_id, one.label) for one in lines(content)]
    cut = [
        (one.number + before, one.prediction_id, one.label)
        for part, before in parts(content)
        for one in lines(part)
    ]
    assert cut == whole
    assert [one[1] for one in cut] == ["a", "b", "c", "d", "e"]


def test_lines_are_those_of_the_file_whatever_stands_in_it(small: None) -> None:
    content = "\nprediction_id,label\na,x\u2028y\x0cz\nb,2\nc,3\nd,4\x85\ne,5\n".encode()
    whole = [(one.number, one.prediction_id, one.label) for one in lines(content)]
    cut = [
        (one.number + before, one.prediction_id, one.label)
        for part, before in parts(content)
        for one in lines(part)
    ]
    assert len(list(parts(content))) == 3
    assert cut == whole
    assert [one[0] for one in cut] == [3, 4, 5, 6, 7]


def test_a_small_file_is_sent_as_one(small: None) -> None:
    assert len(list(parts(b"prediction_id,label\na,1\n"))) == 1


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b'prediction_id,label\na,"b\n', b"nothing"])
def test_what_is_no_file_of_labels_goes_as_it_is(content: bytes) -> None:
    assert next(part for part, _ in parts(content)).startswith(content[:2])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("prediction_id,label\na,pr\xeat\nb,2\n".encode("latin-1"), "not UTF-8 text"),
        (b'prediction_id,label\na,1\nb,2\nc,"3"x\nd,4\n', "Line 4 is no CSV"),
        (b"\n\n\n\n\n\n\n\n\n\n\n\n", "The file is empty"),
    ],
)
def test_a_large_file_that_cannot_be_read_is_named_for_what_it_is(
    monkeypatch: pytest.MonkeyPatch, content: bytes, says: str
) -> None:
    # As it is, it would be refused for its size.
    monkeypatch.setattr(label_file, "PART_BYTES", 10)
    with pytest.raises(BackendError, match=says) as refused:
        send(content, lambda *_: pytest.fail("nothing is sent"))
    assert refused.value.status == 400


def test_reports_of_parts_are_summed_with_lines_of_the_file(small: None) -> None:
    content = b"prediction_id,label\na,1\nb,2\nc,3\n"

    def take(part: bytes, number: int) -> LabelsTaken:
        named = [RefusedLabel(line=2, prediction_id=f"part {number}", problem="no such")]
        return LabelsTaken(sentence="", taken=1, corrected=0, unchanged=0, refused=1, named=named)

    found = send(content, take)
    assert (found.taken, found.refused) == (2, 2)
    assert [(row.line, row.prediction_id) for row in found.named] == [(2, "part 0"), (4, "part 1")]
    assert found.sentence == "2 labels were taken, 2 rows were left out."
