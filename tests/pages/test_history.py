"""Who did what, when, and why."""

import csv
import io

import pytest
from sqlalchemy import Engine, text
from streamlit.testing.v1 import AppTest

from console import ledger_view
from console.client import Backend as Client
from tests.conftest import Backend
from tests.makers import INTENT, Registry
from tests.pages.conftest import Opened
from tests.pages.reading import fill, press, words


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
