"""Is the canary any good, and what each role may do about it."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from backend_api import db
from backend_api.catalog import Catalog
from backend_api.states import Role
from tests.canaries import Canary
from tests.conftest import Backend
from tests.makers import INTENT
from tests.pages.conftest import PEOPLE, Opened
from tests.pages.reading import buttons, fill, press, row, words

ON_CALL = {Role.ONCALL, Role.LEAD}


@pytest.fixture
def canary(backend: Backend, catalog: Catalog) -> Canary:
    """v1.1.0 had 10 % for twenty minutes, and all is well."""
    made = Canary(backend.engine, catalog).begin().answers(20, canary=10, stable=90)
    made.tend()
    return made


def test_a_model_without_a_canary_says_how_one_begins(opened: Opened, backend: Backend) -> None:
    seen = words(opened("viewer", "canary", model=INTENT))
    assert "intent_classifier never had a canary." in seen
    assert "Ask for one on the Registry page" in seen


def test_both_arms_the_plan_and_what_is_lacking(opened: Opened, canary: Canary) -> None:
    app = opened("viewer", "canary", model=INTENT)
    seen = words(app)
    assert "Nothing speaks against v1.1.0 yet; needed: 10 min more with answers of both." in seen
    assert "20 min compared at 10 %" in " ".join(bar.text for bar in app.get("progress"))
    assert "0 of 200 | 0 of 1,800 | none" in row(app, "Failed")
    assert "Failed: v1.1.0 0.00 % of 200, v1.0.0 0.00 % of 1,800." in seen


def test_a_canary_that_went_back_says_why(opened: Opened, canary: Canary) -> None:
    canary.answers(20, canary=10, stable=90, canary_errors=3).tend()
    app = opened("viewer", "canary", model=INTENT)
    seen = words(app)
    assert "v1.1.0 went back. Of v1.1.0's answers 60 of 400" in seen
    assert "ended by **watch**" in seen
    assert "What to do" not in seen


def test_on_call_pauses_and_a_lead_resumes(opened: Opened, canary: Canary) -> None:
    pages = {role: opened(role, "canary", model=INTENT) for role in PEOPLE}
    assert {role for role, app in pages.items() if "Pause v1.1.0" in buttons(app)} == ON_CALL
    app = pages[Role.ONCALL]
    fill(app, "canary.pause", "nobody is awake to watch it")
    press(app, "Pause v1.1.0")
    assert "stays at 10 % until somebody resumes it." in app.success[0].value
    assert canary.row().state == "paused"
    assert "Resuming the plan is for leads." in words(opened("oncall", "canary", model=INTENT))
    app = opened("lead", "canary", model=INTENT)
    fill(app, "canary.resume", "awake again")
    press(app, "Resume v1.1.0")
    assert canary.row().state == "running"


def test_the_plan_the_due_time_and_who_did_what_stand_on_the_page(
    opened: Opened, canary: Canary
) -> None:
    app = opened("viewer", "canary", model=INTENT)
    seen = words(app)
    assert "Plan: 10 % → 50 % → 100 %, 30 min each, at least 100 units an arm" in seen
    assert "Its time at this share was over at" in seen, "by a clock that is hours behind"
    with canary.engine.begin() as connection:
        connection.execute(text("UPDATE rollouts SET due_at = now() + interval '10 minutes'"))
    assert "Earliest next step at" in words(opened("analyst", "canary", model=INTENT))
    assert "Asked for by] **asha**:gray[, approved by] **ravi**" in seen
    begun = [line for m in app.markdown for line in m.value.splitlines() if "Begun" in line]
    assert any("| ravi | Begun | 10 % |" in line for line in begun)


def test_a_lead_steps_promotes_and_replans_and_on_call_only_aborts(
    opened: Opened, canary: Canary
) -> None:
    lead, oncall = (opened(role, "canary", model=INTENT) for role in ("lead", "oncall"))
    theirs = {"Next share now v1.1.0", "Promote v1.1.0", "Set the plan"}
    assert theirs <= buttons(lead)
    assert theirs & buttons(oncall) == set()
    assert "Changing the plan is for leads." in words(oncall)
    fill(lead, "canary.plan", "50, 20", field="steps")
    fill(lead, "canary.plan", "a quiet week")
    press(lead, "Set the plan")
    assert "Steps have to be rising shares from 1 to 100" in words(lead)
    fill(lead, "canary.plan", "20, 60", field="steps")
    press(lead, "Set the plan")
    assert canary.row().plan["steps"] == [20, 60]
    lead = opened("lead", "canary", model=INTENT)
    fill(lead, "canary.step", "seen enough")
    press(lead, "Next share now v1.1.0")
    assert canary.desired() == ("v1.0.0", "v1.1.0", 20)
    stale = opened("oncall", "canary", model=INTENT)
    canary.steer("pause")
    fill(stale, "canary.abort", "answers look wrong")
    press(stale, "Abort v1.1.0")
    assert "things moved" in words(stale)
    fill(stale, "canary.abort", "answers look wrong")
    press(stale, "Abort v1.1.0")
    assert canary.desired() == ("v1.0.0", None, 0)


def test_on_call_walks_production_down_and_finishes_it_at_once(
    opened: Opened, backend: Backend, catalog: Catalog
) -> None:
    canary = Canary(backend.engine, catalog)
    canary.registry.promoted("v1.1.0")
    pages = {role: opened(role, "canary", model=INTENT) for role in PEOPLE}
    assert {role for role, app in pages.items() if "Walk v1.1.0 down" in buttons(app)} == ON_CALL
    app = pages[Role.ONCALL]
    assert "v1.0.0 is production at once and has half" in words(app)
    fill(app, "walk", "answers drift since yesterday")
    press(app, "Walk v1.1.0 down")
    seen = words(app)
    assert "v1.1.0 is being left: it has 50 %, v1.0.0 the rest." in seen
    assert "Next step at" in seen
    with canary.engine.begin() as connection:
        connection.execute(text("UPDATE rollouts SET due_at = now() - interval '1 hour'"))
    assert "was not taken: the worker may be down" in words(opened("lead", "canary", model=INTENT))
    assert "Back to v1.0.0" in seen, "the sidebar's way back finishes it"
    assert buttons(app) & {"Pause v1.1.0", "Walk v1.0.0 down", "Walk v1.1.0 down"} == set()
    fill(app, "canary.abort", "worse than thought")
    press(app, "Abort v1.1.0")
    assert "v1.1.0 was walked down and cut short; v1.0.0 serves." in words(app)
    assert canary.desired() == ("v1.0.0", None, 0)


def test_the_slider_tells_its_price_before_it_is_moved(opened: Opened, canary: Canary) -> None:
    app = opened("lead", "canary", model=INTENT)
    app.slider[0].set_value(50).run()
    assert "nobody called the model in the last hour" in words(app)
    canary.now = db.now() - timedelta(minutes=30)
    canary.answers(20, canary=10, stable=90)
    app.slider[0].set_value(51).run()
    seen = words(app)
    assert "Errors would have to rise from" in seen
    assert "of the 30-day error budget" in seen
    assert "People who get it" in seen
