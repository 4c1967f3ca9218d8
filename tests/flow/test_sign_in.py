"""Signing in as a person does: a browser, the console's own process, the issuer's page."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from ops.settings import PROJECT
from ops.stack.home import Home
from ops.stack.probe import is_healthy
from ops.stack.process import Child, Spec
from tests import people
from tests.conftest import Backend
from tests.makers import wait_until

pytestmark = [pytest.mark.flow, pytest.mark.browser]
QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture
def console(backend: Backend, tmp_path: Path) -> Iterator[str]:
    """Address of a console that signs people in at the test's backend."""
    home, port = Home.at(tmp_path / "console-home"), backend.console_port
    spec = Spec(
        name="console",
        argv=[sys.executable, "-m", "ops.console_entry"],
        env={
            **os.environ, "NIVESH_HOME": str(home.path), "BACKEND_URL": backend.url,
            "CONSOLE_PORT": str(port), "CONSOLE_COOKIE_SECRET": "c" * 40,
            "OIDC_ISSUER": backend.settings.issuer, "OIDC_CLIENT_ID": people.CLIENT[0],
            "OIDC_CLIENT_SECRET": people.CLIENT[1],
            "OIDC_REDIRECT_URIS": f"http://127.0.0.1:{port}/oauth2callback",
        },
        ready=lambda: is_healthy("console", port),
        log=home.log("console"),
        cwd=PROJECT,
        port=port,
    )  # fmt: skip
    child = Child(spec, changed=lambda: None)
    child.start()
    wait_until(spec.ready, 90, f"the console answers; see {spec.log}")
    yield f"http://127.0.0.1:{port}"
    child.stop()


@pytest.fixture
def page() -> Iterator[Page]:
    """A page of a fresh browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
        yield browser.new_page()
        browser.close()


def test_a_person_signs_in_with_a_browser_and_out_again(
    backend: Backend, console: str, page: Page
) -> None:
    people.add(backend, "asha", "lead")
    page.goto(console)
    page.get_by_role("button", name="Sign in").click(timeout=30_000)
    page.get_by_label("User name").fill("asha", timeout=30_000)
    assert page.url.startswith(backend.settings.issuer)
    page.get_by_label("Password").fill("wrong horse battery")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    assert page.get_by_label("User name").input_value() == "asha"
    page.get_by_label("Password").fill(people.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="asha").click(timeout=30_000)
    assert page.url.startswith(console)
    expect(page.get_by_text("asha is lead")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=30_000)
