"""What was decided at a moment, from the record of changes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any, NamedTuple

from backend_api.schemas import Agreement


class Change(NamedTuple):
    """What was decided for a model from ``at`` on, as ``routing_history`` holds it.

    A tuple, since years of them are read at once.
    """

    at: datetime
    transaction_at: datetime
    changed_by: str
    baseline: bool
    epoch: int
    production: str | None
    canary: str | None
    canary_share: int
    target: str | None
    degraded: str | None
    fallback: bool
    shadow: str | None
    shadow_share: int
    held_at: datetime | None
    held_by: str | None
    held_reason: str | None

    @property
    def serving(self) -> tuple[str | None, str | None, int, bool]:
        """Who answers whom; staging, shadow, holds and the way back change none of it."""
        return self.production, self.canary, self.canary_share, self.fallback

    @property
    def held(self) -> datetime | None:
        """The hold, by the moment at which it was set."""
        return self.held_at


@dataclass(frozen=True)
class Run:
    """Changes one after the other through which something stayed as it was."""

    first: Change
    last: Change
    until: datetime | None


@dataclass(frozen=True)
class Sighting:
    """The moment in which the last live worker served an epoch."""

    epoch: int
    at: datetime
    workers: tuple[str, ...]


def settled(changes: Sequence[Change]) -> list[Change]:
    """What each transaction came to: its changes before the last one were never to be seen."""
    return [
        one
        for one, following in zip_longest(changes, changes[1:])
        if following is None or following.transaction_at != one.transaction_at
    ]


def index_at(changes: Sequence[Change], moment: datetime) -> int | None:
    """Place of the change that held at the moment; None before the first one."""
    before = [place for place, one in enumerate(changes) if one.at <= moment]
    return before[-1] if before else None


def run(changes: Sequence[Change], place: int, what: Callable[[Change], object]) -> Run:
    """How long ``what`` stayed as it was at the place."""
    value = what(changes[place])
    first = last = place
    while first > 0 and what(changes[first - 1]) == value:
        first -= 1
    while last + 1 < len(changes) and what(changes[last + 1]) == value:
        last += 1
    ended = changes[last + 1].at if last + 1 < len(changes) else None
    return Run(changes[first], changes[last], ended)


def sentence(change: Change) -> str:
    """Who answered, in words."""
    production = change.production
    if change.fallback:
        beside = f"; {production} was in production and answered nobody" if production else ""
        return f"Rules answered every request{beside}."
    if production is None:
        return "Nothing was in production."
    if change.canary is not None:
        share = change.canary_share
        return (
            f"{production} was in production with {100 - share} % of the requests,"
            f" the canary {change.canary} had {share} %."
        )
    return f"{production} was in production and answered every request."


def agreement(serving: Run, sightings: Sequence[Sighting], moment: datetime) -> Agreement:
    """Whether every live worker had been seen to serve what was decided by the moment."""
    seen = [s for s in sightings if serving.first.epoch <= s.epoch <= serving.last.epoch]
    if not seen:
        told = "It was not recorded that all workers ever served it."
        return Agreement(by_then=False, at=None, workers=[], sentence=told)
    first = min(seen, key=lambda sighting: sighting.at)
    count = len(first.workers)
    whose = "The one worker" if count == 1 else f"All {count} workers"
    took = max(0.0, (first.at - serving.first.at).total_seconds())
    after = "" if serving.first.baseline else f", {took:.1f} s after the decision"
    if first.at <= moment:
        told = f"{whose} served it by then{after}."
    else:
        told = f"Not every worker served it yet: the last one did{after}."
    return Agreement(
        by_then=first.at <= moment, at=first.at, workers=list(first.workers), sentence=told
    )


# What a ledger row claims of the change that its transaction made: field and claimed value.
Claims = Callable[[str | None, dict[str, Any]], dict[str, object]]
CLAIMS: dict[str, Claims] = {
    "model.promote": lambda version, _: {"production": version},
    "model.roll_back": lambda _, evidence: {"production": evidence.get("to")},
    "model.walk_down": lambda _, evidence: {
        "production": evidence.get("to"), "canary": evidence.get("from"),
    },
    "canary.walked_down": lambda version, evidence: {
        "canary": version if evidence.get("to") else None, "canary_share": evidence.get("to"),
    },
    "canary.start": lambda version, evidence: {
        "canary": version, "canary_share": evidence.get("share"),
    },
    "canary.share": lambda version, evidence: {
        "canary": version, "canary_share": evidence.get("to"),
    },
    "fallback.on": lambda *_: {"fallback": True},
}  # fmt: skip


def doubt(
    change: Change, seq: int, action: str, version: str | None, evidence: dict[str, Any]
) -> str | None:
    """Where a ledger row and the change of the same transaction differ, in words."""
    claims = CLAIMS[action](version, evidence) if action in CLAIMS else {}
    differing = [
        f"{field.replace('_', ' ')} {claimed}, and the record says {getattr(change, field)}"
        for field, claimed in claims.items()
        if getattr(change, field) != claimed
    ]
    return f"Ledger row {seq} says {'; '.join(differing)}." if differing else None
