"""Who gets in, and what may they do."""

import pytest

from backend_api.states import Role
from tests import people
from tests.conftest import Backend
from tests.pages.conftest import PEOPLE, Opened
from tests.pages.reading import buttons, fill, press, words


def test_nobody_but_an_admin_is_shown_the_way(opened: Opened) -> None:
    for role in set(PEOPLE) - {Role.ADMIN}:
        with pytest.raises(ValueError, match="Could not find a navigation page"):
            opened(role, "access")


def test_an_admin_sees_people_and_machines(opened: Opened, backend: Backend) -> None:
    people.add(backend, "omar", Role.ONCALL)
    backend.token("machine", "nightly")
    seen = words(opened("admin", "access"))
    assert "**omar**" in seen
    assert "oncall, let in" in seen
    assert "**nightly**" in seen
    assert "machine, made by tests, ends" in seen


def test_without_machines_the_page_says_what_they_are_for(opened: Opened) -> None:
    assert "There is no token." in words(opened("admin", "access"))


def test_adding_somebody(opened: Opened) -> None:
    app = opened("admin", "access")
    fill(app, "account", "priya", "name")
    fill(app, "account", "a long enough one", "password")
    fill(app, "account", "joins the fraud team")
    app.selectbox(key="account-role").set_value(Role.ANALYST)
    press(app, "Add account")
    assert "priya may sign in as analyst." in app.success[0].value
    assert "**priya**" in words(app)
    assert app.text_input(key="account-password").value == "", "no password stays in the form"


def test_a_short_password_is_refused_before_it_is_sent(opened: Opened) -> None:
    app = opened("admin", "access")
    fill(app, "account", "priya", "name")
    fill(app, "account", "short", "password")
    fill(app, "account", "joins the fraud team")
    press(app, "Add account")
    assert "Password should have at least 10 characters" in app.error[0].value


def test_changing_a_role_and_shutting_out(opened: Opened, backend: Backend) -> None:
    people.add(backend, "omar", Role.ONCALL)
    app = opened("admin", "access")
    app.selectbox(key="role-omar").set_value(Role.LEAD)
    app.text_input(key="why-omar").set_value("leads the team now")
    app.button(key="set-omar").click().run()
    assert "omar is lead from the next request on." in app.success[0].value
    app.text_input(key="why-omar").set_value("left the company")
    app.button(key="disable-omar").click().run()
    assert "omar is shut out" in app.success[0].value
    assert "lead, shut out" in words(app)


def test_the_last_admin_stays(opened: Opened) -> None:
    app = opened("admin", "access")
    app.text_input(key="why-some-admin").set_value("goes on holiday")
    app.button(key="disable-some-admin").click().run()
    assert "is the last admin" in app.error[0].value


def test_a_secret_is_shown_until_it_is_kept_and_never_again(opened: Opened) -> None:
    app = opened("admin", "access")
    fill(app, "token", "nightly", "name")
    fill(app, "token", "registers what it trains")
    press(app, "Create token")
    assert app.code[0].value.startswith("nvs_")
    press(app, "I have kept it")
    assert not app.code
    app.text_input(key="why-token-nightly").set_value("leaked into a log")
    press(app, "Revoke nightly")
    assert "nightly is refused from now on." in app.success[0].value
    assert "Revoke nightly" not in buttons(app)
