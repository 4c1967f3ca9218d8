"""The frame: who gets past the door, and what an outage leaves."""

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from backend_api.states import Role
from console import session
from tests import people
from tests.conftest import Backend
from tests.makers import INTENT, Registry
from tests.pages.conftest import SHELL, Opened
from tests.pages.reading import buttons, fill, press, words
from tests.workers import Workers


def arrived(**user: object) -> AppTest:
    app = AppTest.from_file(SHELL, default_timeout=30)
    app.user = user
    return app.run()


def test_nobody_sees_anything_before_the_sign_in(console: None, registry: Registry) -> None:
    app = arrived(is_logged_in=False)
    assert buttons(app) == {"Sign in"}
    assert "v1.1.0" not in words(app)
    assert not app.sidebar.markdown


def test_a_sign_in_that_is_not_set_up_is_named(console: None) -> None:
    app = arrived()
    assert "Sign-in is not set up." in words(app)
    assert not buttons(app)


def test_an_identity_without_its_token_is_named(console: None) -> None:
    app = arrived(is_logged_in=True, sub="asha")
    assert "expose_tokens" in words(app)


def test_an_ended_sign_in_leads_back_to_the_door(console: None) -> None:
    app = arrived(is_logged_in=True, sub="asha", tokens={"id": "eyJhbGciOi.expired.token"})
    assert "Your sign-in has ended." in words(app)
    assert buttons(app) == {"Sign in"}


def test_a_sign_in_that_ends_on_an_open_page_leads_back_to_the_door(opened: Opened) -> None:
    app = opened("lead", "registry", model=INTENT)
    app.user = {**app.user, "tokens": {"id": "eyJhbGciOi.expired.token"}}
    app.run()
    app.run()
    assert "Your sign-in has ended." in words(app)


def test_somebody_without_an_account_is_told_whom_to_ask(console: None, backend: Backend) -> None:
    people.add(backend, "omar", Role.ONCALL)
    answer = people.Visit(backend).sign_in("omar")
    admin = people.badge(backend, "admin")
    body = {"request_id": "0197f000-0000-7000-8000-000000000001", "reason": "left the company"}
    assert admin.post("/accounts/omar/disable", json=body).status_code == 200
    app = arrived(is_logged_in=True, sub="omar", tokens={"id": answer["id_token"]})
    assert "The account of omar is disabled." in words(app)
    assert buttons(app) == {"Sign out"}


def test_the_menu_says_who_and_what_for(opened: Opened) -> None:
    seen = words(opened("oncall"))
    assert "**some-oncall** is oncall and may" in seen
    assert "roll back, lower a canary or abort it" in seen
    assert "manage accounts" not in seen


PAGES = ["overview", "registry", "deployments", "history"]


def test_an_outage_leaves_every_page_with_what_was_last_read(
    opened: Opened, registry: Registry, workers: Workers, cut: Callable[[], None]
) -> None:
    before = {page: opened("lead", page) for page in PAGES}
    told = {page: set(words(app).splitlines()) for page, app in before.items()}
    cut()
    for page, app in before.items():
        session.has_acted()
        seen = words(app.run())
        assert not app.exception
        assert "Backend does not answer; last good reading" in seen, page
        assert "v1.1.0" in seen, page
        assert not app.success, f"{page} calls something fine that it cannot see"
        kept = told[page] & set(seen.splitlines())
        assert len(kept) > len(told[page]) / 2, f"{page} lost what it had"


def test_a_reload_in_an_outage_begins_where_the_person_was(
    opened: Opened, registry: Registry, workers: Workers, cut: Callable[[], None]
) -> None:
    was = opened("lead")
    cut()
    app = AppTest.from_file(SHELL, default_timeout=30)
    app.user = was.user
    session.has_acted()
    seen = words(app.run())
    assert "last good reading" in seen
    assert "v1.1.0 serves on 2 of 2 workers." in seen
    assert "Roll back Intent Classifier" in buttons(app)


def test_a_page_first_opened_in_an_outage_shows_what_was_read_elsewhere(
    opened: Opened, registry: Registry, workers: Workers, cut: Callable[[], None]
) -> None:
    app = opened("lead")
    cut()
    session.has_acted()
    app.switch_page("../pages/deployments.py").run()
    assert "last good reading" in words(app)
    assert "At that time: **Both workers serve what was decided.**" in words(app)
    app.switch_page("../pages/registry.py").run()
    assert "You have read nothing here before" in words(app)


def test_an_action_in_an_outage_says_that_nothing_is_known_of_it(
    opened: Opened, registry: Registry, cut: Callable[[], None]
) -> None:
    registry.register("v1.2.0")
    app = opened("analyst", "registry", model=INTENT, version="v1.2.0")
    cut()
    fill(app, "stage", "this week's candidate")
    press(app, "Stage v1.2.0")
    assert "not known whether it happened" in app.error[0].value
    assert "a repeat is safe" in app.error[0].value
    assert registry.status("v1.2.0") == "registered"


def test_an_outage_at_the_door_is_told_and_nobody_is_sent_away(
    console: None, cut: Callable[[], None]
) -> None:
    cut()
    app = arrived(is_logged_in=False)
    assert "so nobody can sign in now" in words(app)
    assert not buttons(app)


def test_who_has_read_nothing_yet_is_not_shown_an_empty_list(
    console: None, cut: Callable[[], None]
) -> None:
    cut()
    app = arrived(is_logged_in=True, sub="newcomer", tokens={"id": "any"})
    assert "You have read nothing here before, so nothing can be shown." in words(app)
    assert "No model is known." not in words(app)
