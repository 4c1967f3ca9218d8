"""What a share costs and can show."""

from datetime import timedelta

import pytest

from backend_api.rules.price import Budget, Traffic, price

DAY = timedelta(days=1)
BUDGET = Budget(30, 7_200.0, 0.62)


def test_a_share_of_the_last_hour_is_priced() -> None:
    hour = Traffic(users=1_000, units=5_000, errors=25, requests=10_000, people=9_000)
    cost = price(hour, 10, DAY, 1_000, BUDGET)
    assert cost.units_a_step == 12_000
    assert cost.hours_to_least == 2
    assert cost.detectable is not None
    assert cost.error_rate < cost.detectable < 0.01
    assert cost.errors_at_risk == cost.units_a_step * (cost.detectable - cost.error_rate)
    assert "about 100 people an hour and 12,000 comparisons" in cost.sentence
    assert "Errors would have to rise from 0.51% to 0." in cost.sentence
    assert cost.people == 900
    assert cost.requests_at_risk == pytest.approx(2 * cost.errors_at_risk)
    assert cost.budget_at_risk == pytest.approx(cost.requests_at_risk / 7_200)
    assert f"would fail {cost.requests_at_risk:,.0f} more requests" in cost.sentence
    assert f"{cost.budget_at_risk:.1%} of the 30-day error budget; 62% is left." in cost.sentence


def test_the_smaller_arm_decides_how_long_the_minimum_takes() -> None:
    hour = Traffic(100, 600, 0, 600, 100)
    hours = [price(hour, s, DAY, 300, BUDGET).hours_to_least for s in (10, 50, 90)]
    assert hours == pytest.approx([5, 1, 5])


def test_more_traffic_shows_smaller_regressions() -> None:
    found = [
        price(Traffic(n, n, n // 100, n, n), 10, DAY, 1, BUDGET).detectable
        for n in (100, 1_000, 10_000)
    ]
    assert all(rate is not None for rate in found)
    assert found == sorted(found, reverse=True)  # type: ignore[type-var]


def test_too_little_traffic_is_said() -> None:
    nothing = price(Traffic(0, 0, 0, 0, 0), 10, DAY, 100, Budget(30, 0.0, None))
    assert "nobody called" in nothing.sentence
    assert nothing.budget_at_risk is None
    assert "too little" in price(Traffic(1, 1, 0, 1, 1), 1, DAY / 24, 100, BUDGET).sentence


def test_a_budget_that_nobody_can_say_the_rest_of_is_not_called_full() -> None:
    cost = price(Traffic(1_000, 5_000, 25, 5_000, 9_000), 10, DAY, 1_000, Budget(30, 3_600.0, None))
    assert "of the 30-day error budget." in cost.sentence
    assert "is left" not in cost.sentence
