"""Made-up applicants and the risk behind them: Indian households that ask for a loan."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rng = np.random.Generator
Columns = dict[str, NDArray[Any]]
Floats = NDArray[np.float64]

EMPLOYMENT = ("government", "private", "professional", "business", "gig", "retired")
TIERS = ("tier_1", "tier_2", "tier_3", "rural")
# Median ₹ a month, and the spread of its logarithm.
INCOME = {
    "government": (52_000, 0.45), "private": (46_000, 0.65), "professional": (85_000, 0.70),
    "business": (58_000, 0.85), "gig": (21_000, 0.45), "retired": (30_000, 0.50),
}  # fmt: skip
TIER_INCOME = {"tier_1": 1.35, "tier_2": 1.0, "tier_3": 0.8, "rural": 0.62}
LIVING_COST = {"tier_1": 17_000, "tier_2": 11_500, "tier_3": 8_500, "rural": 6_000}
# Months of income asked for, months to pay back, and yearly interest in per cent.
PURPOSES = {
    "home": (42.0, 200.0, 8.8), "vehicle": (9.0, 56.0, 10.5), "education": (14.0, 84.0, 10.2),
    "gold": (3.5, 18.0, 12.0), "personal": (6.5, 38.0, 15.5), "medical": (5.0, 26.0, 16.0),
    "wedding": (9.5, 44.0, 16.5),
}  # fmt: skip
SECURED = ("home", "vehicle", "gold")
STEADY = ("government", "private", "retired")


def _of(table: Mapping[str, float], names: NDArray[Any]) -> Floats:
    return np.array([table[name] for name in names.tolist()], dtype=float)


def _hinge(values: Floats, middle: float, width: float) -> Floats:
    return 1.0 / (1.0 + np.exp(-(values - middle) / width))


def _people(count: int, rng: Rng) -> Columns:
    work = rng.choice(EMPLOYMENT, size=count, p=(0.13, 0.40, 0.09, 0.19, 0.13, 0.06))
    retired = work == "retired"
    age = np.where(retired, rng.normal(64, 4, count), 23 + rng.gamma(2.6, 5.6, count))
    age = np.clip(np.round(age), 21, np.where(retired, 75, 62))
    years = np.minimum(rng.gamma(1.3, 4.2, count), age - 19)
    tier = rng.choice(TIERS, size=count, p=(0.36, 0.30, 0.22, 0.12))
    median = _of({name: values[0] for name, values in INCOME.items()}, work)
    spread = _of({name: values[1] for name, values in INCOME.items()}, work)
    growth = 1.0 + 0.022 * np.minimum(years, 25)
    income = median * growth * _of(TIER_INCOME, tier) * np.exp(spread * rng.normal(size=count))
    home = rng.choice(
        ("owned", "family", "rented", "company"), size=count, p=(0.33, 0.27, 0.34, 0.06)
    )
    return {
        "age": age, "employment_type": work, "years_employed": np.round(years, 1),
        "monthly_income": np.round(np.clip(income, 6_000, 3e6), -2), "city_tier": tier,
        "residence": home, "dependants": np.minimum(rng.poisson(1.7, count), 8),
        "has_co_applicant": rng.random(count) < 0.27,
    }  # fmt: skip


def _emi(amount: Floats, months: Floats, rate: Floats) -> Floats:
    monthly = rate / 1_200
    return amount * monthly / (1 - (1 + monthly) ** -months)


def _loan(people: Columns, rng: Rng) -> Columns:
    count = len(people["age"])
    purpose = rng.choice(tuple(PURPOSES), size=count, p=(0.18, 0.19, 0.11, 0.12, 0.22, 0.08, 0.10))
    months_of_income = _of({k: v[0] for k, v in PURPOSES.items()}, purpose)
    amount = people["monthly_income"] * months_of_income * np.exp(0.55 * rng.normal(size=count))
    tenure = _of({k: v[1] for k, v in PURPOSES.items()}, purpose)
    tenure = np.clip(np.round(tenure * np.exp(0.28 * rng.normal(size=count))), 6, 360)
    rate = _of({k: v[2] for k, v in PURPOSES.items()}, purpose) + rng.normal(0, 0.9, count)
    amount = np.round(amount.clip(10_000, 8e7), -3)
    owing = np.where(rng.random(count) < 0.55, rng.beta(1.6, 4.2, count), 0.0)
    return {
        "loan_purpose": purpose, "loan_amount": amount, "tenure_months": tenure,
        "proposed_emi": np.round(_emi(amount, tenure, rate)),
        "existing_emis": np.round(owing * people["monthly_income"], -2),
    }  # fmt: skip


def _record(people: Columns, rng: Rng) -> Columns:
    """What the bureau knows; ``discipline`` is behind it and is seen by nobody."""
    count = len(people["age"])
    discipline = rng.normal(size=count)
    late = rng.poisson(np.exp(-1.35 - 0.95 * discipline))
    since = np.clip(np.round(rng.exponential(9.0, count)), 0, 23)
    score = 742 + 46 * discipline - 21 * np.minimum(late, 5) + rng.normal(0, 26, count)
    limit_use = 1.0 / (1.0 + np.exp(0.9 + 0.55 * discipline - 1.1 * rng.normal(size=count)))
    savings = people["monthly_income"] * np.exp(0.9 + 0.5 * discipline + rng.normal(size=count))
    return {
        "savings": np.round(savings, -3),
        "credit_score": np.clip(np.round(score), 300, 900),
        "credit_utilisation": np.round(limit_use * 1.1, 3),
        "delinquencies_24m": np.minimum(late, 24),
        "months_since_delinquency": since,
        "enquiries_6m": np.minimum(rng.poisson(np.exp(0.55 - 0.2 * discipline)), 30),
    }


def _absent(columns: Columns, rng: Rng) -> dict[str, NDArray[np.bool_]]:
    """Which values nobody has: no history, no card, no job, or not declared."""
    count = len(columns["age"])
    young = columns["age"] < 27
    new = rng.random(count) < np.where(young, 0.38, 0.07)
    return {
        "years_employed": columns["employment_type"] == "retired",
        "savings": rng.random(count) < 0.12,
        "credit_score": new,
        "credit_utilisation": new | (rng.random(count) < 0.30),
        "months_since_delinquency": columns["delinquencies_24m"] == 0,
    }


def _burden(c: Columns) -> Floats:
    """Strain on the budget: instalments against income, eased by a cushion of savings."""
    instalments = c["proposed_emi"] + c["existing_emis"]
    share = instalments / c["monthly_income"]
    living = _of(LIVING_COST, c["city_tier"]) * (1 + 0.22 * c["dependants"])
    left = (c["monthly_income"] - instalments - living) / c["monthly_income"]
    months = np.maximum(c["savings"], 1.0) / np.maximum(instalments, 1.0)
    cushion = _hinge(np.log(months), np.log(7.0), 0.35)
    strain = 3.4 * _hinge(share, 0.52, 0.06) + 2.4 * _hinge(-left, 0.0, 0.09)
    shared = np.where(c["has_co_applicant"], 0.45, 1.0)
    steady = np.where(np.isin(c["employment_type"], STEADY), 0.8, 1.3)
    return strain * (1.0 - 0.75 * cushion) * shared * steady


def _history(c: Columns, absent: dict[str, NDArray[np.bool_]]) -> Floats:
    """Record at the bureau; without one, short work counts against the applicant."""
    score = 2.3 * _hinge(-c["credit_score"], -690.0, 16.0)
    recent = np.exp(-c["months_since_delinquency"] / 7.0)
    late = np.where(c["delinquencies_24m"] > 0, 2.2 * recent, 0.0)
    card = ~absent["credit_utilisation"]
    chase = card * (c["credit_utilisation"] > 0.55) * (c["enquiries_6m"] >= 3)
    new = absent["credit_score"]
    thin = 1.9 * _hinge(-c["years_employed"], -1.8, 0.4) - 0.3
    # Who pledges something pays for it first, whatever the bureau says.
    weight = np.where(np.isin(c["loan_purpose"], SECURED), 0.45, 1.25)
    return (np.where(new, thin, score + late) + 2.2 * chase) * weight


def _work(c: Columns, absent: dict[str, NDArray[np.bool_]]) -> Floats:
    """Work and age: what is harmless alone adds up, and what looks alike differs."""
    work, long_loan = c["employment_type"], c["tenure_months"] > 48
    secured = np.isin(c["loan_purpose"], SECURED)
    risk = np.select(
        [work == "gig", work == "business", work == "government"],
        [np.where(long_loan & ~secured, 2.0, 0.1), np.where(secured, -0.3, 0.6), -0.7],
        default=0.0,
    )
    edge = np.abs(c["age"] - 42.0) / 20.0
    risk += 0.9 * np.clip(edge, 0.0, 1.4) ** 2
    ends_after = c["age"] + c["tenure_months"] / 12.0 > 66
    risk += np.where(ends_after & ~c["has_co_applicant"], 1.6, 0.0)
    hidden = absent["savings"] & ~secured
    return risk + 0.9 * hidden - np.where(c["has_co_applicant"], 0.35, 0.0)


def draw(count: int, rng: Rng) -> tuple[Columns, dict[str, NDArray[np.bool_]], Floats]:
    """``count`` applications: columns, which values are absent, and the true chance of default."""
    people = _people(count, rng)
    columns = {**people, **_loan(people, rng), **_record(people, rng)}
    absent = _absent(columns, rng)
    tale = 0.7 * _burden(columns) + 1.2 * (_history(columns, absent) + _work(columns, absent))
    chance = 1.0 / (1.0 + np.exp(-(1.3 * tale - 5.1)))
    return columns, absent, chance
