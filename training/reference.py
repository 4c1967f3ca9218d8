"""The profile a model version is compared with later: fixed bins and how often each was hit."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

BINS = 10
MAX_CATEGORIES = 20
OTHER = "OTHER"


def _numeric(values: Sequence[float | None]) -> dict[str, Any]:
    present = np.array([v for v in values if v is not None], dtype=float)
    if not len(present):
        return {"kind": "numeric", "edges": [], "counts": [0], "null_count": len(values)}
    edges = np.unique(np.quantile(present, np.linspace(0.0, 1.0, BINS + 1)))
    places = np.searchsorted(edges, present, side="right")
    # The largest value belongs to the last bin, and not to the one above all edges.
    places[present == edges[-1]] = max(len(edges) - 1, 1)
    counts = np.bincount(places, minlength=len(edges) + 1)
    return {
        "kind": "numeric",
        "edges": edges.tolist(),
        "counts": counts.tolist(),
        "null_count": len(values) - len(present),
    }


def _categorical(values: Sequence[str | None]) -> dict[str, Any]:
    counted = Counter(v for v in values if v is not None)
    named = sorted(counted, key=lambda c: (-counted[c], c))[:MAX_CATEGORIES]
    counts = [counted[c] for c in named]
    return {
        "kind": "categorical",
        "categories": [*named, OTHER],
        "counts": [*counts, counted.total() - sum(counts)],
        "null_count": sum(v is None for v in values),
    }


def profile(rows: Sequence[Mapping[str, float | str | None]]) -> dict[str, Any]:
    """Bins and counts per observed value, over rows with the same keys.

    Numeric: ``edges`` are up to 11 ascending quantiles; ``counts[i]`` is the number of values in
    ``[edges[i-1], edges[i])``, so the first count is below and the last above all edges (the
    largest edge itself counts into the last inner bin). Categorical: the 20 most frequent
    and ``OTHER``. Empty values are in ``null_count``; where all are empty there are no edges.
    """
    features: dict[str, Any] = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        text = any(isinstance(v, str) for v in values)
        features[name] = (
            _categorical([None if v is None else str(v) for v in values])
            if text
            else _numeric([None if v is None else float(v) for v in values])
        )
    return {"rows": len(rows), "features": features}
