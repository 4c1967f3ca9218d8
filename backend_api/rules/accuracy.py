"""Is a model right often enough: exact intervals, three states, and the labels that decide."""

import math
from dataclasses import dataclass

from scipy.special import betaincinv

from backend_api.states import AccuracyState

# Each bound holds with this confidence: 299 labels without an error show 99 %.
LEVEL = 0.95
# More labels than this are no advice.
MOST_LABELS = 100_000
# Points by which accuracy must have fallen, beyond doubt, before somebody is called.
DROP = 0.05


@dataclass(frozen=True)
class Tally:
    """Labelled predictions, and how many of them were right."""

    labelled: int
    right: int

    @property
    def wrong(self) -> int:
        """Labelled predictions whose answer was not the label."""
        return self.labelled - self.right

    @property
    def share(self) -> float | None:
        """Share that was right, 0..1; None without labels."""
        return self.right / self.labelled if self.labelled else None


@dataclass(frozen=True)
class Judged:
    """A tally held against its objective; bounds are shares in 0..1.

    ``needed``: further labels that would decide, None where it is decided or no number does.
    """

    state: AccuracyState
    low: float
    high: float
    needed: int | None
    sentence: str


def bounds(tally: Tally, level: float = LEVEL) -> tuple[float, float]:
    """Exact bounds of the share that is right, each of them holding with ``level``.

    Clopper and Pearson, Biometrika 26 (1934): quantiles of beta distributions. 0 and 1 without
    labels.
    """
    n, right = tally.labelled, tally.right
    low = float(betaincinv(right, n - right + 1, 1 - level)) if right else 0.0
    high = float(betaincinv(right + 1, n - right, level)) if right < n else 1.0
    return low, high


def state(tally: Tally, objective: float) -> AccuracyState:
    """Met or missed beyond doubt, or not enough labels to say."""
    low, high = bounds(tally)
    if low >= objective:
        return AccuracyState.MET
    return AccuracyState.MISSED if high < objective else AccuracyState.NOT_ENOUGH


def _at(tally: Tally, more: int, goal: AccuracyState) -> Tally:
    """The tally after further labels: all right on the way to MET, else as often as so far."""
    if goal == AccuracyState.MET:
        return Tally(tally.labelled + more, tally.right + more)
    share = tally.share or 0.0
    return Tally(tally.labelled + more, tally.right + math.floor(share * more + 0.5))


def needed(tally: Tally, objective: float) -> int | None:
    """Fewest further labels that decide; None where it is decided, or ``MOST_LABELS`` do not.

    Where the share so far is below the objective, these are labels right as often as so far, and
    show that it is missed; else they are all right, and show that it is met.
    """
    if state(tally, objective) != AccuracyState.NOT_ENOUGH:
        return None
    below = tally.share is not None and tally.share < objective
    goal = AccuracyState.MISSED if below else AccuracyState.MET
    if state(_at(tally, MOST_LABELS, goal), objective) != goal:
        return None
    none, enough = 0, MOST_LABELS
    while enough - none > 1:
        middle = (none + enough) // 2
        if state(_at(tally, middle, goal), objective) == goal:
            enough = middle
        else:
            none = middle
    return enough


def percent(share: float) -> str:
    """A share in per cent with two places, never rounded up to a whole that it is not."""
    return f"{math.floor(round(share * 10_000, 6)) / 100:.2f} %"


def judge(tally: Tally, objective: float) -> Judged:
    """State, bounds and the labels still needed, with the sentence that says all of it."""
    low, high = bounds(tally)
    found, missing, share = state(tally, objective), needed(tally, objective), tally.share
    if share is None:
        said = f"No label yet: {missing:,} decide, if none of them is wrong." if missing else ""
        return Judged(found, low, high, missing, said)
    seen = f"{tally.right:,} of {tally.labelled:,} labelled answers were right"
    line = f"the objective of {objective * 100:g} %"
    between = f"between {percent(low)} and {percent(high)}"
    if found == AccuracyState.MET:
        return Judged(found, low, high, None, f"{seen}, {between}: {line} is met.")
    if found == AccuracyState.MISSED:
        return Judged(found, low, high, None, f"{seen}, {between}: {line} is missed.")
    said = f"{seen}, {between}. {_advice(share, objective, missing)}"
    return Judged(found, low, high, missing, said)


def _advice(share: float, objective: float, missing: int | None) -> str:
    if missing is None:
        return "It is so close to the objective that no reasonable number of labels decides."
    if share < objective:
        return f"{missing:,} more labels, right as often as so far, show that it is missed."
    return f"{missing:,} more labels decide, if none of them is wrong."


@dataclass(frozen=True)
class Baseline:
    """What accuracy is compared with, 0..1, and where it is from."""

    share: float
    source: str


def fallen(tally: Tally, baseline: Baseline, drop: float = DROP) -> bool:
    """Whether accuracy is more than ``drop`` below the baseline, by its upper bound."""
    return bounds(tally)[1] < baseline.share - drop


def fell(version: str, tally: Tally, baseline: Baseline) -> str:
    """What labels show of a version beside its baseline, in a sentence."""
    low, high = bounds(tally)
    return (
        f"{version}: {tally.right:,} of {tally.labelled:,} labelled answers of the last days were"
        f" right, between {percent(low)} and {percent(high)}; it was {percent(baseline.share)}"
        f" ({baseline.source})."
    )


def coverage(labelled: int, predictions: int) -> float:
    """Share of predictions that are labelled, 0..1; 0 where there are none."""
    return labelled / predictions if predictions else 0.0
