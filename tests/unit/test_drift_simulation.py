"""How often a model that nothing happened to changes its state: counted, not believed."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from backend_api.rules.drift import measure
from backend_api.rules.drift_course import Window, changed, settle
from backend_api.rules.drift_window import WIDEST, narrowest
from backend_api.states import DriftState
from shared.profile import Counts, Feature, Profile
from tests.profiles import number, profile, words

S = DriftState
DAYS, MODELS = 90, 10
FIRST = date(2026, 3, 1)


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
    """State changes of one model in 90 days without drift, and windows over a line by themselves.

    The days before are there too, so that the first day may be widened as the last one is.
    """
    rng = np.random.default_rng(seed)
    base = replace(made, rows=reference, counts=population(made, rng, reference))
    days = population(made, rng, rows, WIDEST - 1 + DAYS)
    sizes = np.full(WIDEST, rows)
    seen: list[Window] = []
    state, flips = S.INSUFFICIENT, 0
    for day in range(DAYS):
        look = narrowest(base, sizes, days[day : day + WIDEST])
        seen.append(Window(look.judgement.state, FIRST + timedelta(days=day), look.days))
        after = settle(state, seen)
        flips += changed(state, after)
        state = after
    return flips, sum(one.state in (S.MEDIUM, S.HIGH) for one in seen)


@pytest.mark.long
@pytest.mark.parametrize(
    ("reference", "rows"), [(2_000, 1_000), (10_000, 1_000), (2_000, 100), (10_000, 100),
                            (2_000, 30)],
)  # fmt: skip
def test_ten_quiet_models_change_state_less_than_once_in_ninety_days(
    reference: int, rows: int
) -> None:
    made, groups = mixed(), 40
    found = [changes(made, seed, reference, rows) for seed in range(groups * MODELS)]
    flips = sum(f for f, _ in found)
    over = sum(d for _, d in found)
    print(f"{flips} changes, {over} windows over a line, in {groups} groups")  # noqa: T201
    assert flips / groups <= 1


@pytest.mark.long
def test_without_the_p_value_and_the_line_it_would_be_otherwise() -> None:
    """The same days by the distance alone: that the quiet above is not for want of noise."""
    made, rng = mixed(), np.random.default_rng(1)
    base = population(made, rng, 2_000)
    found = measure(made, base, population(made, rng, 300, DAYS))
    assert float(np.mean(found.distance.max(axis=-1) > 0.1)) > 0.5
    assert set(found.states.flat) == {S.INSUFFICIENT}
