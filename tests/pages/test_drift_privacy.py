"""Fields that the log hashes or drops: nothing is judged by them, and everybody is told so."""

from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from backend_api import db, text_drift, watch
from backend_api.main import build
from backend_api.operations.order import Order
from backend_api.rules.drift_kept import WHOLE
from ops.cli import app
from tests.conftest import Backend
from tests.makers import INTENT, Registry, keeping
from tests.pages.conftest import Opened
from tests.pages.reading import words
from tests.profiles import Counted, judging, measured, number, profile
from tests.profiles import words as words_of
from tests.queued import work

HASHED = [0] * 13 + [1000]
EMPTY = [0] * 12 + [1000, 0]
TOLD = (
    "query is kept hashed by privacy.log, so not judged;"
    " user_id is dropped by privacy.log, so not judged."
)
TEXTS = f"/models/{INTENT}/versions/v1.1.0/texts"
BODY = {"reason": "a new campaign began", "days": 2}


@pytest.fixture
def models_file(tmp_path: Path) -> Path:
    return keeping(tmp_path, {"query": "hash", "user_id": "drop"})


@pytest.fixture
def counted(backend: Backend, registry: Registry) -> Counted:
    """For three days the log has held hashes of what is asked; the answers are as ever."""
    made = Counted(
        backend.engine,
        profile(
            measured("query"), number("user_id"), number("hour"),
            words_of("intent", "credit_score", "emi_due_date", side="output"),
            counts={"intent": [600, 380, 20, 0, 0]},
        ),
    )  # fmt: skip
    for back in range(10):
        made.day(back, **({"words": HASHED, "user_id": EMPTY} if back < 4 else {}))
    return made


def test_the_watch_raises_nothing_on_hashes(backend: Backend, counted: Counted) -> None:
    context = build(backend.settings)
    watch.tick(context, judging())
    context.engine.dispose()
    viewer = backend.client("viewer")
    found = viewer.get("/drift/results", params={"model": INTENT}).json()["results"]
    assert len(found) == 9
    assert {(one["seen"], one["quality"]) for one in found} == {("none", "ok")}
    assert viewer.get("/incidents", params={"model": INTENT}).json() == []


def test_scores_are_of_what_is_kept_whole(backend: Backend, counted: Counted) -> None:
    counted.day(0, words=HASHED, user_id=EMPTY, hour=HASHED)
    place = f"/models/{INTENT}/drift"
    quiet = backend.client("viewer").get(place, params={"until": "2020-01-01T12:00:00Z"})
    assert quiet.json()["details"]["reason"] == "no_data"
    found = backend.client("viewer").get(place, params={"days": 1}).json()
    assert [score["name"] for score in found["scores"]] == ["hour", "intent"]
    assert (found["state"], found["quality"], found["unjudged"]) == ("high", "degraded", TOLD)
    assert {odd["feature"] for odd in found["odd"]} == {"hour"}
    refused = backend.client("analyst").get(f"{place}/features/words")
    assert refused.status_code == 404
    assert TOLD in refused.json()["hint"]


def test_page_and_command_say_what_is_not_judged(
    backend: Backend, opened: Opened, counted: Counted, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    seen = words(opened("analyst", "drift", model=INTENT))
    assert "Requests look like what v1.1.0 was made for" in seen
    assert TOLD in seen
    assert "What the new texts say" not in seen
    for name, value in (("NIVESH_HOME", str(tmp_path / "home")), ("BACKEND_URL", backend.url),
                        ("NIVESH_TOKEN", backend.token("viewer"))):  # fmt: skip
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(app, ["drift", INTENT])
    assert done.exit_code == 0, done.output
    assert TOLD in " ".join(done.output.split())


def test_hashes_are_not_compared_as_texts(backend: Backend, counted: Counted) -> None:
    analyst = backend.client("analyst")
    refused = analyst.post(TEXTS, json={**BODY, "request_id": str(uuid4())})
    assert refused.status_code == 409
    assert TOLD in refused.json()["message"]


def test_a_comparison_that_was_ordered_before_ends_without_a_result(
    backend: Backend, counted: Counted
) -> None:
    with backend.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO drift_texts VALUES (:m, 'v1.1.0', '[\"where is my card\"]')"),
            {"m": INTENT},
        )
    # Before the rule was there.
    with db.transaction(backend.engine, "asha") as session:
        wanted = Order("asha", "a new campaign began", uuid4(), db.now())
        done = text_drift.order(session, wanted, INTENT, "v1.1.0", 2, WHOLE)
    work(backend, text_drift.KIND)
    job = backend.client("analyst").get(f"/jobs/{done.job_id}").json()
    assert (job["state"], TOLD in job["message"]) == ("failed", True)
    assert backend.client("analyst").get(TEXTS).json() is None


class TestNothingKept:
    """Every watched field is lost."""

    @pytest.fixture
    def models_file(self, tmp_path: Path) -> Path:
        return keeping(tmp_path, {"words": "drop"})

    @pytest.mark.usefixtures("registry")
    def test_it_is_said_instead_of_judged(self, backend: Backend) -> None:
        made = Counted(backend.engine, profile(number("words")))
        for back in range(4):
            made.day(back, words=EMPTY)
        context = build(backend.settings)
        watch.tick(context, judging())
        context.engine.dispose()
        viewer = backend.client("viewer")
        assert viewer.get("/drift/results", params={"model": INTENT}).json()["results"] == []
        refused = viewer.get(f"/models/{INTENT}/drift")
        assert (refused.status_code, refused.json()["details"]["reason"]) == (404, "not_kept")
        assert "words is dropped by privacy.log, so not judged." in refused.json()["message"]
