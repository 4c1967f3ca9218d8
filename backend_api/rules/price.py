"""What a share of traffic costs and can show, told before it is set."""

from dataclasses import dataclass
from datetime import timedelta
from math import log

from backend_api.rules.judge import RATES, THRESHOLD
from backend_api.rules.sequential import detectable

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Traffic:
    """An hour of the model: users, units (a user in a minute), and how many of these failed."""

    users: int
    units: int
    errors: int


@dataclass(frozen=True)
class Cost:
    """See ``schemas.Price``."""

    units_a_step: int
    hours_to_least: float | None
    error_rate: float
    detectable: float | None
    errors_at_risk: float | None
    sentence: str


def price(hour: Traffic, share: int, each: timedelta, least: int) -> Cost:
    """Price one step at ``share`` per cent that lasts ``each`` and wants ``least`` units an arm.

    The smaller arm decides how long ``least`` takes. A regression of the error rate smaller than
    ``detectable`` would pass; ``errors_at_risk`` is how many more units it would fail meanwhile.
    """
    part = share / 100
    units = round(hour.units * (each / HOUR) * part)
    smaller = hour.units * min(part, 1 - part)
    hours = least / smaller if smaller else None
    # No failure in an hour says that the rate is low, not that it is nothing.
    rate = (hour.errors + 0.5) / (hour.units + 1)
    weight = next(metric.weight for metric in RATES if metric.name == "errors")
    found = detectable(rate, units, part, THRESHOLD - log(weight))
    risk = None if found is None else units * (found - rate)
    return Cost(units, hours, rate, found, risk, _sentence(hour, share, units, hours, found, rate))


def _sentence(
    hour: Traffic, share: int, units: int, hours: float | None, found: float | None, rate: float
) -> str:
    if hours is None:
        return "Without traffic a canary shows nothing: nobody called the model in the last hour."
    begin = (
        f"At the pace of the last hour {share} % is about {round(hour.users * share / 100):,}"
        f" people an hour and {units:,} comparisons in the step; the minimum is reached after"
        f" {hours:.1f} h."
    )
    if found is None:
        return f"{begin} That is too little to see even a canary that always fails."
    return f"{begin} Errors would have to rise from {rate:.2%} to {found:.2%} to be seen."
