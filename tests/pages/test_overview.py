"""Is anything wrong now?"""

from tests.makers import INTENT, Registry, wait_until
from tests.pages.conftest import Opened
from tests.pages.reading import row, words
from tests.workers import Workers


def test_a_model_that_serves_is_fine_on_all_workers(
    opened: Opened, registry: Registry, workers: Workers
) -> None:
    seen = words(opened("viewer"))
    assert "v1.1.0 serves on 2 of 2 workers." in seen
    assert "2 of 2 agree" in seen
    assert "Back to v1.0.0: warm on 2 of 2" in seen


def test_what_is_wrong_is_named_first_and_why(
    opened: Opened, registry: Registry, workers: Workers
) -> None:
    workers.fails("b", "v1.1.0: the digest differs")
    app = opened("viewer")
    assert "things need a look: Intent Classifier" in words(app)
    assert "1 of 2 workers" in words(app)
    assert "v1.1.0: the digest differs" in words(app)


def test_a_dead_part_is_shown_as_dead_and_nothing_is_called_fine(opened: Opened) -> None:
    app = opened("viewer")
    wait_until(lambda: "Down" in row(app.run(), "MLflow"), 20, "MLflow was looked at")
    assert "MLflow" in app.error[0].value
    assert "never yet" in row(app, "MLflow")
    assert "Fine" in row(app, "PostgreSQL")
    assert "it may not be installed" in row(app, "Prometheus")


def test_before_anything_is_deployed_the_page_says_so(opened: Opened) -> None:
    seen = words(opened("viewer"))
    assert seen.count("Nothing is in production yet.") == 4


def test_a_waiting_request_is_a_link_to_it(opened: Opened, registry: Registry) -> None:
    registry.validated("v1.2.0")
    registry.request("v1.2.0")
    links = [(link.label, link.proto.query_string) for link in opened("lead").page_link]
    assert ("1 request waits", f"model={INTENT}") in links


def test_ages_tell_the_absolute_time_on_hover(opened: Opened, registry: Registry) -> None:
    seen = words(opened("viewer"))
    assert '<time datetime="' in seen
    assert 'UTC">just now</time>' in seen
