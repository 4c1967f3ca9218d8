"""What a version's predictions are counted into: bins fixed on reference rows. Pure.

A profile says of each feature where its value stands in a log record (``input`` or ``output``),
what is measured of it, and into which bins it falls, so that nobody needs the model's code to
count. All features' bins in a row are one vector of int64; vectors of the same profile add up.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeGuard

import numpy as np
from numpy.typing import NDArray

FORMAT = 2
BINS = 10
MAX_CATEGORIES = 20
MAX_FEATURES = 500
OTHER, EMPTY, WRONG_TYPE = "OTHER", "NULL", "WRONG TYPE"
# Of a text: sizes, and shares of its characters in 0..1.
TEXT_MEASURES = (
    "characters", "words", "mean_word_characters", "digit_share", "upper_share", "non_ascii_share",
)  # fmt: skip
# Of a list: how long it is, or how many of its objects carry a label.
LIST_MEASURES = ("length", "count_label")
MEASURES = ("value", *TEXT_MEASURES, *LIST_MEASURES)
TYPES = ("number", "text", "flag")

Counts = NDArray[np.int64]
Type = Literal["number", "text", "flag"]


class ProfileError(ValueError):
    """A document that is no profile; the message says what is wrong with it."""


@dataclass(frozen=True)
class Source:
    """Where a value stands in a record, and what is measured of it.

    ``path`` begins with ``input`` or ``output``. ``label`` belongs to ``count_label``: how many
    objects of the list have it as ``label``.
    """

    path: tuple[str, ...]
    measure: str = "value"
    label: str | None = None


@dataclass(frozen=True)
class Feature:
    """One watched value and its bins.

    ``type`` is what a value must be. A number has bins ``below, inner..., above, NULL, WRONG
    TYPE``; inner bin i holds ``edges[i] <= value < edges[i + 1]``, the last one its upper edge
    too. Texts and flags have ``category..., OTHER, NULL, WRONG TYPE``. ``weight`` is its part in
    the mean over all inputs.
    """

    name: str
    source: Source
    type: Type
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()
    weight: float = 1.0

    @property
    def is_output(self) -> bool:
        """Whether the model's answer is watched here, and not what it was asked."""
        return self.source.path[0] == "output"

    @property
    def inner(self) -> int:
        """Bins for values as the reference has them."""
        return len(self.edges) - 1 if self.type == "number" else len(self.categories)

    @cached_property
    def size(self) -> int:
        """How many bins, all in all."""
        return self.inner + (4 if self.type == "number" else 3)

    @cached_property
    def cuts(self) -> NDArray[np.float64]:
        """The edges as they are looked up, and NaN behind them, which sorts behind all numbers."""
        cuts = np.array([*self.edges, np.nan])
        # The largest value belongs to the last inner bin, and not to the one above.
        cuts[-2] = np.nextafter(cuts[-2], np.inf)
        return cuts

    @property
    def outside(self) -> tuple[int, ...]:
        """Bins for values out of range, or of categories that were rare or unseen."""
        return (0, self.size - 3) if self.type == "number" else (self.size - 3,)

    @property
    def empty(self) -> int:
        """The bin for values that are null or missing."""
        return self.size - 2

    @property
    def wrong(self) -> int:
        """The bin for values of another type."""
        return self.size - 1

    @property
    def bins(self) -> tuple[str, ...]:
        """A name for each bin."""
        if self.type != "number":
            return (*self.categories, OTHER, EMPTY, WRONG_TYPE)
        low, high = self.edges[0], self.edges[-1]
        between = (
            f"{a:.4g}" if a == b else f"{a:.4g} to {b:.4g}"
            for a, b in zip(self.edges, self.edges[1:], strict=False)
        )
        return (f"below {low:.4g}", *between, f"above {high:.4g}", EMPTY, WRONG_TYPE)


@dataclass(frozen=True)
class Profile:
    """Features with their bins, and how often the reference's ``rows`` rows hit each of them."""

    rows: int
    features: tuple[Feature, ...]
    counts: Counts = field(compare=False)

    @cached_property
    def offsets(self) -> NDArray[np.intp]:
        """Where each feature's bins begin in a vector, and behind the last one its length."""
        return np.concatenate(([0], np.cumsum([f.size for f in self.features]))).astype(np.intp)

    @property
    def size(self) -> int:
        """Length of a vector of counts."""
        return int(self.offsets[-1])

    @property
    def text_path(self) -> tuple[str, ...]:
        """Where the text stands that inputs hold; empty where none is measured."""
        texts = (f for f in self.features if f.source.measure in TEXT_MEASURES and not f.is_output)
        return next((f.source.path for f in texts), ())

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Each feature's part of a vector, by its name."""
        return {
            feature.name: slice(int(start), int(end))
            for feature, start, end in zip(
                self.features, self.offsets, self.offsets[1:], strict=False
            )
        }


def as_document(profile: Profile) -> dict[str, Any]:
    """The profile as JSON has it."""
    return {
        "format": FORMAT,
        "rows": profile.rows,
        # A list, since the order of an object's keys does not outlive a database.
        "features": [
            {
                "name": f.name,
                "type": f.type,
                "source": _source_document(f.source),
                **_bins_document(f),
                "counts": profile.counts[profile.slices[f.name]].tolist(),
                "weight": f.weight,
            }
            for f in profile.features
        ],
    }


def _source_document(source: Source) -> dict[str, Any]:
    label = {} if source.label is None else {"label": source.label}
    return {"path": list(source.path), "measure": source.measure, **label}


def _bins_document(feature: Feature) -> dict[str, list[float] | list[str]]:
    if feature.type == "number":
        return {"edges": list(feature.edges)}
    return {"categories": list(feature.categories)}


def read(document: object) -> Profile:
    """The profile that a JSON document holds.

    Raises:
        ProfileError: it is none; the message names the place.
    """
    if not isinstance(document, Mapping) or "features" not in document:
        raise ProfileError("it is no object with features")
    if document.get("format") != FORMAT:
        raise ProfileError(
            "it was written before references said where their values stand in a record (it has"
            f" no format {FORMAT})"
        )
    listed, rows = document["features"], document.get("rows")
    if not _whole(rows) or rows < 1:
        raise ProfileError("rows is no whole number from 1")
    if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_FEATURES:
        raise ProfileError(f"features is no list of 1 to {MAX_FEATURES}")
    features = tuple(map(_feature, listed))
    if len({f.name for f in features}) < len(features):
        raise ProfileError("two features have the same name")
    parts = [_counts(f, e.get("counts"), rows) for f, e in zip(features, listed, strict=True)]
    return Profile(rows, features, np.concatenate(parts))


def _whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _feature(entry: Any) -> Feature:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        raise ProfileError("a feature has no name")
    name = entry["name"]
    if entry.get("type") not in TYPES:
        raise ProfileError(f"{name} has no type out of {', '.join(TYPES)}")
    weight = entry.get("weight", 1.0)
    if not _number(weight) or weight < 0:
        raise ProfileError(f"{name}: weight is no number from 0")
    source, kind = _source(name, entry.get("source")), entry["type"]
    if kind != "number" and source.measure != "value":
        raise ProfileError(f"{name}: {source.measure} is a number, and not a {kind}")
    if kind == "number":
        edges = _edges(name, entry.get("edges"))
        return Feature(name, source, kind, edges=edges, weight=float(weight))
    categories = entry.get("categories")
    if not isinstance(categories, list) or not all(isinstance(c, str) for c in categories):
        raise ProfileError(f"{name}: categories is no list of texts")
    if len(categories) > MAX_CATEGORIES or len(set(categories)) < len(categories):
        raise ProfileError(f"{name}: categories are not up to {MAX_CATEGORIES} different ones")
    return Feature(name, source, kind, categories=tuple(categories), weight=float(weight))


def _source(name: str, entry: Any) -> Source:
    path = entry.get("path") if isinstance(entry, Mapping) else None
    if not isinstance(path, list) or not all(isinstance(step, str) for step in path):
        raise ProfileError(f"{name}: source has no path")
    if len(path) < 2 or path[0] not in ("input", "output"):
        raise ProfileError(f"{name}: path does not lead into input or output")
    measure, label = entry.get("measure", "value"), entry.get("label")
    if measure not in MEASURES:
        raise ProfileError(f"{name}: {measure!r} is not measured here; use {', '.join(MEASURES)}")
    if (measure == "count_label") != isinstance(label, str):
        raise ProfileError(f"{name}: count_label needs a label, and nothing else does")
    return Source(tuple(path), measure, label)


def _edges(name: str, edges: Any) -> tuple[float, ...]:
    if not isinstance(edges, list) or not all(map(_number, edges)):
        raise ProfileError(f"{name}: edges is no list of numbers")
    if not 2 <= len(edges) <= BINS + 1 or sorted(edges) != edges:
        raise ProfileError(f"{name}: edges are not 2 to {BINS + 1} ascending numbers")
    if len(set(edges[:-1])) < len(edges) - 1:
        raise ProfileError(f"{name}: only the last edge may stand twice")
    return tuple(map(float, edges))


def _counts(feature: Feature, counts: Any, rows: int) -> Counts:
    if not isinstance(counts, Sequence) or not all(_whole(c) and c >= 0 for c in counts):
        raise ProfileError(f"{feature.name}: counts are no whole numbers from 0")
    if len(counts) != feature.size or sum(counts) != rows:
        raise ProfileError(
            f"{feature.name}: counts are not {feature.size} numbers with the sum {rows:,}"
        )
    return np.array(counts, dtype=np.int64)
