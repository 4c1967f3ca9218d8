"""With parts stopped: predictions go on, and the way back stays open."""

from uuid import uuid4

import pytest

from backend_api.schemas import RollBack
from backend_api.states import Role
from tests.agreement import agreed, ask_each_worker
from tests.candidates import Candidate, Candidates
from tests.makers import INTENT, wait_until
from tests.stack import Stack
from tests.stream import Stream, all_logged_once

pytestmark = pytest.mark.flow

REASON = "p95 doubled since 03:10"
ALL = ("postgres", "redis", "mlflow", "backend", "worker", "console")
LONG = pytest.mark.long
GONE = [
    ALL,
    pytest.param(("redis", "mlflow"), marks=LONG),
    pytest.param(("backend", "worker"), marks=LONG),
    *(pytest.param((part,), marks=LONG) for part in ALL if part != "console"),
]


def serve_only(stack: Stack, wanted: Candidate) -> bool:
    """Whether both workers answer as the version does."""
    answers = ask_each_worker(stack.inference_url, 2).values()
    said = [(one["version"], one["intent"]) for one in answers]
    return said == [wanted.speaks] * 2


@pytest.mark.parametrize("gone", GONE, ids=lambda gone: " ".join(gone) if gone != ALL else "all")
def test_predictions_go_on_and_begin_again_without(
    stack: Stack, candidates: Candidates, gone: tuple[str, ...]
) -> None:
    serving = candidates.serving()
    agreed(stack, serving.version)
    with Stream(stack.inference_url) as before, stack.without(*gone):
        before.goes_on()
        before.end()
        stack.restart("inference")
        assert serve_only(stack, serving)
        with Stream(stack.inference_url) as after:
            after.goes_on()
    for seen in (before.whole(), after.whole()):
        assert (seen.refused, seen.lost, seen.broken) == ([], [], 0)
        assert seen.served() == {serving.speaks}
        all_logged_once(stack.variables["DATABASE_URL"], set(seen.answers))
    agreed(stack, serving.version)


@pytest.fixture
def bad(candidates: Candidates) -> tuple[Candidate, Candidate]:
    """What served well, and what serves since."""
    good = candidates.serving()
    agreed(candidates.stack, good.version)
    bad = candidates.promoted()
    agreed(candidates.stack, bad.version)
    return good, bad


def test_the_backend_rolls_back_without_mlflow_and_redis(
    stack: Stack, bad: tuple[Candidate, Candidate]
) -> None:
    good, worse = bad
    oncall = stack.as_role(Role.ONCALL)
    body = RollBack(request_id=uuid4(), reason=REASON, expected_production=worse.version)
    with stack.without("mlflow", "redis"):
        first = oncall.roll_back(INTENT, body)
        assert first.version == good.version
        wait_until(lambda: oncall.deployment(INTENT).agrees, 20, "both workers acknowledge")
        assert serve_only(stack, good)
        assert oncall.roll_back(INTENT, body) == first
        wait_until(lambda: oncall.deployment(INTENT).mirror.error, 20, "the mirror is said to wait")
    agreed(stack, good.version)
    newest = oncall.ledger(model=INTENT, action="rollback.observed", limit=1).entries[0]
    assert newest.evidence["epoch"] == first.epoch
    assert newest.evidence["seconds"] < 20


def test_the_command_line_rolls_back_with_only_postgresql_and_the_workers(
    stack: Stack, bad: tuple[Candidate, Candidate]
) -> None:
    good, worse = bad
    with Stream(stack.inference_url) as stream:
        with stack.without("backend", "worker", "console", "mlflow", "redis"):
            done = stack.nivesh("rollback", INTENT, "--reason", REASON)
            assert done.returncode == 0, done.stdout + done.stderr
            assert serve_only(stack, good)
            stream.chapter()
            stream.goes_on()
        seen = stream.whole()
    assert f"from {worse.version} to {good.version}" in done.stdout
    assert "All 2 workers serve it" in done.stdout
    assert (seen.refused, seen.lost, seen.broken) == ([], [], 0)
    assert seen.served() == {good.speaks, worse.speaks}
    assert stream.chapter().served() == {good.speaks}
    agreed(stack, good.version)
    viewer = stack.as_role(Role.VIEWER)
    ordered = viewer.ledger(model=INTENT, action="model.roll_back", limit=1).entries[0]
    assert (ordered.reason, ordered.actor[:4]) == (REASON, "cli:")
    seen_at = viewer.ledger(model=INTENT, action="rollback.observed", limit=1).entries[0]
    assert seen_at.evidence["epoch"] == ordered.evidence["epoch"]
    hold = viewer.deployment(INTENT).hold
    assert hold is not None
    assert REASON in hold.reason
    assert "rows are as they were written" in stack.nivesh("audit", "verify").stdout
