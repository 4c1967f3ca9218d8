"""Distances between counts, and the lines that chance alone does not cross."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from scipy.stats import false_discovery_control

from backend_api.rules.divergence import CHANCE, adjusted, distance, noise, p_value, psi

Pair = tuple[list[int], list[int]]
sides = st.integers(2, 30).flatmap(
    lambda bins: st.tuples(
        *(st.lists(st.integers(0, 10**7), min_size=bins, max_size=bins).filter(any),) * 2
    )
)


def whole(counts: Sequence[int]) -> NDArray[np.int64]:
    return np.array(counts, dtype=np.int64)


@given(sides)
def test_the_score_is_that_of_scipy_on_the_same_bins(pair: Pair) -> None:
    ours = distance(whole(pair[0]), whole(pair[1]))
    assert ours == pytest.approx(jensenshannon(*pair, base=2), abs=1e-9)


@given(sides)
def test_it_is_a_distance_and_does_not_know_how_many_rows_there_are(pair: Pair) -> None:
    one, other = whole(pair[0]), whole(pair[1])
    apart = float(distance(one, other))
    assert 0 <= apart <= 1
    assert apart == pytest.approx(float(distance(other, one)), abs=1e-12)
    assert float(distance(one, one)) == 0
    assert apart == pytest.approx(float(distance(one * 7, other)), abs=1e-7)


@given(sides, st.integers(1, 9))
def test_empty_bins_change_nothing(pair: Pair, more: int) -> None:
    for measure in (distance, psi, noise, p_value):
        bare = measure(*map(whole, pair))
        padded = measure(*(whole([*side, *[0] * more]) for side in pair))
        assert float(padded) == pytest.approx(float(bare), abs=1e-12)


def test_nothing_in_common_is_one_and_an_emptied_bin_is_finite() -> None:
    assert float(distance(whole([10, 0]), whole([0, 10]))) == 1
    # One decile emptied of ten: the epsilon alone makes most of the figure.
    full, hollow = whole([100] * 10), whole([0] + [100] * 9)
    assert float(psi(full, hollow)) == pytest.approx(0.70, abs=0.02)
    assert float(distance(full, hollow)) == pytest.approx(0.225, abs=0.005)


def test_without_rows_there_is_no_distance_and_no_evidence() -> None:
    nothing, some = whole([0, 0]), whole([5, 5])
    for one, other in ((nothing, some), (some, nothing), (nothing, nothing)):
        assert np.isnan(distance(one, other))
        assert np.isnan(psi(one, other))
        assert noise(one, other) == 1
        assert p_value(one, other) == 1
    assert p_value(whole([5, 0]), whole([9, 0])) == 1


@pytest.mark.parametrize(
    ("rows", "line"), [(100, 0.227), (200, 0.166), (500, 0.101), (1000, 0.073)]
)
def test_the_lines_for_ten_bins_are_those_of_a_simulation(rows: int, line: float) -> None:
    # By simulation, with 10,000 rows as reference.
    made = float(noise(whole([1000] * 10), whole([rows // 10] * 10)))
    assert made == pytest.approx(line, rel=0.06)


EVEN = np.full(10, 0.1)
ZIPF = 1 / np.arange(1, 22)
STEEP = ZIPF**2
SPARSE = np.array([0.9, *[0.005] * 20])
POPULATIONS = [EVEN, ZIPF, STEEP, SPARSE]
SIZES = [(2000, 500), (2000, 1000), (10_000, 500)]


@pytest.mark.parametrize("reference", [2_000, 10_000])
@pytest.mark.parametrize("rows", [500, 1000, 5000])
def test_chance_crosses_the_line_once_in_a_thousand(reference: int, rows: int) -> None:
    rng = np.random.default_rng(20261126)
    base = rng.multinomial(reference, EVEN, 40_000)
    seen = rng.multinomial(rows, EVEN, 40_000)
    crossed = float(np.mean(distance(base, seen) > noise(base, seen)))
    # 40 are expected; 4 standard deviations are 25.
    assert crossed == pytest.approx(CHANCE, abs=0.00065)


@pytest.mark.parametrize("shares", POPULATIONS, ids=["even", "zipf", "steep", "sparse"])
@pytest.mark.parametrize(("reference", "rows"), SIZES)
def test_rare_categories_do_not_make_evidence(
    shares: NDArray[np.float64], reference: int, rows: int
) -> None:
    rng = np.random.default_rng(5)
    shares = shares / shares.sum()
    base = rng.multinomial(reference, shares, 20_000)
    seen = rng.multinomial(rows, shares, 20_000)
    assert float(np.mean(p_value(base, seen) < CHANCE)) < 0.0035


def test_the_distance_alone_would_take_rare_categories_for_evidence() -> None:
    # Why there is a p-value beside the line.
    rng = np.random.default_rng(5)
    base = rng.multinomial(10_000, SPARSE, 20_000)
    seen = rng.multinomial(500, SPARSE, 20_000)
    assert float(np.mean(distance(base, seen) > noise(base, seen))) > 0.01


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_p_values_are_adjusted_as_scipy_adjusts_them(p: list[float]) -> None:
    ours = adjusted(np.array([p, p[::-1]]))
    assert ours[0] == pytest.approx(false_discovery_control(p), abs=1e-12)
    assert ours[1] == pytest.approx(ours[0][::-1], abs=1e-12)
