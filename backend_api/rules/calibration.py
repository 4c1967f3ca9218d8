"""Accuracy without labels: how often answers of such a confidence have been right before."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

# Finer where most answers are. Bin i holds confidences in [EDGES[i-1], EDGES[i]).
EDGES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)
# The bin of answers that came without a confidence.
NO_CONFIDENCE = -1
# So many labels weigh as much as a bin's own confidence, taken at its word.
PRIOR = 20.0
# With fewer labels nothing is learnt from them.
LEAST_LABELS = 200
BLIND = (
    "It knows only how sure the model is: when the same inputs come to mean something else, it does"
    " not notice. It never opens or closes anything."
)


@dataclass(frozen=True)
class Bin:
    """Answers of about one confidence: ``confidence`` is their sum."""

    predictions: int
    confidence: float
    labelled: int
    right: int

    def __add__(self, other: "Bin") -> "Bin":
        """Both together."""
        return Bin(
            self.predictions + other.predictions, self.confidence + other.confidence,
            self.labelled + other.labelled, self.right + other.right,
        )  # fmt: skip

    @property
    def mean(self) -> float:
        """Mean confidence, 0..1."""
        return self.confidence / self.predictions


Bins = Mapping[int, Bin]


@dataclass(frozen=True)
class Calibration:
    """Chance of being right by bin, the labels it was learnt from, and how it was off before.

    ``held_out`` says that these came with the version, and are not what answers turned out to be.
    ``error`` is the expected calibration error of the raw confidence, 0..1: the mean distance of
    confidence and share right, weighted by labels (Naeini et al., AAAI 2015).
    """

    chances: Mapping[int, float]
    labels: int
    error: float | None
    held_out: bool = False

    @property
    def learnt(self) -> bool:
        """Whether labels correct the confidence; else it is taken at its word."""
        return bool(self.chances)


def learn(history: Bins) -> Calibration:
    """Histogram binning (Zadrozny and Elkan, ICML 2001), each bin drawn to its own confidence."""
    known = {place: found for place, found in history.items() if place != NO_CONFIDENCE}
    labels = sum(found.labelled for found in known.values())
    if not labels:
        return Calibration({}, 0, None)
    error = sum(
        abs(found.right - found.labelled * found.mean) for found in known.values() if found.labelled
    )
    if labels < LEAST_LABELS:
        return Calibration({}, labels, error / labels)
    chances = {
        place: (found.right + PRIOR * found.mean) / (found.labelled + PRIOR)
        for place, found in known.items()
    }
    return Calibration(chances, labels, error / labels)


def bins(answers: Iterable[tuple[float, bool]]) -> Bins:
    """Confidences (0..1) and whether the answer was right, by bin; all are labelled."""
    found: dict[int, Bin] = {}
    for confidence, right in answers:
        # In four bytes, as the log has it: else 0.9 here and 0.9 there are of two bins.
        place = bisect_right(EDGES, float(np.float32(confidence)))
        one = Bin(1, confidence, 1, int(right))
        found[place] = found[place] + one if place in found else one
    return found


def best(history: Bins, held_out: Bins) -> Calibration:
    """From labels, once they are enough; until then from what the version was tested on."""
    from_labels = learn(history)
    if from_labels.learnt:
        return from_labels
    came_along = replace(learn(held_out), held_out=True)
    return came_along if came_along.learnt else from_labels


def estimate(day: Bins, calibration: Calibration) -> float | None:
    """Share of answers that are likely right, 0..1; None where none has a confidence."""
    known: Sequence[tuple[int, Bin]] = [(p, b) for p, b in day.items() if p != NO_CONFIDENCE]
    total = sum(found.predictions for _, found in known)
    if not total:
        return None
    likely = sum(
        found.predictions * calibration.chances.get(place, found.mean) for place, found in known
    )
    return min(1.0, likely / total)


def method(calibration: Calibration) -> str:
    """How the estimate is made, in words."""
    if calibration.held_out:
        return (
            "Mean confidence of all answers, corrected by how often answers of the same confidence"
            f" were right among {calibration.labels:,} rows that the version was not trained on."
            f" Once there are {LEAST_LABELS:,} labels, these correct it."
        )
    if calibration.learnt:
        return (
            "Mean confidence of all answers, corrected by how often answers of the same confidence"
            f" were right among {calibration.labels:,} labelled ones."
        )
    return (
        f"Mean confidence of all answers, taken at its word: {calibration.labels:,} labels are too"
        f" few to correct it by, {LEAST_LABELS:,} are needed."
    )
