"""A decision is shown until every worker serves it, and one that does not is named."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend_api.errors import Unavailable
from backend_api.schemas import Deployment, Desired, Mirror, Observed, Readiness
from backend_api.states import Health
from ops import arrival
from ops.errors import OpsError

DECIDED = datetime(2026, 11, 24, 3, 10, tzinfo=UTC)
SERVED = DECIDED + timedelta(seconds=0.25)


def worker(slot: int, agrees: bool, error: str | None = None, live: bool = True) -> Observed:
    return Observed(
        replica_id=f"host:8000/{slot}", host="host", pid=slot, live=live, heartbeat_at=SERVED,
        epoch=7 if agrees else 6, production="v1.0.0" if agrees else "v1.1.0", canary=None,
        canary_share=0, loaded={}, error=error, acknowledged_at=SERVED, agrees=agrees,
    )  # fmt: skip


def deployment(*workers: Observed, epoch: int = 7) -> Deployment:
    live = [one for one in workers if one.live]
    return Deployment(
        model_name="intent_classifier", title="Intent", endpoint="/predict/intent",
        desired=Desired(
            model_name="intent_classifier", epoch=epoch, production="v1.0.0", canary=None,
            canary_share=0, staging=[], target=None, salt="", degraded=None, changed_at=DECIDED,
            changed_by="cli:asha",
        ),
        observed=list(workers), agrees=bool(live) and all(one.agrees for one in live), hold=None,
        readiness=Readiness(
            state=Health.OK, target=None, target_verified_at=None, warm=0, replicas=2,
            digest_checked=True, last_seconds=None, last_at=None, sentence="",
        ),
        mirror=Mirror(
            state=Health.OK, difference=None, error=None, pending=0, checked_at=None,
            equal_at=None,
        ),
    )  # fmt: skip


def reader(*readings: Any) -> Any:
    """Gives one reading after the other, and the last one for ever; an error is raised."""
    left: Iterator[Any] = iter(readings)
    last: list[Any] = []

    def read() -> Deployment:
        last[:] = [next(left, last[0] if last else None)]
        if isinstance(last[0], Exception):
            raise last[0]
        return last[0]

    return read


def test_it_ends_when_all_live_workers_serve_it_and_says_how_long_it_took(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ready = deployment(worker(1, True), worker(2, True), worker(3, False, live=False))
    arrival.follow(7, reader(deployment(worker(1, True), worker(2, False)), ready), 20)
    said = capsys.readouterr().out
    assert "host:8000/2" in said
    assert "serves v1.0.0 after 0.25 s" in said
    assert "All 2 workers serve it, 0.25 s after the decision." in said


def test_an_older_decision_is_not_taken_for_this_one() -> None:
    earlier = deployment(worker(1, True), epoch=6)
    with pytest.raises(OpsError, match="The decision is written and stands"):
        arrival.follow(7, reader(earlier), 0.3)


def test_workers_that_are_missing_are_named_with_their_reason() -> None:
    stuck = deployment(worker(1, True), worker(2, False, error="other bytes than registered"))
    with pytest.raises(OpsError) as told:
        arrival.follow(7, reader(stuck), 0.3)
    assert "1 of 2 workers are not there yet: host:8000/2 (other bytes" in told.value.message


def test_no_live_worker_is_no_agreement() -> None:
    with pytest.raises(OpsError, match="No inference worker is live"):
        arrival.follow(7, reader(deployment(worker(1, True, live=False))), 0.3)


def test_an_outage_while_waiting_is_waited_out() -> None:
    arrival.follow(7, reader(Unavailable("down"), deployment(worker(1, True))), 20)
