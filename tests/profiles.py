"""Makers of profiles, and of rows that fall into their bins."""

import json
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, text

from backend_api import db, drift_counts
from backend_api.operations.drift import LATE
from backend_api.spans import DAY, floor
from shared.profile import Counts, Feature, Profile, Source, as_document
from tests.makers import INTENT


def number(name: str, edges: tuple[float, ...] = tuple(map(float, range(11))), **more: float) -> (
    Feature
):  # fmt: skip
    """A numeric input with as many inner bins as there are steps between the edges."""
    return Feature(name, Source(("input", name)), "number", edges=edges, **more)


def measured(field: str, name: str = "words") -> Feature:
    """What is counted of a text that stands in a field of the request."""
    edges = tuple(map(float, range(11)))
    return Feature(name, Source(("input", field), "words"), "number", edges=edges)


def words(name: str, *categories: str, side: str = "input") -> Feature:
    """An input or output of these categories."""
    return Feature(name, Source((side, name)), "text", categories=categories)


def profile(*features: Feature, counts: dict[str, list[int]] | None = None) -> Profile:
    """A profile whose reference has 100 rows in each inner bin, or the counts that are given."""
    parts = []
    for feature in features:
        spread = np.zeros(feature.size, dtype=np.int64)
        first = 1 if feature.type == "number" else 0
        spread[first : first + feature.inner] = 100
        given = (counts or {}).get(feature.name)
        parts.append(spread if given is None else np.array(given, dtype=np.int64))
    return Profile(int(parts[0].sum()), features, np.concatenate(parts))


def vector(made: Profile, **parts: list[int]) -> Counts:
    """Counts of a window: those of the reference, with other ones where they are given."""
    found = made.counts.copy()
    for name, counts in parts.items():
        found[made.slices[name]] = counts
    return found


def drawn(
    made: Profile, rng: np.random.Generator, rows: int, *shape: int
) -> NDArray[np.int64]:  # fmt: skip
    """Windows of rows of the reference's own population, of the given shape before the bins."""
    parts = []
    for feature in made.features:
        shares = made.counts[made.slices[feature.name]] / made.rows
        parts.append(rng.multinomial(rows, shares, size=shape))
    return np.concatenate(parts, axis=-1)


def judging() -> datetime:
    """Now; but while yesterday still waits for late records, the moment it no longer does."""
    now = db.now()
    return max(now, floor(now, DAY) + LATE)


@dataclass
class Counted:
    """A version with a reference, and counts of whole days as delivery and folding leave them."""

    engine: Engine
    made: Profile
    version: str = "v1.1.0"
    model: str = INTENT

    def __post_init__(self) -> None:
        with db.transaction(self.engine, "worker") as session:
            session.execute(
                text(
                    "INSERT INTO drift_profiles (model_name, version, profile, origin)"
                    " VALUES (:model, :version, CAST(:profile AS jsonb), 'records')"
                ),
                {"model": self.model, "version": self.version,
                 "profile": json.dumps(as_document(self.made))},
            )  # fmt: skip
            # As the database gives it back: the order of its features may be another one.
            self.made = drift_counts.reference(session, self.model, self.version)

    def day(self, back: int, rows: int = 1000, **parts: list[int]) -> None:
        """The day so many days ago, anew: the reference's shares, or those that are given."""
        vector = np.zeros(self.made.size, dtype=np.int64)
        for feature in self.made.features:
            place = self.made.slices[feature.name]
            vector[place] = spread(parts.get(feature.name, self.made.counts[place]), rows)
        self.put(back, rows, vector)

    def put(self, back: int, rows: int, vector: Counts) -> None:
        """Any counts for the day so many days ago."""
        at = floor(db.now(), DAY) - back * DAY
        with db.transaction(self.engine, "watch") as session:
            session.execute(
                text(
                    "INSERT INTO drift_counts VALUES (:m, :v, 'day', :at, :rows, :counts)"
                    " ON CONFLICT (model_name, version, span, at)"
                    " DO UPDATE SET rows = excluded.rows, counts = excluded.counts"
                ),
                {"m": self.model, "v": self.version, "at": at, "rows": rows,
                 "counts": vector.astype("<i8").tobytes()},
            )  # fmt: skip


def spread(weights: list[int] | Counts, rows: int) -> Counts:
    """Exactly so many rows in these proportions, the rest in the largest."""
    shares = np.asarray(weights) / np.sum(weights)
    found = np.floor(shares * rows).astype(np.int64)
    found[np.argmax(shares)] += rows - found.sum()
    return found
