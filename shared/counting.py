"""From log records to a vector of counts, a column at a time. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.columns import Columns
from shared.profile import Counts, Feature, Profile

# As many records as stay in the processor's cache.
CHUNK = 512


def count(profile: Profile, records: Sequence[Mapping[str, Any]]) -> Counts:
    """How often records hit each bin; each record adds one to every feature's bins.

    A record is what the prediction log keeps: ``input`` and ``output`` are objects or null.
    """
    counts = np.zeros(profile.size, dtype=np.int64)
    for start in range(0, len(records), CHUNK):
        columns = Columns(records[start : start + CHUNK])
        for feature, begin in zip(profile.features, profile.offsets, strict=False):
            counts[begin : begin + feature.size] += tally(feature, columns)
    return counts


def tally(feature: Feature, columns: Columns) -> Counts:
    """How often the records hit each bin of one feature."""
    if feature.type == "number":
        return _numbers(feature, *columns.numbers(feature.source))
    return _categories(feature, columns.values(feature.source.path))


def _numbers(feature: Feature, values: NDArray[np.float64], wrong: int) -> Counts:
    # In order, a few look-ups tell how many lie below each edge; what is no number comes last.
    below = np.sort(values).searchsorted(feature.cuts)
    missing = len(values) - int(below[-1])
    counts = np.empty(feature.size, dtype=np.int64)
    counts[0] = below[0]
    np.subtract(below[1:], below[:-1], out=counts[1:-2])
    counts[feature.empty], counts[feature.wrong] = missing - wrong, wrong
    return counts


def _categories(feature: Feature, values: Sequence[Any]) -> Counts:
    wanted = str if feature.type == "text" else bool
    present = values
    if set(map(type, values)) != {wanted}:
        present = [v for v in values if type(v) is wanted]
    found = Counter(present)
    counts = np.zeros(feature.size, dtype=np.int64)
    for place, category in enumerate(feature.categories):
        counts[place] = found.pop(category if wanted is str else category == "true", 0)
    counts[feature.outside[0]] = found.total()
    counts[feature.empty] = sum(v is None for v in values) if present is not values else 0
    counts[feature.wrong] = len(values) - len(present) - counts[feature.empty]
    return counts
