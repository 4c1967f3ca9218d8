"""What the new texts say, and Evidently's report: ordered, followed and opened on the page."""

import pytest
from sqlalchemy import text

from backend_api import deep_report, text_drift
from tests.conftest import Backend
from tests.contract.test_text_drift import deliver, referenced
from tests.makers import INTENT, Registry
from tests.pages.conftest import Opened
from tests.pages.reading import buttons, fill, press, words
from tests.profiles import Counted, number, profile
from tests.queued import work
from tests.unit.test_text_drift import MONEY, TRAVEL, asked

VERSION = "v1.0.0"


@pytest.fixture
def travelling(backend: Backend, registry: Registry, database_url: str) -> Backend:
    """A version whose reference spoke of money, and whose users speak of travel."""
    referenced(backend)
    deliver(database_url, asked(MONEY, 100, 3))
    with backend.engine.begin() as connection:
        connection.execute(text("SELECT ensure_prediction_partition(current_date - 2 + n)"
                                " FROM generate_series(0, 2) AS n"))  # fmt: skip
        connection.execute(
            text("UPDATE model_predictions SET predicted_at = predicted_at - interval '1 day'")
        )
    deliver(database_url, asked(TRAVEL, 600, 2))
    return backend


@pytest.fixture
def counted(backend: Backend, registry: Registry) -> Counted:
    """A version that reads numbers only."""
    return Counted(backend.engine, profile(number("amount")))


def test_typical_words_of_new_texts_are_for_analysts(opened: Opened, travelling: Backend) -> None:
    page = {"model": INTENT, "version": VERSION, "days": "1"}
    app = opened("analyst", "drift", **page)
    assert "The texts were not compared with those of v1.0.0 yet." in words(app)
    fill(app, f"texts.{INTENT}", "a new campaign")
    press(app, "Compare texts")
    assert "Compare texts" not in buttons(app), "one is under way"
    work(travelling, text_drift.KIND)
    app.run()
    seen = words(app)
    assert "Texts are clearly others than those of the reference: score" in seen
    assert "Typical words" in seen
    assert "600 new texts beside" in seen
    (age,) = (m.value for m in app.markdown if "Compared <time" in m.value)
    assert age.startswith(":small[:gray[600 new texts"), "an age is HTML, which a caption escapes"
    assert "| Texts of | State | Score |" in seen
    assert "Compare texts" in buttons(app)
    viewer = words(opened("viewer", "drift", **page))
    assert "Reading texts is for" in viewer
    assert "Typical words" not in viewer


def test_a_model_without_texts_has_no_words(opened: Opened, counted: Counted) -> None:
    counted.day(0)
    assert "What the new texts say" not in words(opened("analyst", "drift", model=INTENT))


@pytest.mark.long
def test_a_report_is_ordered_followed_and_opened_in_the_page(
    opened: Opened, travelling: Backend
) -> None:
    page = {"model": INTENT, "version": VERSION, "days": "1"}
    app = opened("analyst", "drift", **page)
    assert "No report on v1.0.0 was made yet." in words(app)
    fill(app, f"report.{INTENT}", "the score has risen")
    press(app, "Order the report")
    assert "Order the report" not in buttons(app), "one is under way"
    work(travelling, deep_report.KIND)
    app.run()
    app.toggle(key="report.open").set_value(True).run()
    assert not app.exception
    (frame,) = app.get("iframe")
    assert "<!doctype html>" in frame.proto.srcdoc[:100].lower()
    assert "Reading reports is for" in words(opened("viewer", "drift", **page))
