"""Signing in as a person does: a browser, the console's own process, the issuer's page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ops.stack.home import Home
from tests import browser, people
from tests.conftest import Backend

pytestmark = [pytest.mark.flow, pytest.mark.browser]


@pytest.fixture
def console(backend: Backend, tmp_path: Path) -> Iterator[str]:
    """Address of a console that signs people in at the test's backend."""
    with browser.console(backend, Home.at(tmp_path / "console-home")) as address:
        yield address


@pytest.fixture
def page() -> Iterator[Page]:
    """A page of a fresh browser."""
    with browser.pages(1) as (made,):
        yield made


def test_a_person_signs_in_with_a_browser_and_out_again(
    backend: Backend, console: str, page: Page
) -> None:
    people.add(backend, "asha", "lead")
    page.goto(console)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("User name").fill("asha")
    assert page.url.startswith(backend.settings.issuer)
    page.get_by_label("Password").fill("wrong horse battery")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    assert page.get_by_label("User name").input_value() == "asha"
    page.get_by_label("Password").fill(people.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="asha").click()
    assert page.url.startswith(console)
    expect(page.get_by_text("asha is lead")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
