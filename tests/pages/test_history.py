"""Who did what, when, and why."""

import csv
import io
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text
from streamlit.testing.v1 import AppTest

from backend_api import db
from backend_api.states import Strategy
from console import ledger_view
from console.client import Backend as Client
from tests.api.test_history import logged
from tests.conftest import Backend
from tests.makers import INTENT, Registry
from tests.pages.conftest import Opened
from tests.pages.reading import bare, fill, press, row, words


def newest(app: AppTest) -> str:
    """The first line about the model, without markdown's escapes."""
    app.selectbox(key="history_model").set_value(INTENT).run()
    return app.expander[0].label.replace("\\", "")


def test_rows_tell_deed_subject_actor_and_reason(opened: Opened, registry: Registry) -> None:
    first = newest(opened("viewer", "history"))
    assert "**Promoted** intent_classifier v1.1.0" in first
    assert "ravi" in first
    assert "made for a test" in first


def test_what_was_typed_by_hand_is_marked(
    opened: Opened, registry: Registry, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE model_deployments SET traffic_percentage = 100 WHERE status = 'active'")
        )
    first = newest(opened("viewer", "history"))
    assert "**Typed update model deployments:** intent_classifier v1.1.0" in first
    assert "by hand" in first
    assert "sql:" in first


def test_a_filter_that_lets_nothing_through_says_so(opened: Opened) -> None:
    app = opened("viewer", "history")
    app.selectbox(key="history_model").set_value("credit_risk").run()
    assert "No row fits the filter." in words(app)


def test_filters_narrow_by_action_and_actor(opened: Opened, registry: Registry) -> None:
    app = opened("viewer", "history")
    app.selectbox(key="history_action").set_value("promotion.approve").run()
    assert len(app.expander) == 2
    fill(app, "history", "nobody", "actor")
    assert "No row fits the filter." in words(app.run())


def test_the_chain_is_verified_and_an_altered_row_is_named(
    opened: Opened, registry: Registry, engine: Engine
) -> None:
    app = press(opened("viewer", "history"), "Verify the chain")
    assert "Head `" in app.success[0].value
    with engine.begin() as connection:
        connection.execute(text("GRANT UPDATE ON ledger TO CURRENT_USER"))
        connection.execute(text("ALTER TABLE ledger DISABLE TRIGGER ledger_append_only"))
        connection.execute(text("UPDATE ledger SET reason = 'another' WHERE seq = 2"))
    press(app, "Verify the chain")
    assert "2" in app.error[0].value


def test_pages_follow_each_other_without_a_gap(
    opened: Opened, registry: Registry, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO ledger (actor, action, reason)"
                " SELECT 'watch', 'deployment.observed', 'row ' || n FROM generate_series(1, 60) n"
            )
        )
    app = opened("viewer", "history")
    app.selectbox(key="history_action").set_value("deployment.observed").run()
    latest = [block.label for block in app.expander]
    press(app, "Older")
    older = [block.label for block in app.expander]
    assert len(latest) == 50
    assert "row 11" in latest[-1]
    assert "row 10" in older[0]
    press(app, "Newer")
    assert [block.label for block in app.expander] == latest


def test_the_csv_holds_every_row_and_no_formula(
    backend: Backend, registry: Registry, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO ledger (actor, action, reason) VALUES ('eve', 'note', '=1+1')")
        )
    client = Client(backend.url, lambda: backend.token("viewer"), backend.client("viewer"))
    monkeypatch.setattr(ledger_view.session, "backend", lambda: client)
    monkeypatch.setattr(ledger_view, "CSV_PAGE", 3)
    written = ledger_view.as_csv(ledger_view.Filter(None, None, None))
    rows = list(csv.DictReader(io.StringIO(written)))
    with engine.connect() as connection:
        assert len(rows) == connection.scalar(text("SELECT count(*) FROM ledger"))
    assert "'=1+1" in [row["reason"] for row in rows]
    assert len({row["hash"] for row in rows}) == len(rows)


# A moment, and a request


def test_a_moment_in_the_address_is_told_with_its_evidence(
    opened: Opened, registry: Registry
) -> None:
    registry.validated("v1.2.0")
    registry.approve(registry.request("v1.2.0", strategy=Strategy.CANARY, share=10))
    then = db.now()
    registry.roll_back()
    app = opened("viewer", "history", at=then.isoformat(), model=INTENT)
    said = words(app)
    assert "v1.1.0 was in production with 90 % of the requests, the canary v1.2.0 had 10 %." in said
    assert "| ravi | made for a test. Ledger row" in row(app, "Canary")
    assert "UTC" in row(app, "Production")
    assert "Evidence for **v1.2.0**, approved by ravi" in said
    assert "asha asked for v1.2.0, ravi approved it" in said
    assert "holds the same" in said
    assert len([m for m in app.markdown if m.value.startswith("| Gate |")]) == 2
    assert app.date_input(key="moment.day").value == then.date()
    # Another moment, asked by the form: the address follows.
    app.date_input(key="moment.day").set_value(then.date() - timedelta(days=1))
    press(app, "Show who was live")
    assert "Nothing had been decided for this model yet." in words(app)
    assert app.query_params["model"] == INTENT
    assert app.query_params["at"].startswith(f"{then - timedelta(days=1):%Y-%m-%dT%H:%M}")
    later = opened("viewer", "history", at=db.now().isoformat())
    assert "v1.0.0 was in production and answered every request." in words(later)
    assert "| omar | made for a test. Ledger row" in row(later, "Production")
    assert "| Hold | set |" in words(later)


def test_a_moment_that_cannot_be_told_says_why(opened: Opened, registry: Registry) -> None:
    app = opened("viewer", "history", at="yesterday")
    assert "yesterday is no moment" in words(app)
    app = opened("viewer", "history", at="2190-01-01T00:00:00Z")
    assert "lies in the future" in words(app)
    app = opened("viewer", "history", at="2020-01-01T00:00:00+05:30", model="nope")
    assert "nope" in words(app)


def test_a_request_is_found_by_its_id_and_its_words_are_for_who_may_read_them(
    opened: Opened, registry: Registry, backend: Backend
) -> None:
    made = logged(backend, "v1.1.0", "production")
    app = opened("analyst", "history")
    fill(app, "answered", str(made), "id")
    press(app, "Show what answered")
    assert "v1.1.0 answered as production in 4.2 ms with confidence 0.93." in words(app)
    assert "user-7" in row(app, ":gray[Entity key]")
    assert any("my salary" in element.value for element in app.json)
    viewer = opened("viewer", "history", prediction=str(made))
    assert "v1.1.0 answered as production" in words(viewer)
    assert "Reading what was asked and answered is for analysts, on-call and leads." in words(
        viewer
    )
    assert not any("my salary" in element.value for element in viewer.json)


def test_a_request_that_is_not_there_says_what_to_do(opened: Opened, registry: Registry) -> None:
    assert "is no prediction id" in words(opened("viewer", "history", prediction="R"))
    missing = words(opened("viewer", "history", prediction=str(uuid4())))
    assert "take prediction_id of the answer" in bare(missing).replace("\\", "")
