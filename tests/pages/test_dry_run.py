"""A plan tried on past traffic, on the Canary page."""

import pytest
from streamlit.testing.v1 import AppTest

from backend_api.catalog import Catalog
from tests.canaries import Canary
from tests.conftest import Backend
from tests.makers import INTENT
from tests.pages.conftest import Opened
from tests.pages.reading import press, row, words


@pytest.fixture
def logged(backend: Backend, catalog: Catalog) -> Canary:
    """Three hours and twenty minutes of answers to 100 users a minute, some hours ago."""
    return Canary(backend.engine, catalog).begin().answers(200, canary=10, stable=90)


def field(app: AppTest, name: str, value: object) -> None:
    (found,) = (
        w
        for w in (*app.text_input, *app.number_input, *app.slider)
        if str(w.key) == f"dry.{INTENT}.{name}"
    )
    found.set_value(value)


def test_a_plan_is_tried_before_it_is_begun(opened: Opened, logged: Canary) -> None:
    app = opened("analyst", "canary", model=INTENT)
    for name, value in (("hours", 1.5), ("least", 100), ("steps", "20, 50 %, 100"), ("to", 10.0)):
        field(app, name, value)
    press(app, "Replay")
    seen = words(app)
    assert "the plan would have taken" in seen
    assert "A canary whose errors are 10.00% where stable's are 0.00%" in seen
    assert "would be expected to go back after" in seen
    assert "errors, logged 0." in row(app, "20 %")
    assert len(app.get("plotly_chart")) >= 1


def test_what_stands_still_is_listed(opened: Opened, logged: Canary) -> None:
    app = opened("lead", "canary", model=INTENT)
    field(app, "hours", 10.0)
    press(app, "Replay")
    seen = words(app)
    assert "the plan would not have come to its end: at 10 %" in seen
    assert "**Nothing to compare**" in seen


def test_shares_that_are_none_are_refused_here(opened: Opened, backend: Backend) -> None:
    app = opened("analyst", "canary", model=INTENT)
    field(app, "steps", "ten")
    press(app, "Replay")
    assert "Shares are whole per cents" in app.error[0].value


def test_without_traffic_it_says_what_to_do(opened: Opened, backend: Backend) -> None:
    app = opened("analyst", "canary", model=INTENT)
    press(app, "Replay")
    seen = words(app)
    assert f"Nobody called {INTENT} in the last 7 days" in seen
    assert "nivesh traffic" in seen


def test_a_viewer_reads_whose_it_is(opened: Opened, backend: Backend) -> None:
    app = opened("viewer", "canary", model=INTENT)
    assert "Replaying the log is for analysts, on-call and leads." in words(app)
    assert not any(button.label == "Replay" for button in app.button)
