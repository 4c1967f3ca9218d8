"""Which version may go to production next, and what each role may do about it."""

from sqlalchemy import text

from backend_api.states import Role
from tests.makers import INTENT, Registry, good_metrics
from tests.pages.conftest import PEOPLE, Opened
from tests.pages.reading import buttons, fill, press, words


def test_a_model_without_versions_says_what_to_do(opened: Opened) -> None:
    seen = words(opened("analyst", "registry", model=INTENT))
    assert "Intent Classifier has no version yet." in seen
    assert f"nivesh train {INTENT}" in seen


def test_a_validated_version_is_shown_with_all_it_rests_on(
    opened: Opened, registry: Registry
) -> None:
    registry.validated("v1.2.0")
    app = opened("viewer", "registry", model=INTENT, version="v1.2.0")
    seen = words(app)
    assert "v1.2.0 may go to production: no gate holds it back." in seen
    assert "All 2 acceptance criteria are met." in seen
    assert "| Metric | v1.2.0 | v1.1.0 (production) | Must be | Verdict |" in seen
    assert list(app.dataframe[0].value["Version"]) == ["v1.2.0", "v1.1.0", "v1.0.0"]


def test_a_version_below_the_bar_says_by_how_much(opened: Opened, registry: Registry) -> None:
    metrics = {**good_metrics(registry.catalog, INTENT), "accuracy": 0.981}
    registry.register("v1.2.0", metrics=metrics)
    seen = words(opened("viewer", "registry", model=INTENT, version="v1.2.0"))
    assert "v1.2.0 may not go to production. Failed: Acceptance criteria." in seen
    assert "Missed by 0.009" in seen
    assert "short by 0.009" in seen


def test_an_address_to_no_version_is_told_and_mended(opened: Opened, registry: Registry) -> None:
    app = opened("viewer", "registry", model=INTENT, version="v9.9.9")
    assert "There is no version v9.9.9 here" in words(app)


def test_a_version_too_old_for_the_list_opens_by_its_address(
    opened: Opened, registry: Registry
) -> None:
    registry.crowd(500)
    app = opened("viewer", "registry", model=INTENT, version="v1.0.0")
    assert "v1.0.0 served before." in words(app)
    assert len(app.dataframe[0].value) == 502
    assert "v1.1.0 · Production" in app.selectbox(key=f"choice.version.{INTENT}").options


REGISTERS = {Role.ANALYST, Role.ONCALL, Role.LEAD}


def test_who_may_do_what_with_a_version(opened: Opened, registry: Registry) -> None:
    registry.register("v1.2.0")
    registry.validated("v1.3.0")
    registry.validated("v1.4.0")
    registry.request("v1.4.0")

    offered = {
        version: {r: buttons(opened(r, "registry", model=INTENT, version=version)) for r in PEOPLE}
        for version in ("v1.2.0", "v1.3.0", "v1.4.0")
    }

    def may(version: str, label: str) -> set[Role]:
        return {role for role, labels in offered[version].items() if label in labels}

    assert may("v1.2.0", "Stage v1.2.0") == REGISTERS
    assert may("v1.2.0", "Register") == REGISTERS
    assert may("v1.2.0", "Refuse v1.2.0") == {Role.LEAD}
    assert may("v1.3.0", "Request promotion") == REGISTERS
    assert may("v1.4.0", "Approve") == {Role.LEAD}
    assert may("v1.4.0", "Reject") == {Role.LEAD}
    assert may("v1.4.0", "Withdraw") == set()


def test_who_may_not_is_told_who_may(opened: Opened, registry: Registry) -> None:
    registry.register("v1.2.0")
    seen = words(opened("viewer", "registry", model=INTENT, version="v1.2.0"))
    assert (
        "Staging is for analysts, on-call, leads and machine tokens. Your role is viewer." in seen
    )


def test_staging_moves_the_version_and_the_page_shows_it(
    opened: Opened, registry: Registry
) -> None:
    registry.register("v1.2.0")
    app = opened("analyst", "registry", model=INTENT, version="v1.2.0")
    fill(app, "stage", "this week's candidate")
    press(app, "Stage v1.2.0")
    assert registry.status("v1.2.0") == "staging"
    assert "v1.2.0 is not ready: validate it on the staged copy." in words(app)


def test_without_a_reason_nothing_is_sent(opened: Opened, registry: Registry) -> None:
    registry.register("v1.2.0")
    app = press(opened("analyst", "registry", model=INTENT, version="v1.2.0"), "Stage v1.2.0")
    assert registry.status("v1.2.0") == "registered"
    assert "Reason should have at least 3 characters" in app.error[0].value


def test_who_asks_cannot_approve_but_may_withdraw(opened: Opened, registry: Registry) -> None:
    registry.validated("v1.2.0")
    app = opened("lead", "registry", model=INTENT, version="v1.2.0")
    fill(app, "ask", "better on new phrases")
    press(app, "Request promotion")
    assert "waits for approval by another lead" in app.success[0].value
    assert "You made this request, so you cannot approve it" in words(app)
    assert "Approve" not in buttons(app)
    fill(app, "decide", "found a fault in it")
    press(app, "Withdraw")
    assert "Last request, by some-lead, decided by some-lead" in words(app)
    assert registry.status("v1.2.0") == "validated"


def test_an_approval_acts_at_once_and_shows_the_new_state(
    opened: Opened, registry: Registry
) -> None:
    registry.validated("v1.2.0")
    registry.request("v1.2.0")
    app = opened("lead", "registry", model=INTENT, version="v1.2.0")
    assert "Evidence that the approver signs" in words(app)
    fill(app, "decide", "looked at the gates")
    press(app, "Approve")
    assert registry.production() == "v1.2.0"
    assert "v1.2.0 is in production now." in words(app)


def test_what_moved_since_the_request_is_said_and_no_approval_is_offered(
    opened: Opened, registry: Registry
) -> None:
    registry.validated("v1.2.0")
    registry.request("v1.2.0")
    registry.roll_back()
    app = opened("lead", "registry", model=INTENT, version="v1.2.0")
    told = next(w.value for w in app.warning if "would be void" in w.value).replace("\\", "")
    assert "production was 'v1.1.0' and is 'v1.0.0'" in told
    assert "Approve" not in buttons(app)
    assert "Reject" in buttons(app)


def test_an_approval_of_a_page_that_is_out_of_date_is_refused_and_the_page_is_new(
    opened: Opened, registry: Registry
) -> None:
    registry.validated("v1.2.0")
    registry.request("v1.2.0")
    app = opened("lead", "registry", model=INTENT, version="v1.2.0")
    registry.roll_back()
    fill(app, "decide", "looked at the gates")
    press(app, "Approve")
    assert "did not happen: things moved. Below is how they are now." in app.error[0].value
    assert "production was" in app.error[0].value
    assert registry.production() == "v1.0.0"
    assert "Approve" not in buttons(app)


def test_a_canary_begins_with_the_share_that_was_asked_for(
    opened: Opened, registry: Registry
) -> None:
    registry.validated("v1.2.0")
    app = opened("analyst", "registry", model=INTENT, version="v1.2.0")
    app.slider[0].set_value(25)
    fill(app, "ask", "better on new phrases")
    press(app, "Request promotion")
    assert "**v1.2.0: canary at 25 %**" in words(app)


def test_validation_is_watched_while_it_runs(opened: Opened, registry: Registry) -> None:
    registry.register("v1.2.0")
    registry.stage("v1.2.0")
    app = opened("analyst", "registry", model=INTENT, version="v1.2.0")
    fill(app, "validate", "before asking")
    press(app, "Validate v1.2.0")
    assert app.get("progress"), "the job's progress is on the page"
    assert "Validation is under way" in words(app)
    assert "Validate v1.2.0" not in buttons(app)


def test_a_spent_budget_leaves_break_glass_to_whoever_approves(
    opened: Opened, registry: Registry
) -> None:
    registry.validated("v1.2.0")
    with registry.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO slo_counts SELECT :m, date_trunc('hour', now()) - h * interval '1 h',"
                 " 10000, 30, 0 FROM unnest(ARRAY[2, 40]) h"),
            {"m": registry.model},
        )  # fmt: skip
    app = opened("analyst", "registry", model=registry.model, version="v1.2.0")
    assert "60 of 20,000 requests failed, 20 may (300%)" in words(app)
    assert "a lead can approve it by break-glass only" in words(app)
    fill(app, "ask.", "the old one fails")
    press(app, "Request promotion")
    app = opened("lead", "registry", model=registry.model, version="v1.2.0")
    fill(app, "decide.", "it mends what spent the budget")
    press(app, "Approve by break-glass")
    assert "error budget is spent" in app.error[0].value, "the box was not ticked"
    (glass,) = (box for box in app.checkbox if str(box.key).endswith("glass"))
    assert glass.label.startswith("Break glass: approve in spite of the error budget.")
    glass.check()
    fill(app, "decide.", "it mends what spent the budget")
    press(app, "Approve by break-glass")
    assert registry.status("v1.2.0") == "canary"


def test_a_lead_reviews_what_another_let_through_by_break_glass(
    opened: Opened, registry: Registry
) -> None:
    registry.validated("v1.2.0")
    request = registry.request("v1.2.0", by="ravi")
    registry.approve(request, by="ravi", break_glass=True)
    app = opened("lead", "registry", model=INTENT, version="v1.2.0")
    assert "Approved by break-glass. Its review is due by" in words(app)
    fill(app, "review", "right at that hour")
    press(app, "Put the review on record")
    assert "Reviewed by some-lead" in words(app)
    assert "Its review is due by" not in words(app)


def test_breaking_the_glass_is_marked_and_not_reviewed_by_oneself(
    opened: Opened, registry: Registry
) -> None:
    registry.validated("v1.2.0")
    app = opened("lead", "registry", model=INTENT, version="v1.2.0")
    fill(app, "ask", "production is down")
    press(app, "Request promotion")
    fill(app, "decide", "nobody else is awake")
    press(app, "Approve by break-glass")
    assert "did not happen" in app.error[0].value, "the box has to be ticked"
    next(box for box in app.checkbox if "Break glass" in box.label).check()
    fill(app, "decide", "nobody else is awake")
    press(app, "Approve by break-glass")
    assert "You broke the glass; another lead must review it." in words(app)
    assert "Put the review on record" not in buttons(app)
