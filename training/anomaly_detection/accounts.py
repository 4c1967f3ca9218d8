"""Made-up accounts and the ordinary payments made from them, odd but honest ones among them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.anomaly_detection.fields import CATEGORIES

Rng = np.random.Generator
Columns = dict[str, NDArray[Any]]

# Share of payments, median size in usual amounts, and the busiest hour.
HABITS = {
    "groceries": (0.20, 1.2, 12), "food": (0.17, 0.6, 19), "fuel": (0.07, 1.5, 9),
    "shopping": (0.13, 2.5, 16), "electronics": (0.03, 14.0, 16), "travel": (0.04, 9.0, 11),
    "utilities": (0.08, 2.0, 11), "rent": (0.03, 28.0, 10), "education": (0.02, 25.0, 11),
    "health": (0.05, 2.5, 12), "jewellery": (0.01, 45.0, 15), "entertainment": (0.05, 0.8, 20),
    "transfer": (0.07, 4.0, 14), "cash": (0.06, 5.0, 12), "investment": (0.03, 12.0, 11),
    "gaming": (0.02, 0.7, 21),
}  # fmt: skip
BY_BANK = ("rent", "education", "transfer", "investment")
NIGHT_SHIFT_HOURS = 10
DAY_MINUTES = 1_440.0


def open_accounts(count: int, rng: Rng) -> Columns:
    """Accounts: income and usual amount in ₹, habits, and age in days."""
    income = 45_000 * np.exp(0.6 * rng.normal(size=count))
    young = rng.random(count) < 0.08
    return {
        "income": income,
        "usual": income * 0.011 * np.exp(0.35 * rng.normal(size=count)),
        "shift": np.where(rng.random(count) < 0.07, NIGHT_SHIFT_HOURS, 0),
        "card_share": rng.beta(1.5, 3.0, count),
        "gap_minutes": DAY_MINUTES * np.exp(0.6 * rng.normal(size=count)),
        "age": np.where(young, rng.integers(5, 120, count), rng.integers(120, 5_000, count)),
    }


def _hours(busiest: NDArray[Any], shift: NDArray[Any], rng: Rng) -> Columns:
    """The hour, and the share of the account's payments that fall into it."""
    count = len(busiest)
    distance = np.round(rng.normal(0, 3.2, count))
    anytime = rng.random(count) < 0.02
    distance = np.where(anytime, rng.integers(-12, 12, count), distance)
    share = 0.075 * np.exp(-((distance / 5.5) ** 2)) * np.exp(0.35 * rng.normal(size=count))
    return {"hour": (busiest + shift + distance) % 24, "share_at_hour": share}


def _channels(category: NDArray[Any], card_share: NDArray[Any], rng: Rng) -> NDArray[Any]:
    count = len(category)
    bank = rng.choice(("upi", "netbanking", "neft"), size=count, p=(0.6, 0.25, 0.15))
    shop = np.where(rng.random(count) < card_share, "card", "upi")
    found = np.where(np.isin(category, BY_BANK), bank, shop)
    return np.where(category == "cash", "atm", found)


def _pace(gap: NDArray[Any], rng: Rng) -> Columns:
    """When and where the payment before was made; nobody honest outruns an aeroplane."""
    count = len(gap)
    minutes = rng.exponential(gap)
    spree = rng.random(count) < 0.05
    minutes = np.where(spree, rng.uniform(1, 20, count), minutes)
    many = np.where(spree, rng.integers(2, 9, count), rng.poisson(0.25, count))
    km = rng.exponential(4.0, count)
    trip = rng.random(count) < 0.05
    far = np.exp(rng.uniform(np.log(80), np.log(9_000), count))
    speed = np.where(far > 500, rng.uniform(300, 780, count), rng.uniform(35, 90, count))
    asleep = rng.random(count) < 0.008
    minutes = np.where(asleep, rng.uniform(90, 400, count) * DAY_MINUTES, minutes)
    return {
        "minutes_since_last": np.where(trip, np.maximum(minutes, far / speed * 60), minutes),
        "km_from_last": np.where(trip, far, km),
        "transactions_1h": np.where(trip | asleep, 0, many),
    }


def pay(accounts: Columns, own: NDArray[Any], rng: Rng) -> Columns:
    """One payment for each account index in ``own``; some look odd and are honest all the same."""
    of = {name: values[own] for name, values in accounts.items()}
    count = len(own)
    shares = np.array([habit[0] for habit in HABITS.values()])
    place = rng.choice(len(CATEGORIES), size=count, p=shares / shares.sum())
    size = np.array([habit[1] for habit in HABITS.values()])[place]
    busiest = np.array([habit[2] for habit in HABITS.values()])[place]
    category = np.array(CATEGORIES)[place]
    large = np.where(rng.random(count) < 0.02, rng.uniform(4, 15, count), 1.0)
    amount = of["usual"] * size * large * np.exp(0.6 * rng.normal(size=count))
    amount = np.minimum(amount, of["income"] * 6)
    balance = of["income"] * np.exp(0.8 * rng.normal(size=count))
    pace = _pace(of["gap_minutes"], rng)
    before = of["usual"] * rng.gamma(0.9, 2.0, count) * (rng.random(count) < 0.75)
    return {
        "amount": amount,
        **_hours(busiest, of["shift"], rng),
        "merchant_category": category,
        "channel": _channels(category, of["card_share"], rng),
        "usual_amount": of["usual"] * np.exp(0.15 * rng.normal(size=count)),
        # The account holds what is paid; to spend nearly all of it is rare and honest.
        "balance_before": np.maximum(balance, amount * (1 + rng.exponential(1.5, count))),
        "spent_24h": before + pace["transactions_1h"] * of["usual"] * rng.uniform(0.4, 1.5, count),
        **pace,
        "failed_attempts_24h": rng.poisson(np.where(rng.random(count) < 0.03, 2.0, 0.05)),
        "new_payee": rng.random(count) < np.where(np.isin(category, BY_BANK), 0.25, 0.15),
        "new_device": rng.random(count) < 0.03,
        "account_age_days": of["age"] + rng.integers(0, 60, count),
    }
