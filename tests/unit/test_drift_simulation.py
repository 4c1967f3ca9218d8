"""How often a model that nothing happened to changes its state: counted, not believed."""

import numpy as np
import pytest

from backend_api.rules.drift import measure
from backend_api.rules.drift_course import changed, settle
from backend_api.states import DriftState, most_drift
from shared.profile import Counts, Feature, Profile
from tests.profiles import number, profile, words

S = DriftState
DAYS, MODELS = 90, 10


def mixed() -> Profile:
    """20 features as they come: deciles with rare outliers, even categories and skewed ones."""
    features: list[Feature] = [number(f"n{n}") for n in range(12)]
    features += [words(f"c{n}", *[f"k{k}" for k in range(20)]) for n in range(7)]
    features.append(words("answer", *[f"i{k}" for k in range(20)], side="output"))
    counts = {f"n{n}": [1, *[199] * 10, 1, 8, 0] for n in range(12)}
    steep = [round(1200 / k**2) for k in range(1, 21)]
    for n in range(7):
        counts[f"c{n}"] = [*([95] * 20 if n % 2 else steep), 40, 8, 0]
    counts["answer"] = [*[round(600 / k) for k in range(1, 21)], 10, 0, 0]
    return profile(*features, counts=counts)


def population(made: Profile, rng: np.random.Generator, rows: int, *shape: int) -> Counts:
    """Windows as ``tests.profiles.drawn`` makes them, of each feature's own shares."""
    parts = []
    for feature in made.features:
        counts = made.counts[made.slices[feature.name]]
        parts.append(rng.multinomial(rows, counts / counts.sum(), size=shape))
    return np.concatenate(parts, axis=-1)


def changes(made: Profile, seed: int, reference: int, rows: int) -> tuple[int, int]:
    """State changes of one model in 90 days without drift, and days over a line by themselves."""
    rng = np.random.default_rng(seed)
    base = population(made, rng, reference)
    found = measure(made, base, population(made, rng, rows, DAYS))
    seen: list[DriftState] = []
    state, flips = S.INSUFFICIENT, 0
    for day in found.states:
        seen.append(most_drift(map(S, day)))
        after = settle(state, seen)
        flips += changed(state, after)
        state = after
    return flips, sum(s in (S.MEDIUM, S.HIGH) for s in seen)


@pytest.mark.long
@pytest.mark.parametrize("reference", [2_000, 10_000])
def test_ten_quiet_models_change_state_less_than_once_in_ninety_days(reference: int) -> None:
    made, groups = mixed(), 40
    found = [changes(made, seed, reference, 1_000) for seed in range(groups * MODELS)]
    flips = sum(f for f, _ in found)
    print(f"{flips} changes, {sum(d for _, d in found)} days in {groups} groups")  # noqa: T201
    assert flips / groups <= 1


@pytest.mark.long
def test_without_the_p_value_and_the_line_it_would_be_otherwise() -> None:
    """The same days by the distance alone: that the quiet above is not for want of noise."""
    made, rng = mixed(), np.random.default_rng(1)
    base = population(made, rng, 2_000)
    found = measure(made, base, population(made, rng, 300, DAYS))
    assert float(np.mean(found.distance.max(axis=-1) > 0.1)) > 0.5
    assert set(found.states.flat) == {S.INSUFFICIENT}
