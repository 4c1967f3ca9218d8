"""What people do from end to end, in a browser, with the console in its own process."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from ops.stack.home import Home
from tests import browser, people
from tests.browser import sign_in
from tests.conftest import Backend
from tests.makers import INTENT, Registry
from tests.workers import Workers

pytestmark = pytest.mark.browser
REASON = "Reason (goes into the ledger)"
CONTROL = re.compile(r"- (button|link|textbox|combobox|slider|checkbox|radio|spinbutton)\b(?! \")")


@pytest.fixture
def address(backend: Backend, tmp_path: Path) -> Iterator[str]:
    """Where the console is, with two accounts."""
    people.add(backend, "asha", "analyst")
    people.add(backend, "ravi", "lead")
    with browser.console(backend, Home.at(tmp_path / "console-home")) as at:
        yield at


def give_reason(place: Locator | Page, reason: str) -> None:
    field = place.get_by_label(REASON).locator("visible=true").first
    field.fill(reason)
    field.press("Tab")


def test_one_asks_another_approves_and_two_clicks_lead_back(
    address: str, registry: Registry, workers: Workers
) -> None:
    registry.validated("v1.2.0")
    page_of_it = f"{address}/registry?model={INTENT}&version=v1.2.0"
    with browser.pages(2) as (asha, ravi):
        sign_in(asha, "asha", page_of_it)
        expect(asha.get_by_text("v1.2.0 may go to production")).to_be_visible()
        asha.get_by_text("All traffic at once").click()
        expect(asha.get_by_text("Every request goes to v1.2.0")).to_be_visible()
        give_reason(asha, "better on new phrases")
        asha.get_by_role("button", name="Request promotion").click()
        expect(asha.get_by_text("waits for approval by another lead")).to_be_visible()

        sign_in(ravi, "ravi", address)
        ravi.get_by_role("link", name="1 request waits").click()
        expect(ravi.get_by_text("Asked by asha")).to_be_visible()
        give_reason(ravi, "looked at the gates")
        ravi.get_by_role("button", name="Approve").click()
        expect(ravi.get_by_text("v1.2.0 is in production now.")).to_be_visible()
        assert registry.production() == "v1.2.0"
        workers.acknowledge("a", "b")
        registry.verify("v1.2.0")

        ravi.get_by_role("link", name="Deployments").click()
        expect(ravi.get_by_text("Both workers serve what was decided.")).to_be_visible()
        ravi.get_by_role("button", name="Roll back Intent Classifier").click()
        dialog = ravi.get_by_role("dialog")
        expect(dialog).to_contain_text("All requests to /predict/intent are answered by v1.1.0")
        give_reason(dialog, "p95 doubled since 03:10")
        dialog.get_by_role("button", name="Roll back to v1.1.0").click()
        expect(dialog).to_contain_text("0 of 2 workers serve v1.1.0")
        workers.acknowledge("a")
        expect(dialog).to_contain_text("a:1 serves v1.1.0 after")
        workers.acknowledge("b")
        expect(dialog).to_contain_text("Both workers serve v1.1.0 after")
        dialog.get_by_role("button", name="Close").last.click()
        expect(ravi.get_by_text("On hold: nothing promotes this model.")).to_be_visible()


def test_the_way_back_by_keyboard_alone(address: str, registry: Registry, workers: Workers) -> None:
    with browser.pages(1) as (page,):
        sign_in(page, "ravi", f"{address}/history")
        expect(page).to_have_url(re.compile("/history"))
        button = page.get_by_role("button", name="Roll back Intent Classifier")
        expect(button).to_be_visible()
        for _ in range(20):
            page.keyboard.press("Tab")
            if button.evaluate("element => element === document.activeElement"):
                break
        expect(button).to_be_focused()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(button).to_be_visible()
        button.press("Enter")
        field = dialog.get_by_label(REASON)
        expect(field).to_be_visible()
        for _ in range(10):
            if field.evaluate("element => element === document.activeElement"):
                break
            page.keyboard.press("Tab")
        page.keyboard.type("p95 doubled since 03:10")
        page.keyboard.press("Tab")
        expect(dialog.get_by_role("button", name="Roll back to v1.0.0")).to_be_focused()
        page.keyboard.press("Enter")
        expect(dialog).to_contain_text("0 of 2 workers serve v1.0.0")
        assert registry.production() == "v1.0.0"


def test_every_control_has_a_name_to_be_read_aloud(
    address: str, registry: Registry, workers: Workers
) -> None:
    registry.validated("v1.2.0")
    with browser.pages(1) as (page,):
        sign_in(page, "ravi", address)
        for name, sign in {
            "": "Services",
            f"registry?model={INTENT}&version=v1.2.0": "Origin",
            f"deployments?model={INTENT}": "MLflow's copy",
            "history": "Verify the chain",
        }.items():
            page.goto(f"{address}/{name}")
            expect(page.get_by_text(sign).first).to_be_visible()
            heard = page.locator("body").aria_snapshot()
            assert [line for line in heard.splitlines() if CONTROL.search(line)] == [], name
            assert page.get_by_role("heading", level=1).count() == 1
