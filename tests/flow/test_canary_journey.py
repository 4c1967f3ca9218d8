"""Two bad versions go back by the judge's word, and a good one reaches every user."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from backend_api.identity import passwords
from backend_api.states import Role
from ops.stack.home import Home
from tests import browser
from tests.artefacts import LABELS
from tests.bearers import account
from tests.browser import sign_in
from tests.candidates import Candidates
from tests.flow.conftest import lenient_models
from tests.makers import INTENT
from tests.people import PASSWORD
from tests.stack import Stack

pytestmark = [pytest.mark.flow, pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(1500)]

REASON = "Reason (goes into the ledger)"
# One step takes a minute, which begins at the next full one, and is counted when it is settled.
STEP_MS = 240_000
# A matrix product of this size takes some tenths of a second on one core.
SLOW = 2_200


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with its own console, and two people."""
    folder = tmp_path_factory.mktemp("journey")
    models = lenient_models(folder / "models.yaml")
    running = Stack(Home.at(folder / "home"), MODELS_FILE=str(models), WATCH_SECONDS="1")
    try:
        running.start()
        for name, role in (("asha", Role.ANALYST), ("ravi", Role.LEAD)):
            account(running.engine, "embedded", name, role, passwords.hashed(PASSWORD), None)
        yield running
    finally:
        running.close()


def give_reason(place: Page, reason: str) -> None:
    field = place.get_by_label(REASON).locator("visible=true").first
    field.fill(reason)
    field.press("Tab")


def begin(asha: Page, ravi: Page, console: str, version: str) -> None:
    """One asks for a canary by a plan of minutes, the other approves it."""
    page_of_it = f"{console}/registry?model={INTENT}&version={version}"
    asha.goto(page_of_it)
    asha.get_by_text("By a plan of its own").click()
    asha.get_by_label("Minutes a share").fill("1")
    asha.get_by_label("Units of each arm").fill("50")
    asha.get_by_label("Units of each arm").press("Tab")
    give_reason(asha, "shall be better on new phrases")
    asha.get_by_role("button", name="Request promotion").click()
    expect(asha.get_by_text("waits for approval by another lead")).to_be_visible()
    ravi.goto(page_of_it)
    give_reason(ravi, "criteria and plan read")
    ravi.get_by_role("button", name="Approve").click()
    expect(ravi.get_by_text(f"{version} gets 10 % of the requests")).to_be_visible()
    ravi.goto(f"{console}/canary?model={INTENT}")


def lift_hold(page: Page, console: str) -> None:
    page.goto(f"{console}/deployments?model={INTENT}")
    page.get_by_text("Lift the hold").first.click()
    give_reason(page, "the cause is known")
    page.get_by_role("button", name="Lift the hold").click()
    expect(page.get_by_text("On hold: nothing promotes this model.")).to_be_hidden()


def test_bad_versions_go_back_and_a_good_one_reaches_everybody(
    stack: Stack, tmp_path: Path
) -> None:
    candidates = Candidates(stack, tmp_path)
    stable = candidates.promoted()
    candidates.await_loaded(stable)
    candidates.registry.verify(stable.version)
    console = stack.variables["CONSOLE_URL"]
    wrong = next(label for label in LABELS if label != stable.says)
    with (
        stack.meanwhile("traffic", "--rate", "20", "--minutes", "20"),
        browser.pages(2) as (asha, ravi),
    ):
        sign_in(asha, "asha", console)
        sign_in(ravi, "ravi", console)
        for says, burden, why in ((stable.says, SLOW, "took longer than"), (wrong, 2, "answers")):
            bad = candidates.new(says, burden)
            candidates.validated(bad)
            begin(asha, ravi, console, bad.version)
            gone = ravi.get_by_text(f"{bad.version} went back.")
            expect(gone).to_be_visible(timeout=STEP_MS)
            expect(gone).to_contain_text(why)
            assert candidates.registry.production() == stable.version
            lift_hold(ravi, console)
        good = candidates.new(stable.says, 3)
        candidates.validated(good)
        begin(asha, ravi, console, good.version)
        expect(ravi.get_by_text("50 % of users by plan")).to_be_visible(timeout=STEP_MS)
        expect(ravi.get_by_text(f"{good.version} is production")).to_be_visible(timeout=STEP_MS)
    assert candidates.registry.production() == good.version
