"""Labels over HTTP: good rows taken at once, bad ones named, corrections recorded."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from backend_api import db
from backend_api.catalog import Catalog
from backend_api.states import Role
from tests.conftest import Backend
from tests.labelled import Log, made_at, sheet
from tests.makers import INTENT, Registry


@pytest.fixture
def noon() -> datetime:
    """The middle of two days ago, so that no test meets midnight."""
    return db.now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=2)


@pytest.fixture
def log(backend: Backend) -> Log:
    """The log of the intent classifier."""
    return Log(backend.engine)


def upload(backend: Backend, content: bytes, role: str = "analyst", **query: str) -> Any:
    return backend.client(role).post(
        "/labels/csv", content=content, headers={"Content-Type": "text/csv"}, params=query
    )


def send(backend: Backend, labels: list[dict[str, Any]], request: UUID | None = None) -> Any:
    body = {"request_id": str(request or uuid4()), "reason": "disputes", "labels": labels}
    return backend.client("analyst").post("/labels", json=body)


def intents(backend: Backend, log: Log) -> dict[str, Any]:
    """What the whole log's rows hold of their labels."""
    with backend.engine.connect() as connection:
        rows = connection.execute(
            text("SELECT prediction_id, label, correct, labelled_by FROM model_predictions")
        )
        return {str(row.prediction_id): (row.label, row.correct, row.labelled_by) for row in rows}


def test_labels_of_a_file_are_taken_and_judged(backend: Backend, log: Log, noon: datetime) -> None:
    right, wrong, bare = log.answered(noon, [{"intent": "savings"}] * 3)
    answer = upload(backend, sheet([(right, "savings"), (wrong, "emi_due_date")]))
    assert answer.status_code == 200, answer.text
    assert answer.json()["sentence"] == "2 labels were taken."
    assert intents(backend, log) == {
        str(right): ("savings", True, "token:test-analyst"),
        str(wrong): ("emi_due_date", False, "token:test-analyst"),
        str(bare): (None, None, None),
    }


def test_bad_rows_are_named_by_their_line_and_good_ones_are_taken(
    backend: Backend, log: Log, noon: datetime
) -> None:
    good, failed, twice = log.answered(noon, [{"intent": "savings"}] * 3)
    (failed,) = log.answered(noon, [None], status="error")
    lost = made_at(noon)
    gone = made_at(noon - timedelta(days=400))
    rows = [
        (good, "savings"), ("not-an-id", "savings"), (lost, "savings"), (gone, "savings"),
        (failed, "savings"), (twice, "a"), (twice, "b"), (good, ""), (uuid4(), "savings"),
    ]  # fmt: skip
    answer = upload(backend, sheet(rows)).json()
    assert (answer["taken"], answer["refused"]) == (1, 8)
    problems = {row["line"]: row["problem"] for row in answer["named"]}
    assert list(problems) == [3, 4, 5, 6, 7, 8, 9, 10]
    for line, says in (
        (3, "'not-an-id' is no prediction id"), (4, "No prediction has the id"),
        (5, "is no longer kept: the log holds 90 days"), (6, "this prediction failed"),
        (7, "lines 7 and 8 give this prediction different labels"), (8, "lines 7 and 8"),
        (9, "the label is missing; intent wants a text"), (10, "not an id that inference makes"),
    ):  # fmt: skip
        assert says in problems[line], problems[line]
    assert sum(label is not None for label, _, _ in intents(backend, log).values()) == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"id,answer\n1,2\n", "prediction_id and label is missing"),
        (b"", "empty"),
        (b"prediction_id,label\n", "no rows"),
        (b"\x89PNG\r\n", "not UTF-8"),
    ],
)
def test_a_file_of_another_kind_is_refused_whole(
    backend: Backend, content: bytes, says: str
) -> None:
    answer = upload(backend, content)
    assert (answer.status_code, says in answer.json()["message"]) == (400, True), answer.text


def test_a_file_of_which_nothing_fits_changes_nothing_and_says_why(
    backend: Backend, log: Log
) -> None:
    answer = upload(backend, sheet([(uuid7(), "savings")]))
    assert answer.status_code == 400
    assert "Line 2: The prediction of" in answer.json()["message"]
    assert answer.json()["details"]["named"][0]["line"] == 2
    ledger = backend.client("viewer").get("/ledger?action=labels.take").json()
    assert ledger["entries"] == []


def test_the_same_again_changes_nothing_and_another_label_corrects(
    backend: Backend, log: Log, noon: datetime
) -> None:
    one, other = log.answered(noon, [{"intent": "savings"}] * 2)
    file = sheet([(one, "savings"), (other, "savings")])
    assert upload(backend, file).json()["taken"] == 2
    again = upload(backend, file).json()
    assert (again["taken"], again["unchanged"]) == (0, 2)
    fixed = upload(backend, sheet([(one, "credit_score")]), role="lead").json()
    assert (fixed["taken"], fixed["corrected"]) == (1, 1)
    with backend.engine.connect() as connection:
        (kept,) = connection.execute(
            text("SELECT prediction_id, was, label, actor FROM label_corrections")
        ).all()
    assert tuple(kept) == (one, "savings", "credit_score", "test-lead")
    entries = backend.client("viewer").get("/ledger?action=labels.take").json()["entries"]
    assert [(e["actor"], e["evidence"]["corrected"]) for e in entries] == [
        ("test-lead", 1), ("token:test-analyst", 0),
    ]  # fmt: skip


def test_a_row_with_other_cells_than_the_first_line_is_told_so(
    backend: Backend, log: Log, noon: datetime
) -> None:
    one, other, good = log.answered(noon, [{"intent": "savings"}] * 3)
    content = f"prediction_id,label\n{one},savings, and more\n{other}\n{good},savings\n"
    answer = upload(backend, content.encode()).json()
    assert answer["taken"] == 1
    assert [row["problem"] for row in answer["named"]] == [
        f"the row has {cells}, the first line 2; put a label with a comma in quotes"
        for cells in ("3 cells", "1 cell")
    ]


def test_zero_bytes_in_one_row_do_not_refuse_the_others(
    backend: Backend, log: Log, noon: datetime
) -> None:
    one, listed, good = log.answered(noon, [{"intent": "savings"}] * 3)
    answer = send(
        backend,
        [
            {"prediction_id": str(one), "label": "sav\0ings"},
            {"prediction_id": str(listed), "label": [{"a\0b": "c"}]},
            {"prediction_id": "a\0b", "label": "savings"},
            {"prediction_id": str(good), "label": "savings"},
        ],
    )
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["taken"], [row["line"] for row in found["named"]]) == (1, [1, 2, 3])
    assert "the label holds a zero byte" in found["named"][0]["problem"]


def test_a_repeat_of_a_request_gets_the_first_answer(
    backend: Backend, log: Log, noon: datetime
) -> None:
    (one,) = log.answered(noon, [{"intent": "savings"}])
    request = uuid4()
    rows = [{"prediction_id": str(one), "label": "savings"}]
    first = send(backend, rows, request)
    assert first.status_code == 200, first.text
    assert send(backend, rows, request).json() == first.json()
    assert send(backend, [{"prediction_id": str(one), "label": "a"}], request).status_code == 409


def test_a_list_carries_typed_labels_and_when_they_were_made(
    backend: Backend, log: Log, noon: datetime
) -> None:
    (one, two, three) = log.answered(noon, [{"intent": "savings"}] * 3)
    later = (noon + timedelta(hours=5)).isoformat()
    answer = send(
        backend,
        [
            {"prediction_id": str(one), "label": "savings", "labelled_at": later},
            {"prediction_id": str(two), "label": 7},
            {
                "prediction_id": str(three),
                "label": "savings",
                "labelled_at": "2031-01-01T00:00:00Z",
            },
        ],
    ).json()
    assert (answer["taken"], answer["refused"]) == (1, 2)
    assert "label is a number; intent wants a text" in answer["named"][0]["problem"]
    assert "still to come" in answer["named"][1]["problem"]
    assert log.column("labelled_at")[str(one)] == noon + timedelta(hours=5)


def test_labels_fit_each_models_own_answers(backend: Backend, noon: datetime) -> None:
    credit = Log(backend.engine, "credit_risk")
    (risky, safe) = credit.answered(noon, [{"probability": 0.7}, {"probability": 0.1}])
    ner = Log(backend.engine, "financial_ner")
    (entities,) = ner.answered(noon, [{"entities": [{"label": "BANK", "start": 0, "end": 4}]}])
    rows = [
        (risky, "true"), (safe, "1"),
        (entities, '"[{""label"": ""BANK"", ""start"": 0}]"'),
    ]  # fmt: skip
    answer = upload(backend, sheet(rows)).json()
    assert answer["taken"] == 3, answer
    correct = credit.column("correct")
    assert [correct[str(one)] for one in (risky, safe, entities)] == [True, False, True]


def test_who_may_not_see_predictions_may_not_label_them(
    backend: Backend, log: Log, noon: datetime
) -> None:
    (one,) = log.answered(noon, [{"intent": "savings"}])
    for role in (Role.VIEWER, Role.MACHINE):
        assert upload(backend, sheet([(one, "savings")]), role=role).status_code == 403
    admin: httpx2.Response = upload(backend, sheet([(one, "savings")]), role=Role.ADMIN)
    assert admin.status_code == 403
    assert intents(backend, log)[str(one)][0] is None


def test_accuracy_of_a_version_that_is_none_says_so(backend: Backend, catalog: Catalog) -> None:
    Registry(backend.engine, catalog).promoted("v1.0.0")
    place = f"/models/{INTENT}/accuracy"
    viewer = backend.client("viewer")
    assert viewer.get(place, params={"version": "v1.0.0"}).status_code == 200
    answer = viewer.get(place, params={"version": "v9.9.9"})
    assert answer.status_code == 404
    assert "has no version v9.9.9" in answer.json()["message"]
