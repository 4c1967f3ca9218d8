"""Is the model still right, as each role sees it, and labels by a file."""

from datetime import timedelta

import pytest

from backend_api import db, spans, watch
from backend_api.catalog import Catalog
from backend_api.states import Role
from tests.conftest import Backend
from tests.labelled import Log, sheet
from tests.makers import INTENT, Registry
from tests.pages.conftest import PEOPLE, Opened
from tests.pages.reading import bare, buttons, fill, press, row, words

RIGHT = {"intent": "savings"}


@pytest.fixture
def log(backend: Backend, registry: Registry, catalog: Catalog) -> Log:
    """v1.1.0 gave 100 answers at noon yesterday, all counted."""
    made = Log(backend.engine)
    noon = spans.floor(db.now(), timedelta(days=1)) - timedelta(hours=12)
    made.answered(noon, [RIGHT] * 100)
    look(backend, catalog)
    return made


def look(backend: Backend, catalog: Catalog, hours: float = 0) -> None:
    now = db.now() + timedelta(hours=hours)
    for _ in range(10):
        with db.transaction(backend.engine, "watch") as session:
            watch.review_accuracy(session, catalog.get(INTENT), INTENT, now)


def test_a_model_that_answered_nothing_says_what_to_do(opened: Opened, registry: Registry) -> None:
    seen = words(opened("viewer", "accuracy", model=INTENT))
    assert "Not known: no day of v1.1.0 in the last 7 is labelled to 10 % or more." in seen
    assert "Nothing was answered in these days, or nothing is counted yet." in seen


def test_labels_by_a_file_with_a_report_of_its_wrong_lines(opened: Opened, log: Log) -> None:
    app = opened("analyst", "accuracy", model=INTENT)
    rows = [(one, "savings") for one in log.ids[:40]]
    file = sheet([*rows, ("not-an-id", "savings"), (log.ids[50], "")])
    app.file_uploader(key="labels.file").set_value(("labels.csv", file, "text/csv"))
    fill(app, "labels", "disputes of October")
    press(app, "Take the labels")
    seen = words(app)
    assert "40 labels were taken. 2 rows were left out" in seen
    assert "no prediction id" in row(app, "42")
    assert "the label is missing; intent wants a text" in row(app, "43")
    assert "v1.1.0, last 7 days: 40 of 40 labelled answers were right, between 92.78 %" in seen
    assert "259 more labels decide, if none of them is wrong." in seen
    assert "40 % of 100" in seen


def test_a_file_of_another_kind_is_refused_in_a_sentence(opened: Opened, log: Log) -> None:
    app = opened("analyst", "accuracy", model=INTENT)
    app.file_uploader(key="labels.file").set_value(("x.csv", b"id;intent\n", "text/csv"))
    fill(app, "labels", "disputes of October")
    press(app, "Take the labels")
    assert "not separated by commas" in app.error[0].value


def test_a_fall_is_an_incident_that_oncall_takes_on(
    opened: Opened, log: Log, backend: Backend, catalog: Catalog
) -> None:
    rows = sheet([(one, "credit_score") for one in log.ids[:60]])
    sent = backend.client("analyst").post(
        "/labels/csv", content=rows, headers={"Content-Type": "text/csv"}
    )
    assert sent.status_code == 200, sent.text
    look(backend, catalog, hours=1)
    assert "Intent Classifier is right less often than it was." in words(opened("viewer"))
    app = opened("oncall", "accuracy", model=INTENT)
    seen = words(app)
    assert "It has fallen by more than 5 points: it was 99.40 %" in seen
    assert "Intent Classifier is right less often than it was" in seen
    fill(app, "incident", "asking the branch about its labels")
    press(app, "I look at it")
    seen = words(app)
    assert "The incident is acknowledged" in seen
    assert "some-oncall acknowledged it: asking the branch about its labels" in seen
    assert "Acknowledging and resolving is for on-call and leads." in words(
        opened("viewer", "accuracy", model=INTENT)
    )


def test_a_candidate_is_ordered_and_its_progress_stands_there(
    opened: Opened, log: Log, backend: Backend
) -> None:
    barred = "Training is for analysts, on-call, leads and machine tokens."
    assert barred in words(opened("admin", "accuracy", model=INTENT))
    app = opened("analyst", "accuracy", model=INTENT)
    fill(app, f"retrain.{INTENT}", "drift of 0.34 since Monday")
    press(app, "Train a candidate")
    assert "A successor of intent_classifier v1.1.0 is being trained" in words(app)
    bars = [bar.text for bar in app.get("progress")]
    assert ["Queued, from v1.1.0" in bare(text) for text in bars] == [True]
    assert "Train a candidate" not in buttons(app), "one at a time"


def test_who_may_not_see_predictions_gives_no_labels(opened: Opened, log: Log) -> None:
    pages = {role: opened(role, "accuracy", model=INTENT) for role in PEOPLE}
    able = {role for role, app in pages.items() if "Take the labels" in buttons(app)}
    assert able == {Role.ANALYST, Role.ONCALL, Role.LEAD}
    assert "what did I spend" not in "".join(words(app) for app in pages.values())
