"""What a share of traffic costs and can show, told before it is set."""

from dataclasses import dataclass, replace
from datetime import timedelta
from math import log

from backend_api.rules.judge import RATES, THRESHOLD
from backend_api.rules.sequential import detectable

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Traffic:
    """An hour of the model: users, units (a user in a minute), how many of these failed, requests.

    ``people`` are the different users of a step's time, of a day at most.
    """

    users: int
    units: int
    errors: int
    requests: int
    people: int


@dataclass(frozen=True)
class Budget:
    """Requests that may fail in a whole window of ``days``, and the share (0..1) that is left.

    ``left`` is None where too little was counted to say.
    """

    days: int
    allowed: float
    left: float | None


@dataclass(frozen=True)
class Cost:
    """See ``schemas.Price``."""

    units_a_step: int
    hours_to_least: float | None
    error_rate: float
    detectable: float | None
    errors_at_risk: float | None
    requests_at_risk: float | None
    budget_at_risk: float | None
    people: int
    sentence: str


def price(hour: Traffic, share: int, each: timedelta, least: int, budget: Budget) -> Cost:
    """Price one step at ``share`` per cent that lasts ``each`` and wants ``least`` units an arm.

    The smaller arm decides how long ``least`` takes. A regression of the error rate smaller than
    ``detectable`` would pass; ``errors_at_risk`` is how many more units it would fail meanwhile.
    The same in requests, at the requests a unit has, is what the error budget may lose: the
    canary's share times its defect rate times the time ("The Site Reliability Workbook", chapter
    16).
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
    requests = None if risk is None else risk * hour.requests / hour.units
    of_budget = requests / budget.allowed if requests is not None and budget.allowed else None
    cost = Cost(
        units, hours, rate, found, risk, requests, of_budget, round(hour.people * part), ""
    )  # fmt: skip
    return replace(cost, sentence=_sentence(hour, share, cost, budget))


def _sentence(hour: Traffic, share: int, cost: Cost, budget: Budget) -> str:
    if cost.hours_to_least is None:
        return "Without traffic a canary shows nothing: nobody called the model in the last hour."
    begin = (
        f"At the pace of the last hour {share} % is about {round(hour.users * share / 100):,}"
        f" people an hour and {cost.units_a_step:,} comparisons in the step, and about"
        f" {cost.people:,} people get the canary; the minimum is reached after"
        f" {cost.hours_to_least:.1f} h."
    )
    if cost.detectable is None:
        return f"{begin} That is too little to see even a canary that always fails."
    seen = f"Errors would have to rise from {cost.error_rate:.2%} to {cost.detectable:.2%}"
    risk = ""
    if cost.requests_at_risk is not None and cost.budget_at_risk is not None:
        left = "" if budget.left is None else f"; {max(0.0, budget.left):.0%} is left"
        risk = (
            f" Just short of that it would fail {cost.requests_at_risk:,.0f} more requests,"
            f" {cost.budget_at_risk:.1%} of the {budget.days}-day error budget{left}."
        )
    return f"{begin} {seen} to be seen.{risk}"
