"""Evidence at any time, held against brute force and scipy."""

from math import exp, isclose, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nchypergeom_fisher

from backend_api.rules.sequential import (
    ODDS,
    Strata,
    detectable,
    interval,
    log_bets,
    log_moved,
    log_share,
    log_worse,
)

TOLERANCES = (1.0, 1.5)


def one(canary: int, canary_bad: int, stable: int, stable_bad: int) -> Strata:
    """A single minute."""
    return Strata(*(np.array([n]) for n in (canary, canary_bad, stable, stable_bad)))


@pytest.mark.parametrize("tolerance", TOLERANCES)
@pytest.mark.parametrize(("canary", "stable", "bad"), [(5, 20, 4), (1, 9, 1), (12, 3, 9)])
def test_each_bet_is_the_ratio_of_two_noncentral_hypergeometric_laws(
    canary: int, stable: int, bad: int, tolerance: float
) -> None:
    support = range(max(0, bad - stable), min(bad, canary) + 1)
    for x in support:
        bets = log_bets(one(canary, x, stable, bad - x), tolerance)[0]
        for odds, bet in zip(ODDS, bets, strict=True):
            ours, null = (
                nchypergeom_fisher.logpmf(x, canary + stable, canary, bad, w * tolerance)
                for w in (odds, 1.0)
            )
            assert isclose(bet, ours - null, rel_tol=1e-6, abs_tol=1e-6)


@given(
    canary=st.integers(1, 30), stable=st.integers(1, 60), bad=st.integers(0, 40),
    odds=st.floats(0.05, 1.0), tolerance=st.sampled_from(TOLERANCES),
)  # fmt: skip
def test_nobody_gains_by_betting_against_a_canary_that_is_no_worse(
    canary: int, stable: int, bad: int, odds: float, tolerance: float
) -> None:
    bad = min(bad, canary + stable)
    x = np.arange(max(0, bad - stable), min(bad, canary) + 1)
    n = len(x)
    minutes = Strata(np.full(n, canary), x, np.full(n, stable), bad - x)
    chance = nchypergeom_fisher.pmf(x, canary + stable, canary, bad, odds * tolerance)
    fair = chance @ np.exp(log_bets(minutes, tolerance))
    assert (fair <= 1 + 1e-9).all()


def test_minutes_without_one_arm_or_without_a_bad_unit_say_nothing() -> None:
    for silent in (one(0, 0, 9, 3), one(9, 3, 0, 0), one(9, 0, 9, 0), one(4, 4, 6, 6)):
        assert log_worse(silent) == pytest.approx(0, abs=1e-9)


def test_more_bad_units_of_the_canary_are_more_evidence() -> None:
    found = [log_worse(one(100, bad, 900, 30 - bad)) for bad in range(10)]
    assert found == sorted(found)
    assert found[0] < 0 < found[9]


def test_a_change_either_way_is_seen_and_one_within_the_tolerance_is_not() -> None:
    assert log_moved(one(1000, 600, 9000, 3000), 1.5) > log(1e6)
    assert log_moved(one(1000, 100, 9000, 3000), 1.5) > log(1e6)
    assert log_moved(one(1000, 360, 9000, 3000), 1.5) < 0


def test_a_share_is_refuted_by_what_came_and_only_by_that() -> None:
    assert log_share(100, 1000, 0.1) < 0
    assert log_share(200, 1000, 0.1) > log(1000)
    assert log_share(0, 50, 0.0) == 0
    assert log_share(1, 50, 0.0) == float("inf")


@given(st.integers(0, 400), st.integers(1, 400))
def test_an_interval_holds_the_rate_and_its_ends_are_refuted_at_its_level(
    bad: int, units: int
) -> None:
    bad = min(bad, units)
    low, high = interval(bad, units)
    assert low <= bad / units <= high
    for edge, beyond in ((low, low * 0.99), (high, 1 - (1 - high) * 0.99)):
        if 0 < edge < 1:
            assert exp(log_share(bad, units, beyond)) >= 20 * (1 - 1e-6)
    assert interval(0, 0) == (0.0, 1.0)


def test_more_units_show_smaller_regressions() -> None:
    found = [detectable(0.005, units, 0.1, log(125)) for units in (200, 2_000, 20_000)]
    assert all(rate is not None for rate in found)
    assert found == sorted(found, reverse=True)
    assert found[-1] is not None
    assert 0.005 < found[-1] < 0.0075
    assert detectable(0.005, 0, 0.1, log(125)) is None
