"""Does every worker serve what was decided, and what each role may do about it."""

import json

import pytest
from sqlalchemy import text

from backend_api.states import Role, Strategy
from tests.makers import INTENT, Registry
from tests.pages.conftest import PEOPLE, Opened
from tests.pages.reading import buttons, fill, press, row, words
from tests.workers import Workers

ON_CALL = {Role.ONCALL, Role.LEAD}


@pytest.fixture
def canary(registry: Registry) -> Registry:
    """v1.2.0 gets 10 %."""
    registry.validated("v1.2.0")
    registry.approve(registry.request("v1.2.0", strategy=Strategy.CANARY, share=10))
    return registry


@pytest.fixture
def held(registry: Registry) -> Registry:
    """v1.1.0 was rolled back."""
    registry.roll_back()
    return registry


def test_the_decision_stands_beside_what_each_worker_acknowledged(
    opened: Opened, canary: Registry, workers: Workers
) -> None:
    app = opened("viewer", "deployments", model=INTENT)
    assert "Both workers serve what was decided." in words(app)
    assert "**v1.1.0** | **v1.2.0 at 10 %**" in row(app, "**Decided**")
    assert "As decided" in row(app, "a · 1")
    assert "212 MB" in row(app, "a · 1")


def test_a_worker_that_lags_and_one_that_is_silent_are_told_apart(
    opened: Opened, registry: Registry, workers: Workers
) -> None:
    registry.promoted("v1.2.0")
    workers.acknowledge("a")
    workers.silent("b", 60)
    workers.live("c")
    workers.acknowledge("c")
    workers.fails("c", "v1.2.0: the digest differs")
    app = opened("viewer", "deployments", model=INTENT)
    assert "1 of 2 live workers does not serve the decision" in words(app)
    assert "As decided" in row(app, "a · 1")
    assert "Silent" in row(app, "b · 1")
    assert "v1.2.0: the digest differs" in row(app, "c · 1")


def test_without_workers_nobody_is_said_to_serve(opened: Opened, registry: Registry) -> None:
    seen = words(opened("viewer", "deployments", model=INTENT))
    assert "No worker is live" in seen
    assert "No worker was heard of in the last ten minutes." in seen


def test_a_model_that_was_never_deployed_says_what_to_do(opened: Opened) -> None:
    seen = words(opened("lead", "deployments", model=INTENT))
    assert "Intent Classifier was never deployed." in seen


def test_who_may_move_the_share_and_how_far(opened: Opened, canary: Registry) -> None:
    pages = {role: opened(role, "deployments", model=INTENT) for role in PEOPLE}
    reach = {role: app.slider[0].max for role, app in pages.items() if app.slider}
    assert reach == {Role.ONCALL: 10, Role.LEAD: 100}
    barred = "Lowering or aborting a canary is for on-call and leads."
    assert {r for r, app in pages.items() if barred in words(app)} == set(PEOPLE) - ON_CALL


def test_who_may_roll_back_lift_and_repair(opened: Opened, registry: Registry) -> None:
    def offered() -> dict[Role, set[str]]:
        return {role: buttons(opened(role, "deployments", model=INTENT)) for role in PEOPLE}

    before = offered()
    assert {r for r, labels in before.items() if "Roll back to v1.0.0" in labels} == ON_CALL
    assert {r for r, labels in before.items() if "Repair" in labels} == ON_CALL
    registry.roll_back()
    assert {r for r, labels in offered().items() if "Lift the hold" in labels} == {Role.LEAD}


def test_a_share_tells_its_effect_and_then_acts(opened: Opened, canary: Registry) -> None:
    app = opened("oncall", "deployments", model=INTENT)
    app.slider[0].set_value(5).run()
    assert "v1.2.0 goes from 10 % to 5 % of the requests, v1.1.0 to 95 %" in words(app)
    fill(app, "share", "a few more errors than before")
    press(app, "Set v1.2.0 to 5 %")
    assert "goes from 10 % to 5 % of the requests" in app.success[0].value
    assert app.slider[0].value == 5


def test_all_requests_make_the_canary_production(opened: Opened, canary: Registry) -> None:
    app = opened("lead", "deployments", model=INTENT)
    app.slider[0].set_value(100).run()
    assert "Makes v1.2.0 production. v1.1.0 is archived" in words(app)
    fill(app, "share", "24 h without a difference")
    press(app, "Make v1.2.0 production")
    assert canary.production() == "v1.2.0"
    assert "There is no canary." in words(app)


def test_a_share_that_moved_meanwhile_is_refused_and_the_new_one_shown(
    opened: Opened, canary: Registry
) -> None:
    app = opened("oncall", "deployments", model=INTENT)
    app.slider[0].set_value(5).run()
    fill(app, "share", "a few more errors than before")
    canary.roll_back(by="omar")
    press(app, "Set v1.2.0 to 5 %")
    assert "did not happen: things moved" in app.error[0].value
    assert "no canary by now" in app.error[0].value
    assert not app.slider
    assert "On hold: nothing promotes this model." in words(app)


def test_lifting_a_hold(opened: Opened, held: Registry) -> None:
    app = opened("lead", "deployments", model=INTENT)
    assert "v1.1.0 rolled back by omar" in words(app)
    fill(app, "hold", "cause found and mended")
    press(app, "Lift the hold")
    assert "On hold" not in words(app)


def test_the_mirror_tells_what_differs_and_is_repaired(opened: Opened, registry: Registry) -> None:
    app = opened("oncall", "deployments", model=INTENT)
    assert "Predictions do not depend on MLflow." in words(app)
    fill(app, "mirror", "moved by hand in MLflow")
    press(app, "Repair")
    assert "MLflow is being made equal" in app.success[0].value


def test_rules_are_chosen_and_ended_by_on_call_and_the_page_says_so(
    opened: Opened, registry: Registry, workers: Workers
) -> None:
    pages = {role: opened(role, "deployments", model=INTENT) for role in PEOPLE}
    assert {r for r, app in pages.items() if "Have rules answer" in buttons(app)} == ON_CALL
    assert "Choosing who answers is for on-call and leads." in words(pages[Role.VIEWER])
    app = pages[Role.ONCALL]
    assert 'each answer says `"source": "fallback"`' in words(app)
    fill(app, "fallback", "wrong since the drift of 02:00")
    press(app, "Have rules answer")
    assert "is answered by rules, no version answers" in app.success[0].value
    assert "Rules answer on 0 of 2 live workers, as decided." in words(app)
    workers.acknowledge("a", "b")
    app = opened("oncall", "deployments", model=INTENT)
    seen = words(app)
    assert "Rules answer, and no version does." in seen
    assert "wrong since the drift of 02:00" in seen
    assert "Rules answer on 2 of 2 live workers, as decided." in seen
    assert "Rules answer" in row(app, "a · 1")
    fill(app, "fallback", "cause found")
    press(app, "Let versions answer again")
    assert "is answered by its versions again" in app.success[0].value
    assert "Rules answer, and no version does." not in words(app)


def test_the_shadow_is_begun_by_a_lead_told_by_its_pairs_and_ended_by_on_call(
    opened: Opened, registry: Registry, workers: Workers
) -> None:
    registry.register("v1.2.0")
    pages = {role: opened(role, "deployments", model=INTENT) for role in PEOPLE}
    assert {r for r, app in pages.items() if "Mirror" in buttons(app)} == {Role.LEAD}
    app = pages[Role.LEAD]
    assert "v1.1.0" not in app.get("selectbox")[-1].options
    app.get("selectbox")[-1].set_value("v1.2.0")
    fill(app, "shadow", "compare before a canary")
    press(app, "Mirror")
    assert "are mirrored to v1.2.0; nobody gets its answers." in app.success[0].value
    assert "No pair of answers was logged yet." in words(app)
    workers.acknowledge("a")
    workers.paired("v1.2.0", 400, agreeing=388)
    app = opened("oncall", "deployments", model=INTENT)
    seen = words(app)
    assert "at 20 %, on 1 of 2 workers" in seen
    assert "v1.2.0 said the same in 97.0 % of 400 pairs." in seen
    fill(app, "unshadow", "enough pairs seen")
    press(app, "End")
    assert "no request is mirrored" in app.success[0].value
    assert "End" not in buttons(app)


def test_the_way_back_tells_each_thing_it_needs_and_is_rehearsed_by_on_call(
    opened: Opened, registry: Registry, workers: Workers
) -> None:
    pages = {role: opened(role, "deployments", model=INTENT) for role in PEOPLE}
    assert {r for r, app in pages.items() if "Rehearse" in buttons(app)} == ON_CALL
    assert "Rehearsing the rollback is for on-call and leads." in words(pages[Role.VIEWER])
    app = pages[Role.ONCALL]
    assert "Ready" in row(app, "Warm")
    assert "Not measured" in row(app, "Rehearsal")
    assert "v1.0.0 was never rehearsed as the way back." in row(app, "Rehearsal")
    assert "No request was logged lately" in row(app, "What clients send")
    fill(app, "rehearse", "before the release on Friday")
    press(app, "Rehearse")
    assert "is being rehearsed as the way back" in app.success[0].value
    rehearsed(registry, "fail", "a · 1: v1.0.0 does not stand: 2 requests failed.")
    app = opened("viewer", "deployments", model=INTENT)
    assert "Not ready" in row(app, "Rehearsal")
    assert "The last rehearsal failed. a · 1: v1.0.0 does not stand" in row(app, "Rehearsal")
    assert "Failed" in row(app, "alpha · 1")
    assert "rehearsal failed" in words(opened("viewer"))


def rehearsed(registry: Registry, result: str, sentence: str) -> None:
    """The ordered rehearsal has ended so."""
    worker = {
        "replica_id": "a", "host": "alpha", "pid": 1, "asked": 8, "errors": 2, "p95_ms": 3.1,
        "seconds": 0.4, "problem": "v1.0.0 does not stand: 2 requests failed.",
    }  # fmt: skip
    with registry.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO rehearsals (id, model_name, version, asked_by, ended_at, result,"
                " sentence, seconds, workers) SELECT id, model_name, version, 'omar', now(),"
                " :result, :sentence, 0.4, CAST(:workers AS jsonb) FROM jobs"
            ),
            {"result": result, "sentence": sentence, "workers": json.dumps([worker])},
        )


def test_what_differs_is_named_with_the_button_that_repairs_it(
    opened: Opened, registry: Registry, workers: Workers
) -> None:
    workers.answered("v1.0.0", 4)
    with registry.engine.begin() as connection:
        connection.execute(
            text("UPDATE replica_models SET acknowledged_at = now() - interval '1 minute'")
        )
    app = opened("viewer", "deployments", model=INTENT)
    assert "v1.0.0 as production answered 4 of 4 requests, as is not decided." in words(app)
    assert "Differs" in row(app, "Answers")
    assert "Repairing it is for on-call and leads." in words(app)
    app = opened("oncall", "deployments", model=INTENT)
    fill(app, "repair", "a worker did not follow")
    press(app, "Ask workers to reload")
    assert "Every worker is asked to load the versions" in app.success[0].value
