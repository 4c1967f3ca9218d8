"""Values that a version was not made for: missing, of another type, unseen or out of range.

Missing values and other types are faults on the way to the model: they are mended there, and
retraining would teach the fault. What is unseen or out of range may be a changed world as well. So
odd values are judged apart from drift, by a test and in words of their own.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import bdtrc

from backend_api.rules.divergence import CHANCE, Counts, adjusted
from backend_api.rules.drift import ROWS_HIGH
from backend_api.states import Health
from shared.profile import Feature, Profile

# A rise of the share (0..1) that matters: the last kind should not occur at all.
KINDS = {
    "empty": ("missing", 0.01),
    "unseen": ("of a category that was unseen or rare", 0.01),
    "below": ("below the range", 0.01),
    "above": ("above the range", 0.01),
    "wrong": ("of another type", 0.001),
}


@dataclass(frozen=True)
class Finding:
    """One kind of odd value of one feature, as shares (0..1) of both sides' rows."""

    feature: str
    kind: str
    share: float
    reference_share: float
    count: int
    sentence: str


@dataclass(frozen=True)
class Quality:
    """OK, DEGRADED with findings, or UNKNOWN where there were too few rows to say."""

    state: Health
    findings: tuple[Finding, ...]


def _bins(feature: Feature) -> dict[str, int]:
    odd = {"empty": feature.empty, "wrong": feature.wrong}
    if feature.type == "number":
        return {**odd, "below": feature.outside[0], "above": feature.outside[1]}
    return {**odd, "unseen": feature.outside[0]}


def quality(profile: Profile, reference: Counts, window: Counts) -> Quality:
    """Which odd values came more often than in the reference, beyond chance.

    Of a kind that occurs a times in N rows and b times in M, b is at most binomial with a + b
    tries at M / (N + M) if nothing changed (Przyborowski and Wilenski, "Homogeneity of results in
    testing samples from Poisson series", 1940); p-values hold among all kinds and features. The
    same bound holds for values past a range that N rows have set.
    """
    places = [
        (feature, kind, int(offset) + place)
        for feature, offset in zip(profile.features, profile.offsets, strict=False)
        for kind, place in _bins(feature).items()
    ]
    at = np.array([place for _, _, place in places])
    rows, others = _rows(profile, window), _rows(profile, reference)
    if rows == 0 or others == 0:
        return Quality(Health.UNKNOWN, ())
    seen, before = window[at], reference[at]
    p = bdtrc(seen - 1, seen + before, rows / (rows + others))
    certain = adjusted(p) < CHANCE
    rise = seen / rows - before / others
    found = [
        _finding(feature, kind, int(seen[i]), rows, float(before[i] / others))
        for i, (feature, kind, _) in enumerate(places)
        if certain[i] and rise[i] >= KINDS[kind][1]
    ]
    found.sort(key=lambda one: one.reference_share - one.share)
    if found:
        return Quality(Health.DEGRADED, tuple(found))
    enough = min(rows, others) >= ROWS_HIGH
    return Quality(Health.OK if enough else Health.UNKNOWN, ())


def _rows(profile: Profile, vector: Counts) -> int:
    """Each row adds one to each feature's bins, so one feature tells how many there were."""
    return int(vector[: profile.features[0].size].sum())


def _finding(feature: Feature, kind: str, count: int, rows: int, before: float) -> Finding:
    share = count / rows
    sentence = (
        f"{feature.name}: {share:.1%} of the values are {KINDS[kind][0]} ({count:,} of {rows:,});"
        f" {before:.1%} were in the reference."
    )
    return Finding(feature.name, kind, share, before, count, sentence)
