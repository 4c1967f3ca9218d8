"""What a share costs and can show."""

from datetime import timedelta

import pytest

from backend_api.rules.price import Traffic, price

DAY = timedelta(days=1)


def test_a_share_of_the_last_hour_is_priced() -> None:
    cost = price(Traffic(users=1_000, units=5_000, errors=25), 10, DAY, 1_000)
    assert cost.units_a_step == 12_000
    assert cost.hours_to_least == 2
    assert cost.detectable is not None
    assert cost.error_rate < cost.detectable < 0.01
    assert cost.errors_at_risk == cost.units_a_step * (cost.detectable - cost.error_rate)
    assert "about 100 people an hour and 12,000 comparisons" in cost.sentence
    assert "Errors would have to rise from 0.51% to 0." in cost.sentence


def test_the_smaller_arm_decides_how_long_the_minimum_takes() -> None:
    hours = [price(Traffic(100, 600, 0), s, DAY, 300).hours_to_least for s in (10, 50, 90)]
    assert hours == pytest.approx([5, 1, 5])


def test_more_traffic_shows_smaller_regressions() -> None:
    found = [price(Traffic(n, n, n // 100), 10, DAY, 1).detectable for n in (100, 1_000, 10_000)]
    assert all(rate is not None for rate in found)
    assert found == sorted(found, reverse=True)  # type: ignore[type-var]


def test_too_little_traffic_is_said() -> None:
    assert "nobody called" in price(Traffic(0, 0, 0), 10, DAY, 100).sentence
    assert "too little" in price(Traffic(1, 1, 0), 1, timedelta(hours=1), 100).sentence
