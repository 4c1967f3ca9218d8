"""Two hosts, each with an address, a disk and two workers of its own, on one PostgreSQL."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from backend_api import db, deployment
from backend_api.catalog import Catalog
from backend_api.schemas import Observed
from backend_api.states import Strategy
from tests.artefacts import tiny_intent
from tests.inference_process import Inference
from tests.makers import INTENT, Registry, wait_until

TIMEOUT = 3.0
ALPHA, BETA = "alpha", "beta"
ADDRESSES = {ALPHA: "127.0.0.2", BETA: "127.0.0.3"}


@pytest.fixture
def registry(engine: Engine, catalog: Catalog, tmp_path: Path) -> Registry:
    """v1.0.0 verified in production before, v1.1.0 in production now."""
    made = Registry(engine, catalog)
    made.promoted("v1.0.0", **tiny_intent(tmp_path / "one", "loan_affordability"))
    made.promoted("v1.1.0", **tiny_intent(tmp_path / "two", "retirement_planning"))
    return made


@pytest.fixture
def host(database_url: str, tmp_path: Path) -> Iterator[Callable[[str], Inference]]:
    """Starts a host by its name."""
    begun: list[Inference] = []

    def start(name: str) -> Inference:
        home = tmp_path / name
        home.mkdir()
        begun.append(Inference(home, database_url, ADDRESSES[name], name))
        return begun[-1].start()

    yield start
    for inference in begun:
        inference.close()


def observed(engine: Engine) -> list[Observed]:
    """What each worker of each host acknowledged."""
    with db.transaction(engine, "tests") as session:
        want = deployment.desired(session, INTENT)
        return deployment.observed(session, INTENT, want, db.now(), TIMEOUT)


def agreeing(engine: Engine) -> list[str]:
    """Hosts of live workers if each of these serves the decision, else none."""
    live = [worker for worker in observed(engine) if worker.live]
    return sorted(w.host for w in live) if deployment.agreed(live) else []


BOTH = [ALPHA, ALPHA, BETA, BETA]


def test_a_user_gets_the_same_arm_on_every_host(
    registry: Registry, host: Callable[[str], Inference], engine: Engine, tmp_path: Path
) -> None:
    alpha, beta = host(ALPHA), host(BETA)
    registry.validated("v1.2.0", **tiny_intent(tmp_path / "three", "out_of_scope"))
    registry.approve(registry.request("v1.2.0", strategy=Strategy.CANARY, share=30))
    wait_until(lambda: agreeing(engine) == BOTH, 30, "all four workers serve the canary")
    users = [f"user-{number}" for number in range(60)]
    arms = [[one.predict(user_id=u).json()["arm"] for u in users] for one in (alpha, beta)]
    assert arms[0] == arms[1]
    assert set(arms[0]) == {"production", "canary"}


def test_a_host_that_vanishes_is_named_and_holds_nobody_up(
    registry: Registry, host: Callable[[str], Inference], engine: Engine
) -> None:
    alpha, beta = host(ALPHA), host(BETA)
    wait_until(lambda: agreeing(engine) == BOTH, 30, "all four workers serve v1.1.0")
    beta.freeze()
    try:
        registry.roll_back()
        wait_until(lambda: agreeing(engine) == [ALPHA] * 2, 30, "whoever lives has gone back")
        silent = [worker for worker in observed(engine) if not worker.live]
        assert {(w.host, w.production) for w in silent} == {(BETA, "v1.1.0")}
        assert alpha.serves("v1.0.0")
    finally:
        beta.thaw()
    wait_until(lambda: agreeing(engine) == BOTH, 30, "the host that came back has caught up")
    assert beta.serves("v1.0.0")


@pytest.mark.long
def test_a_host_that_cannot_load_a_version_says_why_and_others_serve_it(
    registry: Registry, host: Callable[[str], Inference], engine: Engine, tmp_path: Path
) -> None:
    alpha = host(ALPHA)
    wait_until(lambda: agreeing(engine) == [ALPHA] * 2, 30, "the first host serves v1.1.0")
    # It has its copy by now; the second host comes too late for one.
    shutil.rmtree(tmp_path / "two")
    beta = host(BETA)

    def lagging() -> list[Observed]:
        return [worker for worker in observed(engine) if worker.error is not None]

    wait_until(lambda: len(lagging()) == 2, 30, "both workers of the second host say what is wrong")
    assert {worker.host for worker in lagging()} == {BETA}
    assert all("v1.1.0 is not served" in (worker.error or "") for worker in lagging())
    assert alpha.serves("v1.1.0")
    assert beta.predict().json()["source"] == "fallback", "its rules stand in meanwhile"
    registry.roll_back()
    wait_until(lambda: agreeing(engine) == BOTH, 30, "a rollback reaches both")
    assert beta.serves("v1.0.0")
