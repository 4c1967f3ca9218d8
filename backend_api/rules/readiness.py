"""How ready is the way back? One finding per thing that a rollback needs; none is guessed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backend_api.rules.compatibility import narrower
from backend_api.rules.sent import Sent, refused
from backend_api.schemas import Observed, Readiness, ReadinessItem, Rehearsal
from backend_api.states import GateState, Health, worst

# What was tried longer ago says little of the workers and requests of today.
STALE = timedelta(days=7)
TOLD = 3


@dataclass(frozen=True)
class Target:
    """A version that a rollback may go to; ``schema`` is field to properties."""

    version: str
    digest: str | None
    verified_at: datetime | None
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Facts:
    """What was measured.

    ``last`` is (seconds, when) of the newest rollback, ``key`` the field of the entity key,
    ``sent`` what clients sent lately, None where that was not read.
    """

    target: Target | None
    workers: list[Observed]
    now: datetime
    last: tuple[float, datetime] | None = None
    production: Target | None = None
    sent: Sent | None = None
    key: str = ""
    rehearsal: Rehearsal | None = None

    @property
    def live(self) -> list[Observed]:
        """Workers that beat."""
        return [one for one in self.workers if one.live]


Finding = tuple[Health, str]


def is_warm(worker: Observed, version: str) -> bool:
    """Whether a worker holds the version, ready to answer."""
    return version in worker.loaded and worker.loaded[version].state == "ready"


def _verified(target: Target, _: Facts) -> Finding:
    if target.verified_at is None:
        return Health.UNKNOWN, f"{target.version} was never seen good in production."
    return Health.OK, f"{target.version} was seen good in production."


def _warm(target: Target, facts: Facts) -> Finding:
    name, live = target.version, facts.live
    if not live:
        return Health.DOWN, f"{name} is the target, but no worker is live."
    warm = sum(is_warm(one, name) for one in live)
    if warm < len(live):
        return Health.DEGRADED, (
            f"{name} is warm on {warm} of {len(live)} workers; the rest would load it first."
        )
    return Health.OK, f"{name} is warm on {warm} of {len(live)} workers: rollback is immediate."


def _digest(target: Target, facts: Facts) -> Finding:
    name = target.version
    holders = [one for one in facts.live if is_warm(one, name)]
    if target.digest is None:
        return Health.UNKNOWN, f"{name} was registered without a digest, so none can be checked."
    if not holders:
        return Health.UNKNOWN, f"No worker holds {name}, so none has checked its digest."
    other = [one for one in holders if one.loaded[name].digest != target.digest]
    if other:
        return Health.DOWN, (
            f"{len(other)} of {len(holders)} workers hold other bytes than {name} was registered"
            " with."
        )
    return Health.OK, f"{len(holders)} workers checked the digest when they loaded it."


def _signature(target: Target, facts: Facts) -> Finding:
    name, serving = target.version, facts.production
    if target.schema is None or serving is None or serving.schema is None:
        return Health.UNKNOWN, "The input schema of one of both versions is not known."
    problems = narrower(dict(serving.schema), dict(target.schema))
    if problems:
        return Health.DEGRADED, f"{name} takes less than {serving.version}: {_some(problems)}."
    return Health.OK, f"{name} takes all that {serving.version} takes."


def _requests(target: Target, facts: Facts) -> Finding:
    name, sent = target.version, facts.sent
    if target.schema is None:
        return Health.UNKNOWN, f"The input schema of {name} is not known."
    if sent is None or not sent.requests:
        return Health.UNKNOWN, "No request was logged lately, so what clients send is not known."
    problems = refused(target.schema, sent, facts.key)
    if problems:
        return Health.DEGRADED, f"{name} would refuse what clients send now: {_some(problems)}."
    return Health.OK, f"{name} has the fields of the last {sent.requests} requests."


def _rehearsed(target: Target, facts: Facts) -> Finding:
    name, last = target.version, facts.rehearsal
    if last is None or last.version != name:
        return Health.UNKNOWN, f"{name} was never rehearsed as the way back."
    if last.result is None:
        return Health.UNKNOWN, f"{name} is being rehearsed at this moment."
    if last.result == GateState.FAIL:
        return Health.DOWN, f"The last rehearsal failed. {last.sentence}"
    if last.result == GateState.UNKNOWN:
        return Health.UNKNOWN, f"The last rehearsal could not measure. {last.sentence}"
    if facts.now - last.asked_at > STALE:
        return Health.UNKNOWN, f"The last rehearsal is over {STALE.days} days old. {last.sentence}"
    return Health.OK, last.sentence


def _seconds(_: Target, facts: Facts) -> Finding:
    last, tried = facts.last, facts.rehearsal
    rehearsed = tried is not None and tried.seconds is not None
    if tried is not None and rehearsed and (last is None or tried.asked_at > last[1]):
        return (
            Health.OK,
            f"In the last rehearsal all workers had answered after {tried.seconds:.1f} s.",
        )
    if last is not None:
        return Health.OK, f"The last rollback was on all workers after {last[0]:.1f} s."
    return Health.UNKNOWN, "No rollback was made or rehearsed yet, so its time is not known."


ITEMS: tuple[tuple[str, str, Callable[[Target, Facts], Finding]], ...] = (
    ("verified", "Verified target", _verified),
    ("warm", "Warm", _warm),
    ("digest", "Digest", _digest),
    ("signature", "Input schema", _signature),
    ("requests", "What clients send", _requests),
    ("rehearsed", "Rehearsal", _rehearsed),
    ("seconds", "Time it takes", _seconds),
)


def readiness(facts: Facts) -> Readiness:
    """The rollback badge: as bad as its worst item, and never fine where one is not known."""
    target, live = facts.target, facts.live
    items = []
    if target is not None:
        for name, title, look in ITEMS:
            state, sentence = look(target, facts)
            items.append(ReadinessItem(name=name, title=title, state=state, sentence=sentence))
    state = worst([item.state for item in items])
    first = next((item for item in items if item.state == state), None)
    by_name = {item.name: item for item in items}
    if first is None:
        sentence = (
            "No earlier version was verified in production, so there is nothing to go back to."
        )
    else:
        sentence = by_name["warm"].sentence if state == Health.OK else first.sentence
    seconds, at = facts.last or (None, None)
    return Readiness(
        state=state,
        target=target.version if target else None,
        target_verified_at=target.verified_at if target else None,
        warm=sum(is_warm(one, target.version) for one in live) if target else 0,
        replicas=len(live),
        digest_checked=target is not None and by_name["digest"].state == Health.OK,
        last_seconds=seconds,
        last_at=at,
        sentence=sentence,
        items=items,
        rehearsal=facts.rehearsal,
    )


def _some(problems: list[str]) -> str:
    more = len(problems) - TOLD
    return "; ".join(problems[:TOLD]) + (f"; and {more} more" if more > 0 else "")
