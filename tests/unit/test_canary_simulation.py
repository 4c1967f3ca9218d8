"""Thousands of canaries by the judge's own rules: how often it is wrong, and how soon right."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import logsumexp

from backend_api.rules import judge
from backend_api.rules.judge import FALSE_ALARM, THRESHOLD, Minute, Tally
from backend_api.rules.sequential import ODDS, Strata, log_bets

DAY = 24 * 60
CANARY, STABLE = 10, 90
CANARIES = 2_000
BATCH = 100
SEED = 20260303
Floats = NDArray[np.float64]
# research: fixed-sample canary requests, one-sided 0.02, power 0.8, split 10/90.
FIXED = {(0.001, 0.01): 394, (0.005, 0.01): 2_424, (0.01, 0.02): 1_204}


def day(rng: np.random.Generator, chances: tuple[float, float], canaries: int) -> Strata:
    """Poisson traffic of canaries for a day, (canaries, minutes), each unit bad by chance."""
    size = (canaries, DAY)
    canary, stable = rng.poisson(CANARY, size), rng.poisson(STABLE, size)
    return Strata(
        canary, rng.binomial(canary, chances[1]), stable, rng.binomial(stable, chances[0])
    )


def path(strata: Strata, tolerance: float) -> Floats:
    """log of the e-value at each look."""
    flat = Strata(*(a.ravel() for a in vars(strata).values()))
    bets = log_bets(flat, tolerance).reshape(*strata.canary.shape, len(ODDS)).cumsum(axis=1)
    return np.asarray(logsumexp(bets, axis=2) - np.log(len(ODDS)))


def evidence(parts: list[tuple[float, Floats]]) -> Floats:
    """The judge's mean by weights."""
    return np.asarray(logsumexp([np.log(weight) + one for weight, one in parts], axis=0))


def moved(strata: Strata) -> Floats:
    """Either way, as for outputs."""
    both = [path(one, judge.OUTPUT_TOLERANCE) for one in (strata, strata.good())]
    return np.asarray(logsumexp(both, axis=0) - np.log(2))


def test_the_simulation_computes_what_the_judge_does() -> None:
    strata = day(np.random.default_rng(SEED), (0.02, 0.03), 1)
    looks = path(strata, judge.RATES[0].tolerance)
    start = datetime(2026, 3, 3, tzinfo=UTC)

    def tally(units: int, errors: int) -> Tally:
        return Tally(units=int(units), errors=int(errors), confident=int(units),
                     outputs=Counter(only=int(units)))  # fmt: skip

    minutes = [
        Minute(start + timedelta(minutes=n), tally(a, b), tally(c, d))
        for n, (a, b, c, d) in enumerate(zip(*(x[0] for x in vars(strata).values()), strict=True))
    ]
    found = judge.judge(minutes, "v2", "v1", timedelta(days=1), 1)
    errors = next(f for f in found.findings if f.name == "errors")
    assert errors.log_evidence == pytest.approx(looks[0, -1])


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_at_most_two_in_a_hundred_good_canaries_go_back_though_looked_at_each_minute() -> None:
    rng = np.random.default_rng(SEED)
    false = 0
    for _ in range(CANARIES // BATCH):
        parts = [
            (metric.weight, path(day(rng, (rate, rate), BATCH), metric.tolerance))
            for metric, rate in zip(judge.RATES, (0.005, 0.02, 0.05), strict=True)
        ]
        parts.append((judge.OUTPUT_WEIGHT, moved(day(rng, (0.3, 0.3), BATCH))))
        false += int((evidence(parts) >= THRESHOLD).any(axis=1).sum())
    assert false <= FALSE_ALARM * CANARIES, f"{false} of {CANARIES}"


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("chances", FIXED, ids=str)
def test_a_real_difference_is_seen_within_two_and_a_half_times_the_fixed_sample(
    chances: tuple[float, float],
) -> None:
    strata = day(np.random.default_rng(SEED), chances, 200)
    metric: Any = judge.RATES[0]
    bad = evidence([(metric.weight, path(strata, metric.tolerance))]) >= THRESHOLD
    units = strata.canary.cumsum(axis=1)
    needed = [int(units[n, row.argmax()]) for n, row in enumerate(bad) if row.any()]
    assert len(needed) > 0.9 * len(bad)
    median = float(np.median(needed))
    assert median <= 2.5 * FIXED[chances], f"{median:,.0f} canary requests"
