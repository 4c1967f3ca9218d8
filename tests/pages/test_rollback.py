"""The way back: two clicks from every page, watched until the last worker has taken it."""

import pytest
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from backend_api.schemas import Outcome, RollBack
from backend_api.states import Role
from console.client import Backend
from console.errors import BackendDown
from tests.makers import INTENT, Registry
from tests.pages.conftest import PEOPLE, Opened
from tests.pages.reading import buttons, fill, press, words
from tests.workers import Workers

ASK, DO = "Roll back Intent Classifier", "Roll back to v1.0.0"
EVERYWHERE = ["overview", "registry", "deployments", "history"]


def rollbacks(registry: Registry) -> int:
    with registry.engine.connect() as connection:
        return int(
            connection.scalar(text("SELECT count(*) FROM ledger WHERE action = 'model.roll_back'"))
        )


def ordered(app: AppTest) -> AppTest:
    """Two clicks and a reason."""
    press(app, ASK)
    fill(app, "rollback", "p95 doubled since 03:10")
    return press(app, DO)


@pytest.mark.parametrize("page", EVERYWHERE)
def test_two_clicks_from_every_page(
    page: str, opened: Opened, registry: Registry, workers: Workers
) -> None:
    app = opened("oncall", page)
    press(app, ASK)
    seen = words(app)
    for told in ("**intent_classifier**", "**v1.1.0**", "**v1.0.0**", "/predict/intent"):
        assert told in seen
    assert "Promotions of this model are held until a lead lifts the hold." in seen
    assert rollbacks(registry) == 0, "the first click only asks"
    fill(app, "rollback", "p95 doubled since 03:10")
    press(app, DO) if page != "deployments" else press_in_dialog(app)
    assert registry.production() == "v1.0.0"
    assert rollbacks(registry) == 1


def press_in_dialog(app: AppTest) -> AppTest:
    """The Deployments page has a button of the same words behind the dialog."""
    button = next(b for b in app.button if b.label == DO and b.form_id)
    button.click().run()
    return app


def test_progress_names_each_worker_until_all_have_arrived(
    opened: Opened, registry: Registry, workers: Workers
) -> None:
    app = ordered(opened("oncall"))
    assert "a hold is set" in app.success[0].value
    assert "`a:1` still serves v1.1.0" in words(app)
    assert app.get("progress")
    workers.acknowledge("a")
    assert "`a:1` serves **v1.0.0** after" in words(app.run())
    workers.acknowledge("b")
    assert "Both workers serve v1.0.0 after" in words(app.run())
    press(app, "Close")
    assert "Both workers" not in words(app)


def test_without_a_reason_nothing_is_rolled_back(
    opened: Opened, registry: Registry, workers: Workers
) -> None:
    app = press(press(opened("oncall"), ASK), DO)
    assert "Reason should have at least 3 characters" in words(app)
    assert rollbacks(registry) == 0


def test_without_workers_the_order_is_written_and_waits(opened: Opened, registry: Registry) -> None:
    app = ordered(opened("oncall"))
    assert "The order is written, but no worker is live." in words(app)
    assert registry.production() == "v1.0.0"


def test_an_answer_lost_on_the_way_is_told_and_a_repeat_acts_once(
    opened: Opened, registry: Registry, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = Backend.roll_back

    def lost(self: Backend, model: str, body: RollBack) -> Outcome:
        really(self, model, body)
        raise BackendDown("the answer was lost")

    monkeypatch.setattr(Backend, "roll_back", lost)
    app = ordered(opened("oncall"))
    assert "The backend does not answer." in words(app)
    monkeypatch.undo()
    press(app, DO)
    assert "still serves v1.1.0" in words(app)
    assert rollbacks(registry) == 1


def test_somebody_was_faster(opened: Opened, registry: Registry, workers: Workers) -> None:
    app = press(opened("oncall"), ASK)
    registry.roll_back(by="omar")
    fill(app, "rollback", "p95 doubled since 03:10")
    press(app, DO)
    assert "has v1.0.0 in production by now, not v1.1.0" in words(app)
    assert "nothing to go back to" in words(app)
    assert rollbacks(registry) == 1


@pytest.mark.parametrize("page", EVERYWHERE)
def test_the_badge_is_on_every_page_and_the_button_for_those_who_may(
    page: str, opened: Opened, registry: Registry, workers: Workers
) -> None:
    pages = {role: opened(role, page) for role in PEOPLE}
    for app in pages.values():
        assert "Back to v1.0.0: warm on 2 of 2" in words(app)
        assert "digest checked" in words(app)
    assert {r for r, app in pages.items() if ASK in buttons(app)} == {Role.ONCALL, Role.LEAD}


def test_no_way_back_is_said(opened: Opened, registry: Registry) -> None:
    registry.roll_back()
    app = opened("lead")
    assert "No way back yet" in words(app)
    assert ASK not in buttons(app)


def test_the_last_rollback_is_told_with_its_seconds(
    opened: Opened, registry: Registry, workers: Workers
) -> None:
    with registry.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO ledger (actor, action, model_name, evidence)"
                " VALUES ('watch', 'rollback.observed', :m, '{\"seconds\": 1.84}')"
            ),
            {"m": INTENT},
        )
    assert "last rollback took 1.8 s" in words(opened("viewer", "history"))
