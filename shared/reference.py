"""A profile made of reference rows: which values to watch, and bins so that each is well filled."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.columns import Columns
from shared.counting import tally
from shared.profile import (
    BINS,
    MAX_CATEGORIES,
    MAX_FEATURES,
    TEXT_MEASURES,
    Feature,
    Profile,
    ProfileError,
    Source,
)

Records = Sequence[Mapping[str, Any]]
# A field of texts with more words than this is written by people, and no category.
FEW_WORDS = 3.0
# And one of which every other value is new names things, such as users, and is not watched.
MOSTLY_NEW = 0.5
MAX_LABELS = 20
# Kept beside the bins: texts are compared as texts too.
MOST_TEXTS, LONGEST_TEXT = 2_000, 500


def make(sources: Mapping[str, Source], records: Records) -> Profile:
    """The profile of these records; a source without any value in them is left out.

    Raises:
        ProfileError: there is nothing to watch.
    """
    columns = Columns(records)
    features = [_feature(name, source, columns) for name, source in sources.items()]
    kept = tuple(f for f in features if f is not None)
    if not kept:
        raise ProfileError("the records hold no value that can be watched")
    return Profile(len(records), kept, np.concatenate([tally(f, columns) for f in kept]))


def _feature(name: str, source: Source, columns: Columns) -> Feature | None:
    if source.measure == "value":
        values = columns.values(source.path)
        present = [v for v in values if v is not None]
        texts = [v for v in present if type(v) is str]
        if len(texts) * 2 > len(present):
            return Feature(name, source, "text", categories=_categories(texts))
        if sum(type(v) is bool for v in present) * 2 > len(present):
            # Both, so that the one which the reference lacks is no stranger.
            return Feature(name, source, "flag", categories=("false", "true"))
    numbers = columns.numbers(source)[0]
    numbers = numbers[~np.isnan(numbers)]
    return Feature(name, source, "number", edges=edges(numbers)) if len(numbers) else None


def _categories(values: Sequence[str]) -> tuple[str, ...]:
    counted = Counter(values)
    return tuple(sorted(counted, key=lambda c: (-counted[c], c))[:MAX_CATEGORIES])


def edges(values: NDArray[np.float64]) -> tuple[float, ...]:
    """Edges of at most ten bins: quantiles; a value that fills a bin alone gets its own.

    A few different values get a bin each, so that a rare one is not merged with a common one. The
    last edge stands twice where the largest value has a bin of its own.
    """
    found = np.unique(values)
    if len(found) <= BINS:
        return tuple(float(v) for v in (*found, found[-1]))
    cuts, times = np.unique(
        np.quantile(values, np.linspace(0.0, 1.0, BINS + 1), method="lower"), return_counts=True
    )
    # A value that several quantiles fall on: the next larger one begins another bin.
    after = found.searchsorted(cuts[times > 1], side="right")
    merged = np.union1d(cuts, found[after[after < len(found)]])
    alone = [found[-1]] if times[-1] > 1 else []
    return tuple(float(v) for v in (*merged, *alone))


def texts(profile: Profile, records: Records) -> list[str]:
    """A sample of the text that inputs hold, if the profile measures one."""
    path = profile.text_path
    found = [v for v in Columns(records).values(path) if isinstance(v, str)] if path else []
    return [text[:LONGEST_TEXT] for text in found[:MOST_TEXTS]]


def infer(records: Records) -> dict[str, Source]:
    """What to watch in records of an unknown model: fields of inputs, and of answers.

    Texts of people are measured, lists counted; names of things are left out.
    """
    columns = Columns(records)
    found: dict[str, Source] = {}
    for side in ("input", "output"):
        fields = {k for r in columns.values((side,)) if isinstance(r, dict) for k in r}
        for name in sorted(fields):
            found |= _watched(columns, side, name)
    return dict(list(found.items())[:MAX_FEATURES])


def _watched(columns: Columns, side: str, name: str) -> dict[str, Source]:
    path, shown = (side, name), name if side == "input" else f"output.{name}"
    values = [v for v in columns.values(path) if v is not None]
    lists = [v for v in values if isinstance(v, list)]
    texts = [v for v in values if isinstance(v, str)]
    if len(lists) * 2 > len(values):
        labels = Counter(
            e["label"] for v in lists for e in v
            if isinstance(e, dict) and isinstance(e.get("label"), str)
        )  # fmt: skip
        if labels:
            most = [label for label, _ in labels.most_common(MAX_LABELS)]
            return {f"{shown}.{m}": Source(path, "count_label", m) for m in sorted(most)}
        return {f"{shown}.length": Source(path, "length")}
    if len(texts) * 2 > len(values):
        if np.mean([len(t.split()) for t in texts]) > FEW_WORDS:
            return {f"{shown}.{m}": Source(path, m) for m in TEXT_MEASURES}
        if len(set(texts)) > max(MAX_CATEGORIES, MOSTLY_NEW * len(texts)):
            return {}
    return {shown: Source(path)}
