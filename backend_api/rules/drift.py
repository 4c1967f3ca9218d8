"""Do requests still look like what a version was made for? Scores, and the states they make.

A score is a Jensen-Shannon distance to base 2. A state takes a score over its line, over what
chance alone would give for these sizes, and a p-value that holds among all features (Benjamini and
Hochberg, "Controlling the false discovery rate", 1995). Too few rows are no good news: they are
INSUFFICIENT.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from backend_api.rules.divergence import (
    CHANCE,
    Counts,
    Floats,
    adjusted,
    distance,
    noise,
    p_value,
    psi,
)
from backend_api.states import DriftState, most_drift
from shared.profile import Profile

# The runbook's lines, on a distance; MEDIUM begins at its line, HIGH is over it.
MEDIUM, HIGH = 0.1, 0.3
# With fewer rows chance alone reaches the line: 10 bins, by ``divergence.noise``.
ROWS_MEDIUM, ROWS_HIGH = 500, 200

States = NDArray[np.str_]


@dataclass(frozen=True)
class Measures:
    """Arrays whose last axis is the profile's features; axes before it are windows.

    ``rows`` and ``reference_rows`` are what was counted on each side; ``adjusted`` are p-values as
    they hold among all features of a window.
    """

    distance: Floats
    psi: Floats
    noise: Floats
    adjusted: Floats
    rows: Counts
    reference_rows: Counts
    states: States


@dataclass(frozen=True)
class Score:
    """One feature in one window; distance and PSI are None where one side has no row."""

    name: str
    is_output: bool
    weight: float
    state: DriftState
    distance: float | None
    psi: float | None
    noise: float
    adjusted: float
    rows: int
    reference_rows: int


@dataclass(frozen=True)
class Part:
    """One of the parts that a model's state is made of, with the number that leads it.

    ``worst`` names the feature that moved most among its own, at ``worst_distance``.
    """

    name: str
    state: DriftState
    distance: float | None
    noise: float
    worst: str | None = None
    worst_distance: float | None = None


@dataclass(frozen=True)
class Judgement:
    """A window: its state is that of the worst part. ``rows`` are those of the smaller side."""

    state: DriftState
    rows: int
    parts: tuple[Part, ...]
    scores: tuple[Score, ...]

    def part(self, name: str) -> Part | None:
        """The part of that name, if it could be looked at."""
        return next((part for part in self.parts if part.name == name), None)


@lru_cache(maxsize=256)
def _places(sizes: tuple[int, ...]) -> NDArray[np.intp]:
    """Where each bin of each feature stands in a vector; behind its end for a bin that is none."""
    end = sum(sizes)
    places = np.full((len(sizes), max(sizes)), end, dtype=np.intp)
    begin = 0
    for row, size in enumerate(sizes):
        places[row, :size] = np.arange(begin, begin + size)
        begin += size
    return places


def table(profile: Profile, vectors: Counts) -> Counts:
    """Vectors of counts as (..., feature, bin), padded with empty bins."""
    padded = np.concatenate([vectors, np.zeros((*vectors.shape[:-1], 1), np.int64)], axis=-1)
    found: Counts = padded[..., _places(tuple(f.size for f in profile.features))]
    return found


def measure(profile: Profile, reference: Counts, windows: Counts) -> Measures:
    """Score every feature of one or more windows; vectors of the profile's bins on both sides."""
    base, seen = table(profile, reference), table(profile, windows)
    apart, chance = distance(base, seen), noise(base, seen)
    p = adjusted(p_value(base, seen))
    rows = seen.sum(axis=-1)
    others = np.broadcast_to(base.sum(axis=-1), rows.shape)
    return Measures(
        apart, psi(base, seen), chance, p, rows, others,
        _states(np.nan_to_num(apart), (apart > chance) & (p < CHANCE),
                np.minimum(rows, others)),
    )  # fmt: skip


def _states(apart: Floats, moved: NDArray[np.bool_], rows: Counts) -> States:
    found: States = np.select(
        [moved & (apart > HIGH) & (rows >= ROWS_HIGH), rows < ROWS_MEDIUM,
         moved & (apart >= MEDIUM)],
        [DriftState.HIGH.value, DriftState.INSUFFICIENT.value, DriftState.MEDIUM.value],
        DriftState.NONE.value,
    )  # fmt: skip
    return found


def scores(profile: Profile, found: Measures) -> tuple[Score, ...]:
    """One window's measures, feature by feature."""
    return tuple(
        Score(
            feature.name, feature.is_output, feature.weight, DriftState(str(found.states[i])),
            _known(found.distance[i]), _known(found.psi[i]), float(found.noise[i]),
            float(found.adjusted[i]), int(found.rows[i]), int(found.reference_rows[i]),
        )
        for i, feature in enumerate(profile.features)
    )  # fmt: skip


def _known(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)


def judge(
    profile: Profile, reference: Counts, window: Counts, text: Part | None = None
) -> Judgement:
    """How far one window lies from its reference; ``text`` is what compared the words, if any.

    Prediction drift is the output that moved most. Input drift is the mean over all inputs by
    their weights, and the worst of them by name: neither hides the other.
    """
    every = scores(profile, measure(profile, reference, window))
    outputs = [score for score in every if score.is_output]
    inputs = [score for score in every if not score.is_output]
    parts = [part for part in (_prediction(outputs), _input(inputs), text) if part is not None]
    rows = min((min(s.rows, s.reference_rows) for s in every), default=0)
    return Judgement(most_drift(part.state for part in parts), rows, tuple(parts), every)


def _furthest(found: list[Score]) -> Score:
    return max(found, key=lambda s: (s.state == most_drift(one.state for one in found),
                                     s.distance or 0.0))  # fmt: skip


def _prediction(found: list[Score]) -> Part | None:
    if not found:
        return None
    worst = _furthest(found)
    return Part("prediction", worst.state, worst.distance, worst.noise, worst.name, worst.distance)


def _input(found: list[Score]) -> Part | None:
    if not found:
        return None
    worst, total = _furthest(found), sum(score.weight for score in found)
    weights = [s.weight / total if total else 1 / len(found) for s in found]
    known = all(score.distance is not None for score in found)
    mean = sum(w * (s.distance or 0.0) for w, s in zip(weights, found, strict=True))
    # Features may move together by chance, so what one exceeds rarely is not averaged away.
    line = sum(w * s.noise for w, s in zip(weights, found, strict=True))
    rows = min(min(score.rows, score.reference_rows) for score in found)
    moved = mean > line and any(score.adjusted < CHANCE for score in found)
    state = DriftState(str(_states(np.array(mean), np.array(moved), np.array(rows))))
    return Part(
        "input", most_drift([state, worst.state]), mean if known else None, line, worst.name,
        worst.distance,
    )  # fmt: skip
