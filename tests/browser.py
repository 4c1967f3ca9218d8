"""The console's own process, and a browser in front of it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect, sync_playwright

from ops.settings import PROJECT
from ops.stack.home import Home
from ops.stack.probe import is_healthy
from ops.stack.process import Child, Spec
from tests import people
from tests.conftest import Backend
from tests.makers import wait_until

QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
# A console's first page may wait for a busy machine.
PATIENT = 30_000


@contextmanager
def console(backend: Backend, home: Home) -> Iterator[str]:
    """Address of a console that signs people in at the test's backend."""
    port = backend.console_port
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
    try:
        wait_until(spec.ready, 90, f"the console answers; see {spec.log}")
        yield f"http://127.0.0.1:{port}"
    finally:
        child.stop()


@contextmanager
def pages(count: int) -> Iterator[list[Page]]:
    """Pages of as many people: each has cookies of their own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
        made = [browser.new_context().new_page() for _ in range(count)]
        for page in made:
            page.set_default_timeout(PATIENT)
        expect.set_options(timeout=PATIENT)
        yield made
        browser.close()


def sign_in(page: Page, username: str, address: str) -> None:
    """From the console's door, past the issuer's, to the page that was asked for."""
    page.goto(address)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(people.PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=username)).to_be_visible()
