"""Which features can be judged: counts come from the log, and it does not keep every field whole.

A hashed value is counted as one that was never seen or is of the wrong type, and a dropped one as
missing, so such counts say nothing of the requests. What the rules say now holds for each window,
for days before they were set as well.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from backend_api.rules.divergence import Counts
from shared.privacy import Rule
from shared.profile import Feature, Profile

Rules = Mapping[str, Rule]
WHOLE: Rules = MappingProxyType({})
"""Every field is kept as it is."""
_WORDS: Mapping[Rule, str] = {"hash": "kept hashed", "drop": "dropped"}


def field(path: tuple[str, ...]) -> str:
    """The field of a request or an answer that a path in a record lies in, as rules name it."""
    side, *names = path
    name = names[0] if names else ""
    return name if side == "input" else f"{side}.{name}"


def _whole(feature: Feature, rules: Rules) -> bool:
    return rules.get(field(feature.source.path), "keep") == "keep"


def judgeable(profile: Profile, rules: Rules) -> tuple[Profile, NDArray[np.bool_]]:
    """The profile of what is kept whole, and which bins of the given one it has."""
    kept = [_whole(feature, rules) for feature in profile.features]
    bins = np.repeat(kept, [feature.size for feature in profile.features])
    if all(kept):
        return profile, bins
    features = tuple(f for f, whole in zip(profile.features, kept, strict=True) if whole)
    counts: Counts = profile.counts[bins]
    return Profile(profile.rows, features, counts), bins


def unjudged(profile: Profile, rules: Rules) -> str | None:
    """Which watched fields cannot be judged and why, as a sentence; None if all can."""
    watched = {field(feature.source.path) for feature in profile.features}
    told = []
    for rule, word in _WORDS.items():
        names = sorted(name for name in watched if rules.get(name) == rule)
        if names:
            are = "is" if len(names) == 1 else "are"
            told.append(f"{', '.join(names)} {are} {word} by privacy.log, so not judged")
    return f"{'; '.join(told)}." if told else None
