"""May anything be promoted now, and who may shut it."""

from backend_api.states import Role
from tests.conftest import Backend
from tests.makers import INTENT
from tests.pages.conftest import PEOPLE, Opened
from tests.pages.reading import buttons, fill, press, words


def test_a_lead_freezes_and_lifts(opened: Opened, backend: Backend) -> None:
    app = opened("lead", "freezes")
    assert "Nothing is frozen, and no freeze is planned." in words(app)
    fill(app, "freeze.new", "Audit", "name")
    fill(app, "freeze.new", "the auditors are here")
    app.selectbox(key="freeze.new.model").set_value(INTENT)
    press(app, "Freeze promotions")
    seen = words(app)
    assert "Audit freezes promotions of intent_classifier." in seen
    assert f"Promotions of {INTENT} are frozen. Rollbacks are not." in seen
    assert "**Audit**" in seen
    fill(app, "freeze.lift", "the audit is over")
    press(app, "Lift Audit")
    assert "Nothing is frozen" in words(app)


def test_only_leads_may(opened: Opened) -> None:
    pages = {role: opened(role, "freezes") for role in PEOPLE}
    able = {role for role, app in pages.items() if "Freeze promotions" in buttons(app)}
    assert able == {Role.LEAD}
    assert "Planning a freeze is for leads." in words(pages[Role.VIEWER])


def test_a_form_without_a_name_says_what_to_mend(opened: Opened) -> None:
    app = opened("lead", "freezes")
    fill(app, "freeze.new", "the auditors are here")
    press(app, "Freeze promotions")
    assert "Name should have at least 3 characters" in app.error[0].value
