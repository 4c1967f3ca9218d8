"""From a training to a served, promoted and rolled-back version, as people do it at a terminal."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from backend_api.schemas import DecidePromotion, MoveVersion, RegisterVersion, RequestPromotion
from backend_api.states import JobState, VersionStatus
from console.client import Backend
from tests.agreement import Views, agreed
from tests.candidates import Candidates
from tests.makers import INTENT, wait_until
from tests.people import Visit
from tests.runs import tiny_run
from tests.stack import Stack

pytestmark = pytest.mark.flow

REASON = "better on new phrases"


@dataclass
class Person:
    """Somebody who signed in."""

    stack: Stack
    name: str
    id_token: str

    @cached_property
    def backend(self) -> Backend:
        """The backend as their console sees it."""
        return self.stack.with_token(self.id_token)

    def tries(self, *arguments: str) -> tuple[int, str]:
        """Exit code of a `nivesh` command, and all it said."""
        done = self.stack.nivesh(*arguments, NIVESH_TOKEN=self.id_token)
        return done.returncode, done.stdout + done.stderr

    def does(self, *arguments: str) -> str:
        """What a command said that went well."""
        code, said = self.tries(*arguments)
        assert code == 0, said
        return said


def let_in(stack: Stack, name: str, role: str) -> Person:
    """An account made at the terminal, signed in at the embedded issuer."""
    made = stack.nivesh("account", "add", name, "--role", role)
    assert made.returncode == 0, made.stdout + made.stderr
    password = made.stdout.split("shown this once: ")[1].strip()
    return Person(stack, name, Visit(stack).sign_in(name, password)["id_token"])


@pytest.fixture(scope="module")
def asha(stack: Stack) -> Person:
    """Trains, and asks."""
    return let_in(stack, "asha", "analyst")


@pytest.fixture(scope="module")
def ravi(stack: Stack) -> Person:
    """Decides."""
    return let_in(stack, "ravi", "lead")


def by_commands(asha: Person, ravi: Person) -> str:
    """A quickly trained version on its whole way to production, at a terminal."""
    uri = re.search(r"runs:/\w+/model", trained := asha.does("train", INTENT, "--quick"))
    assert uri is not None, trained
    named = re.search(r"v\d+\.\d+\.\d+", registered := asha.does("register", INTENT, uri[0]))
    assert named is not None, registered
    version = named[0]
    asha.does("stage", INTENT, version)
    assert "queries right" in asha.does("validate", INTENT, version)
    asha.does("promote", INTENT, version, "--reason", REASON)
    code, said = asha.tries("approve", INTENT, version, "--reason", REASON)
    assert code == 1
    assert "asha is analyst, which may not approve" in said
    assert "All 2 workers serve it" in ravi.does("approve", INTENT, version, "--reason", REASON)
    return version


def by_requests(asha: Person, ravi: Person, model_uri: str, before: str) -> str:
    """The same by the calls that the console makes."""
    analyst, lead = asha.backend, ravi.backend
    known = {"reason": REASON}
    made = analyst.register(
        INTENT, RegisterVersion(request_id=uuid4(), model_uri=model_uri, **known)
    )
    version = made.version
    assert version is not None
    move = MoveVersion(request_id=uuid4(), expected_status=VersionStatus.REGISTERED, **known)
    analyst.stage(INTENT, version, move)
    move = MoveVersion(request_id=uuid4(), expected_status=VersionStatus.STAGING, **known)
    job = analyst.validate(INTENT, version, move).job_id
    wait_until(lambda: analyst.job(job).state == JobState.SUCCEEDED, 60, "validation has passed")
    ask = RequestPromotion(request_id=uuid4(), version=version, expected_production=before, **known)
    promotion = analyst.request_promotion(INTENT, ask).promotion_id
    signed = lead.version(INTENT, version).promotion
    decide = DecidePromotion(request_id=uuid4(), evidence_hash=signed.evidence_hash, **known)
    assert lead.approve(promotion, decide).version == version
    return version


def only_answer(views: Views) -> dict[str, Any]:
    """What all workers said alike, without what differs from request to request."""
    said = [
        {k: one[k] for k in ("intent", "confidence", "alternatives", "version")}
        for one in views.answers.values()
    ]
    assert all(one == said[0] for one in said), said
    return said[0]


def test_two_versions_go_up_and_a_rollback_brings_the_old_answer_back(
    stack: Stack, candidates: Candidates, asha: Person, ravi: Person, tmp_path: Path
) -> None:
    candidates.lift_hold()
    first = by_commands(asha, ravi)
    before = only_answer(agreed(stack, first))
    metrics = {"accuracy": 0.99, "f1": 0.99, "onnx_max_abs_diff": 0.0}
    _, uri = tiny_run(tmp_path / "run", stack.variables["MLFLOW_TRACKING_URI"], metrics)
    second = by_requests(asha, ravi, uri, first)
    after = only_answer(agreed(stack, second))
    assert (after["intent"], after["confidence"]) != (before["intent"], before["confidence"])
    said = ravi.does("rollback", INTENT, "--reason", "retirement queries come out as spending")
    assert f"from {second} to {first}" in said
    assert only_answer(agreed(stack, first)) == before
    assert "rows are as they were written" in ravi.does("audit", "verify")
    acted = {(e.action, e.version): e.actor for e in ravi.backend.ledger(model=INTENT).entries}
    for version in (first, second):
        assert acted["version.register", version] == "asha"
        assert acted["version.validate", version] == "asha"
        assert acted["promotion.request", version] == "asha"
        assert acted["promotion.approve", version] == "ravi"
    assert ("rollback.observed", first) in acted
