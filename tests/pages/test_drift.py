"""Do the requests still look like what the model was made for: as each role sees it."""

from collections.abc import Callable

import pytest

from backend_api import watch
from backend_api.states import Role
from tests.conftest import Backend
from tests.makers import INTENT, Registry
from tests.pages.conftest import PEOPLE, Opened
from tests.pages.reading import buttons, fill, press, row, words
from tests.profiles import Counted, judging, number, profile
from tests.profiles import words as categories

HIGHER = [0, 5, 10, 15, 20, 30, 60, 90, 150, 250, 370, 0, 0, 0]
UNKNOWN = [0, *[100] * 10, 0, 250, 0]


@pytest.fixture
def counted(backend: Backend, registry: Registry) -> Counted:
    """v1.1.0 in production with counts of 20 quiet days up to today."""
    made = Counted(
        backend.engine,
        profile(number("words"), number("characters"),
                categories("intent", "credit_score", "emi_due_date", side="output"),
                counts={"intent": [600, 380, 20, 0, 0]}),
    )  # fmt: skip
    for back in range(21):
        made.day(back)
    return made


def tend(backend: Backend) -> None:
    watch.judge_drift(backend.engine, INTENT, judging())


@pytest.fixture
def alarm(backend: Backend, counted: Counted) -> Counted:
    """The last two days that are over moved, and were judged."""
    for back in range(3):
        counted.day(back, words=HIGHER)
    tend(backend)
    return counted


@pytest.mark.parametrize("role", PEOPLE)
def test_everybody_sees_states_and_scores(opened: Opened, counted: Counted, role: Role) -> None:
    app = opened(role, "drift", model=INTENT, figures="true")
    seen = words(app)
    assert "Requests look like what v1.1.0 was made for: 7,000 rows" in seen
    assert "As before" in seen
    assert "0.00" in row(app, "words")
    assert "No day is judged yet." in seen
    may = role in (Role.ANALYST, Role.ONCALL, Role.LEAD)
    assert ("Reading what was asked and answered is for" in seen) != may
    shown = [element.proto.body for element in app.get("html")]
    assert any("drift-scale" in body for body in shown)
    assert any('<table class="drift-bins">' in body for body in shown) == may


def test_what_moved_leads_and_says_what_it_needs(opened: Opened, alarm: Counted) -> None:
    app = opened("analyst", "drift", model=INTENT, days="1", figures="true")
    seen = words(app)
    assert "Requests no longer look like what v1.1.0 was made for: words moved by" in seen
    assert "Retrain on newer data." in seen
    assert "stands at high after" in seen
    assert "To leave it needs 3 more clean days." in seen
    assert "Requests no longer look like what intent_classifier v1.1.0 was made for" in seen
    assert "High" in row(app, "words")
    assert "No drift" in row(app, "characters")
    assert app.selectbox(key="choice.feature.intent_classifier.v1.1.0").value == "words"
    assert app.query_params["days"] == "1"


def test_a_model_with_few_requests_says_over_how_many_days_it_is_judged(
    backend: Backend, opened: Opened, counted: Counted
) -> None:
    for back in range(40):
        counted.day(back, 100)
    tend(backend)
    app = opened("viewer", "drift", model=INTENT, days="1")
    seen = words(app)
    assert "Only 100 rows: 400 more are needed to say. Day by day it is none: Over the last" in seen
    assert "over the last 7 days, as a day has too few requests" in seen.lower()
    assert "judged over 7 days as one has too few requests" in seen
    assert "700 :gray[in 7 days]" in seen


def test_production_is_looked_at_first_however_old_it_is(
    opened: Opened, registry: Registry, counted: Counted
) -> None:
    registry.crowd(600)
    assert "Requests look like what v1.1.0 was made for" in words(
        opened("viewer", "drift", model=INTENT)
    )


def test_odd_values_are_told_apart_from_drift(opened: Opened, counted: Counted) -> None:
    counted.day(0, words=UNKNOWN)
    seen = words(opened("viewer", "drift", model=INTENT, days="1"))
    assert "words: 20.0% of the values are missing" in seen
    assert "Mend the data before anything is trained on it: words: 20.0%" in seen


def test_a_false_alarm_feeds_the_precision(opened: Opened, alarm: Counted) -> None:
    app = opened("analyst", "drift", model=INTENT)
    assert "1 alarm so far; nobody has said yet whether they were true." in words(app)
    fill(app, "drift.alarm", "a campaign for cards")
    press(app, "False alarm")
    seen = words(app)
    assert "noted as false: 0 of 1 judged alarms of intent_classifier were true." in seen
    assert "1 alarm so far; of 1 judged, **0 true** (0% precision)." in seen
    viewer = opened("viewer", "drift", model=INTENT)
    assert "False alarm" not in buttons(viewer)
    assert "Saying whether an alarm was true is for" in words(viewer)


def test_kept_results_come_in_pages(opened: Opened, alarm: Counted) -> None:
    app = opened("viewer", "drift", model=INTENT)
    assert "Older" in buttons(app)
    press(app, "Older")
    assert "Newer" in buttons(app)
    app.toggle(key=f"drift.only.{INTENT}").set_value(True).run()
    assert "Older" not in buttons(app)
    assert "raised" in words(app)


def test_the_same_weekdays_and_the_time_before_may_be_chosen(
    opened: Opened, alarm: Counted
) -> None:
    app = opened("viewer", "drift", model=INTENT, days="1", against="previous")
    assert "Requests look like what v1.1.0" in words(app)
    app.selectbox(key="choice.against.").set_value("weekday").run()
    assert "words moved by" in words(app)
    assert app.query_params["against"] == "weekday"


def test_another_window_stands_beside_this_one(opened: Opened, alarm: Counted) -> None:
    app = opened("viewer", "drift", model=INTENT, days="1")
    app.toggle(key="drift.compare").set_value(True).run()
    tables = [m.value for m in app.markdown if m.value.startswith("| Feature | v1.1.0")]
    assert len(tables) == 1
    assert tables[0].count("High") == 4


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"model": INTENT, "version": "v1.0.0"}, "intent_classifier v1.0.0 has no reference"),
        ({"model": "credit_risk"}, "has no version yet."),
        ({"model": INTENT, "days": "90", "against": "previous"}, "nothing to compare with"),
    ],
)
def test_what_cannot_be_shown_says_what_to_do(
    opened: Opened, counted: Counted, query: dict[str, str], says: str
) -> None:
    assert says in words(opened("viewer", "drift", **query))


def test_an_outage_is_shown_as_one(
    opened: Opened, counted: Counted, cut: Callable[[], None]
) -> None:
    app = opened("viewer", "drift", model=INTENT)
    cut()
    app.run()
    seen = words(app)
    assert "Backend does not answer; last good reading" in seen
    assert "At that time: **Requests look like what v1.1.0 was made for" in seen


def test_a_long_window_does_not_hide_what_the_newest_days_show(
    opened: Opened, alarm: Counted
) -> None:
    for back in range(21, 40):
        alarm.day(back, 3000)
    seen = words(opened("viewer", "drift", model=INTENT, days="90"))
    assert "Day by day it stands at high; this window as a whole does not." in seen


def test_a_candidate_is_one_click_away_where_drift_is_high(opened: Opened, alarm: Counted) -> None:
    app = opened("analyst", "drift", model=INTENT)
    press(app, "Train a candidate")
    seen = words(app)
    assert "A successor of intent_classifier v1.1.0 is being trained" in seen
    assert "ordered a successor of v1.1.0, trained on the labelled answers of the last" in seen
    assert "Train a candidate" not in buttons(app)
    viewer = opened("viewer", "drift", model=INTENT)
    assert "Train a candidate" not in buttons(viewer)


def test_data_are_mended_before_a_candidate_is_trained(opened: Opened, alarm: Counted) -> None:
    alarm.day(0, words=UNKNOWN)
    app = opened("analyst", "drift", model=INTENT, days="1")
    assert "Mend the data first: words: 20.0% of the values are missing" in words(app)
    assert "Train a candidate all the same" in [one.label for one in app.expander]
    # Whoever knows better may.
    press(app, "Train a candidate")
    assert "A successor of intent_classifier v1.1.0 is being trained" in words(app)
