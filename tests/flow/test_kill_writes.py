"""kill -9 in the middle of a registration and of a rollback: their repeat finishes them, once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from mlflow import MlflowClient

from backend_api.schemas import Outcome, RegisterVersion, RollBack, SteerRollout, WalkDown
from backend_api.states import Role, Strategy
from tests.agreement import agreed
from tests.candidates import Candidates, until_answered
from tests.locks import BEGUN, NOT_COMMITTED, has_waiter, held
from tests.makers import INTENT, wait_until
from tests.runs import tiny_run
from tests.stack import Stack

pytestmark = pytest.mark.flow

LONG = pytest.mark.long


@pytest.mark.parametrize("part", ["backend", pytest.param("postgres", marks=LONG)])
def test_a_registration_cut_short_makes_one_version_here_and_one_in_mlflow(
    stack: Stack, candidates: Candidates, tmp_path: Path, part: str
) -> None:
    candidates.serving()
    tracking = stack.variables["MLFLOW_TRACKING_URI"]
    metrics = {"accuracy": 0.99, "f1": 0.99, "onnx_max_abs_diff": 0.0}
    _, uri = tiny_run(tmp_path / "run", tracking, metrics)
    analyst = stack.as_role(Role.ANALYST)
    body = RegisterVersion(request_id=uuid4(), reason="a new training", model_uri=uri)
    with (
        ThreadPoolExecutor(1) as pool,
        held(stack.variables["DATABASE_URL"], BEGUN) as holder,
    ):
        # MLflow has its version by then, and we have not.
        sent = pool.submit(analyst.register, INTENT, body)
        wait_until(lambda: has_waiter(holder), 30, "the registration waits")
        with stack.killed(part):
            holder.close()
            assert sent.exception() is not None
            made = until_answered(lambda: analyst.register(INTENT, body))
    assert analyst.register(INTENT, body) == made
    ours = [v for v in analyst.versions(INTENT) if v.version == made.version]
    found = MlflowClient(tracking, tracking).search_model_versions(
        f"name = '{INTENT}' and tags.`nivesh.request_id` = '{body.request_id}'"
    )
    assert [v.mlflow_version for v in ours] == [int(v.version) for v in found]
    entries = analyst.ledger(model=INTENT, action="version.register", limit=50).entries
    assert sum(e.request_id == body.request_id for e in entries) == 1


@pytest.mark.parametrize("part", ["postgres", pytest.param("backend", marks=LONG)])
def test_a_rollback_cut_short_is_carried_out_once(
    stack: Stack, candidates: Candidates, part: str
) -> None:
    good = candidates.serving()
    agreed(stack, good.version)
    bad = candidates.promoted()
    agreed(stack, bad.version)
    oncall = stack.as_role(Role.ONCALL)
    body = RollBack(request_id=uuid4(), reason="p95 doubled", expected_production=bad.version)
    cut_short(stack, part, lambda: oncall.roll_back(INTENT, body))
    agreed(stack, good.version)
    entries = oncall.ledger(model=INTENT, action="model.roll_back", limit=50).entries
    assert sum(e.request_id == body.request_id for e in entries) == 1


def cut_short(stack: Stack, part: str, send: Callable[[], Outcome]) -> None:
    """The part dies while the decision waits for its commit; repeats carry it out, once."""
    with (
        ThreadPoolExecutor(1) as pool,
        held(stack.variables["DATABASE_URL"], NOT_COMMITTED) as holder,
    ):
        sent = pool.submit(send)
        wait_until(lambda: has_waiter(holder), 20, "the decision waits")
        with stack.killed(part):
            holder.close()
            assert sent.exception() is not None
            done = until_answered(send)
    assert send() == done


def ends(stack: Stack) -> None:
    """What is under way is aborted."""
    oncall = stack.as_role(Role.ONCALL)
    share = oncall.rollout(INTENT).share
    body = SteerRollout(request_id=uuid4(), reason="enough seen", expected_share=share)
    oncall.steer_rollout(INTENT, "abort", body)


@LONG
@pytest.mark.parametrize("part", ["backend", "postgres"])
def test_a_walk_down_cut_short_is_begun_once(
    stack: Stack, candidates: Candidates, part: str
) -> None:
    good = candidates.serving()
    agreed(stack, good.version)
    bad = candidates.promoted()
    agreed(stack, bad.version)
    oncall = stack.as_role(Role.ONCALL)
    body = WalkDown(request_id=uuid4(), reason="drift", expected_production=bad.version)
    cut_short(stack, part, lambda: oncall.walk_down(INTENT, body))
    found = oncall.rollout(INTENT)
    assert (found.kind, found.canary, found.stable, found.share) == (
        "down", bad.version, good.version, 50,
    )  # fmt: skip
    assert [step.what for step in found.timeline] == ["begin"]
    ends(stack)
    agreed(stack, good.version)


@LONG
@pytest.mark.parametrize("part", ["backend", "postgres"])
def test_a_step_cut_short_is_taken_once(stack: Stack, candidates: Candidates, part: str) -> None:
    good = candidates.serving()
    agreed(stack, good.version)
    made = candidates.new()
    candidates.registry.approve(candidates.propose(made, Strategy.CANARY))
    lead = stack.as_role(Role.LEAD)
    body = SteerRollout(request_id=uuid4(), reason="seen enough", expected_share=10)
    cut_short(stack, part, lambda: lead.steer_rollout(INTENT, "step", body))
    found = lead.rollout(INTENT)
    assert (found.canary, found.state, found.share) == (made.version, "running", 50)
    assert [step.what for step in found.timeline] == ["begin", "raise"]
    ends(stack)
    agreed(stack, good.version)
