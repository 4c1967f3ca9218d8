"""kill -9 of each part at each point of a promotion: the old state or the new one, never a mix."""

import itertools
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import pytest

from backend_api.schemas import Outcome
from console.errors import BackendError
from tests.agreement import agreed
from tests.candidates import OUTAGES, Approval, Candidate, Candidates
from tests.locks import BEGUN, HALF_WRITTEN, NOT_COMMITTED, has_waiter, held
from tests.makers import wait_until
from tests.stack import WORKER, Stack
from tests.stream import CLIENTS, Stream, all_logged_once

T = TypeVar("T")
pytestmark = pytest.mark.flow

PARTS = ("backend", "worker", "mlflow", "redis", "postgres", WORKER)
# Whoever decides can be answered only while these are there.
ANSWERING = ("backend", "postgres")


@dataclass(frozen=True)
class Case:
    """A promotion that is about to happen, and the part that will not live through it."""

    stack: Stack
    candidates: Candidates
    candidate: Candidate
    before: Candidate
    part: str

    @property
    def url(self) -> str:
        """Where PostgreSQL is."""
        return self.stack.variables["DATABASE_URL"]

    def proposed(self) -> Approval:
        """The decision, ready to be sent."""
        promotion = self.candidates.propose(self.candidate)
        return Approval(self.stack, promotion, self.candidate, self.before.version)


def right_before(case: Case) -> Approval:
    approval = case.proposed()
    case.candidates.await_loaded(case.candidate)
    with case.stack.killed(case.part):
        approval.insist()
    return approval


def in_flight(lock: str, case: Case) -> Approval:
    """The decision waits inside its transaction when the part dies."""
    approval = case.proposed()
    case.candidates.await_loaded(case.candidate)
    with ThreadPoolExecutor(1) as pool, held(case.url, lock) as holder:
        sent = pool.submit(approval.send)
        wait_until(lambda: has_waiter(holder), 20, "the decision waits")
        with case.stack.killed(case.part):
            holder.close()
            first = first_answer(sent, case.part)
            assert first in (None, approval.insist())
    return approval


def begun(case: Case) -> Approval:
    return in_flight(BEGUN, case)


def half_written(case: Case) -> Approval:
    return in_flight(HALF_WRITTEN, case)


def not_committed(case: Case) -> Approval:
    return in_flight(NOT_COMMITTED, case)


def first_answer(sent: "Future[Outcome]", part: str) -> Outcome | None:
    """There may be none only when a part died that gives it, and then an outage is told."""
    error = sent.exception()
    if error is None:
        return sent.result()
    assert part in ANSWERING, f"the death of {part} kept the decision from an answer: {error}"
    assert isinstance(error, BackendError)
    assert error.status in OUTAGES, error.message
    return None


def right_after(case: Case) -> Approval:
    approval = case.proposed()
    case.candidates.await_loaded(case.candidate)
    approval.insist()
    with case.stack.killed(case.part):
        pass
    return approval


def while_workers_load(case: Case) -> Approval:
    """Decided, and no worker has the version in memory when the part dies."""
    with case.candidates.lock(case.candidate) as lock:
        approval = case.proposed()
        approval.insist()
        wait_until(
            lambda: case.candidates.states(case.candidate) == ["loading", "loading"], 20,
            "both workers are loading",
        )  # fmt: skip
        with case.stack.killed(case.part):
            lock.release()
    return approval


# What every run tries: the parts that decide and serve. `make test-long` tries all at all points.
ALWAYS = {
    ("backend", half_written), ("postgres", not_committed), (WORKER, while_workers_load),
}  # fmt: skip
POINTS = (right_before, begun, half_written, not_committed, right_after, while_workers_load)


def cases() -> Iterator[Any]:
    for point, part in itertools.product(POINTS, PARTS):
        marks = [] if (part, point) in ALWAYS else [pytest.mark.long]
        yield pytest.param(
            part, point, id=f"{part} {point.__name__}".replace("_", " "), marks=marks
        )


@pytest.fixture(scope="module")
def stream(stack: Stack, candidates: Candidates) -> Iterator[Stream]:
    """Callers who ask through all of it."""
    agreed(stack, candidates.promoted().version)
    with Stream(stack.inference_url) as running:
        yield running


@pytest.mark.parametrize(("part", "point"), list(cases()))
def test_a_killed_part_leaves_the_old_state_or_the_new_one(
    stack: Stack, candidates: Candidates, stream: Stream,
    part: str, point: Callable[[Case], Approval],
) -> None:  # fmt: skip
    stream.chapter()
    case = Case(stack, candidates, candidates.new(), candidates.serving(), part)
    approval = point(case)
    ends_whole(case, approval, stream, broken=CLIENTS if part == WORKER else 0)


def ends_whole(case: Case, approval: Approval, stream: Stream, broken: int) -> None:
    """The promotion happened once, all views say so, and no caller was failed meanwhile."""
    first = approval.insist()
    assert approval.insist() == first, "a repeat is answered as the first was"
    assert approval.is_carried_out()
    agreed(case.stack, case.candidate.version)
    seen = stream.chapter()
    assert (seen.refused, seen.lost) == ([], [])
    assert seen.broken <= broken
    assert seen.served() <= {case.before.speaks, case.candidate.speaks}
    stream.goes_on()
    assert stream.chapter().served() == {case.candidate.speaks}


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(3))
def test_kills_at_random_moments_of_ten_promotions(
    stack: Stack, candidates: Candidates, stream: Stream, seed: int
) -> None:
    chance = random.Random(seed)
    for _ in range(10):
        parts = chance.sample(PARTS, k=chance.choice((1, 1, 2)))
        stream.chapter()
        case = Case(stack, candidates, candidates.new(), candidates.serving(), " ".join(parts))
        approval = case.proposed()
        with ExitStack() as deaths, ThreadPoolExecutor(len(parts) + 1) as pool:
            sent = pool.submit(late, chance.uniform(0, 0.5), approval.insist)
            for part in parts:
                act = partial(deaths.enter_context, stack.killed(part))
                pool.submit(late, chance.uniform(0, 1.5), act).result()
            sent.result()
        ends_whole(case, approval, stream, broken=CLIENTS if WORKER in parts else 0)
    all_logged_once(stack.variables["DATABASE_URL"], set(stream.whole().answers))


def late(seconds: float, act: Callable[[], T]) -> T:
    """Act at a moment that the seed chose."""
    time.sleep(seconds)
    return act()


def test_each_answer_of_that_time_is_in_the_log_once(stack: Stack, stream: Stream) -> None:
    all_logged_once(stack.variables["DATABASE_URL"], set(stream.whole().answers))
