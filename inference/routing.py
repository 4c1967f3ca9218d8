"""What should serve and what does, as values; and how the first becomes the second."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from inference.metrics import Meters, meters
from inference.models import Model
from shared.split import takes_canary

PRODUCTION, CANARY, STAGING = "production", "canary", "staging"
FALLBACK, SHADOW = "fallback", "shadow"


class Key(NamedTuple):
    """One version of one model with the digest that it must have."""

    model: str
    version: str
    digest: str


class Version(BaseModel):
    """A registered version: where its artefact is, and the digest that it must have."""

    model_config = ConfigDict(frozen=True)

    version: str
    digest: str | None
    uri: str | None

    def key(self, model: str) -> Key:
        """How it is found in memory."""
        return Key(model, self.version, self.digest or "")


class Wanted(BaseModel):
    """A row of ``model_routing``: what every worker should serve of one model."""

    model_config = ConfigDict(frozen=True)

    model_name: str
    epoch: int
    production: Version | None
    canary: Version | None
    share: int
    salt: str
    target: Version | None
    staged: tuple[Version, ...]
    degraded: str | None
    fallback: bool = False
    shadow: Version | None = None
    shadow_share: int = 0
    shadow_salt: str = ""

    def versions(self) -> list[Version]:
        """All that should be in memory, the most urgent first."""
        named = [self.production, self.canary, self.target, self.shadow, *self.staged]
        return list(dict.fromkeys(v for v in named if v is not None))


@dataclass(slots=True)
class InFlight:
    """Requests that a route has begun and not yet answered; counted by the event loop alone."""

    count: int = 0


@dataclass(frozen=True, slots=True)
class Served:
    """A loaded version in one arm."""

    version: str
    arm: str
    model: Model
    meters: Meters

    @property
    def status(self) -> str:
        """How the log calls an answer of this arm that went well."""
        return FALLBACK if self.arm == FALLBACK else "ok"


@dataclass(frozen=True, slots=True)
class Route:
    """How one model is answered at one epoch. ``wanted`` is the row that it was made of."""

    wanted: Wanted
    production: Served | None
    canary: Served | None
    shadow: Served | None = None
    in_flight: InFlight = field(default_factory=InFlight, compare=False)

    @property
    def epoch(self) -> int:
        """Epoch of the row."""
        return self.wanted.epoch

    @property
    def share(self) -> int:
        """Share that the canary really takes."""
        return self.wanted.share if self.canary is not None else 0

    def arm(self, key: str | None) -> Served | None:
        """Who answers this key; ``None`` when no version is loaded."""
        if self.canary is not None and takes_canary(key, self.wanted.salt, self.wanted.share):
            return self.canary
        return self.production


@dataclass(frozen=True, slots=True)
class Standby:
    """Rules that may answer for a model; ``automatic``: also when no version can be loaded."""

    rules: Served
    automatic: bool


def answering(route: Route | None, key: str | None, standby: Standby | None) -> Served | None:
    """Who answers a key: an arm of the route, or the rules; ``None`` when there is nobody."""
    if standby is not None and route is not None and route.wanted.fallback:
        return standby.rules
    arm = route.arm(key) if route is not None else None
    if arm is None and standby is not None and standby.automatic:
        return standby.rules
    return arm


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All routes, and each loaded version by name. Replaced whole, never changed."""

    routes: Mapping[str, Route]
    direct: Mapping[str, Mapping[str, Served]]


EMPTY = Snapshot({}, {})


def served(model: str, version: str, arm: str, loaded: Model) -> Served:
    """A loaded version in an arm, with its counters."""
    return Served(version, arm, loaded, meters(model, version, arm))


def route(wanted: Wanted, ready: Mapping[Key, Model], before: Route | None) -> Route:
    """The route that may be published now.

    Production decides: until it is in memory the route before stays whole, with its own epoch.
    A canary that is not in memory gets no share, since a rollback must never wait for it; nor does
    anything wait for a shadow. Where
    rules were chosen to answer, nothing has to be in memory.
    """

    def load(version: Version | None, arm: str) -> Served | None:
        found = ready.get(version.key(wanted.model_name)) if version else None
        return served(wanted.model_name, version.version, arm, found) if version and found else None

    production = load(wanted.production, PRODUCTION)
    if wanted.production is not None and production is None and not wanted.fallback:
        return before or Route(wanted.model_copy(update={"epoch": 0}), None, None)
    canary, shadow = load(wanted.canary, CANARY), load(wanted.shadow, SHADOW)
    made = Route(wanted, production, canary, shadow)
    return before if made == before and before is not None else made
