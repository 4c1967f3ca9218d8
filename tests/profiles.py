"""Makers of profiles, and of rows that fall into their bins."""

import numpy as np
from numpy.typing import NDArray

from shared.profile import Counts, Feature, Profile, Source


def number(name: str, edges: tuple[float, ...] = tuple(map(float, range(11))), **more: float) -> (
    Feature
):  # fmt: skip
    """A numeric input with as many inner bins as there are steps between the edges."""
    return Feature(name, Source(("input", name)), "number", edges=edges, **more)


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
