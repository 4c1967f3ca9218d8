"""What goes wrong with accounts: each kind turns ordinary payments into anomalies.

Each sign alone, and most pairs of them, are found among honest payments too.
"""

from collections.abc import Callable

import numpy as np

from training.anomaly_detection.accounts import DAY_MINUTES, Columns, Rng


def _size(columns: Columns) -> int:
    return len(columns["amount"])


def takeover(columns: Columns, rng: Rng) -> Columns:
    """A stranger's device empties the account towards a payee of his own."""
    count = _size(columns)
    return {
        "merchant_category": np.full(count, "transfer"),
        "channel": rng.choice(("upi", "netbanking", "neft"), size=count),
        "amount": columns["balance_before"] * rng.uniform(0.6, 0.99, count),
        "new_device": np.full(count, True),
        "new_payee": np.full(count, True),
        "failed_attempts_24h": rng.poisson(0.8, count),
    }


def card_testing(columns: Columns, rng: Rng) -> Columns:
    """Stolen card numbers are tried with tiny payments in quick succession."""
    count = _size(columns)
    return {
        "merchant_category": rng.choice(("shopping", "gaming", "entertainment"), size=count),
        "channel": np.full(count, "card"),
        "amount": rng.uniform(1, 40, count),
        "transactions_1h": rng.integers(5, 20, count),
        "minutes_since_last": rng.uniform(0.1, 4, count),
        "spent_24h": columns["spent_24h"] + rng.uniform(20, 400, count),
        "new_payee": np.full(count, True),
    }


def impossible_travel(columns: Columns, rng: Rng) -> Columns:
    """The card is used in a place that its holder cannot have reached."""
    count = _size(columns)
    km = np.exp(rng.uniform(np.log(400), np.log(12_000), count))
    speed = np.exp(rng.uniform(np.log(2_000), np.log(30_000), count))
    return {
        "merchant_category": rng.choice(("cash", "shopping", "electronics", "travel"), size=count),
        "channel": np.full(count, "card"),
        "km_from_last": km,
        "minutes_since_last": km / speed * 60,
        "amount": columns["usual_amount"] * np.exp(rng.uniform(0.5, 3.5, count)),
    }


def odd_spend(columns: Columns, rng: Rng) -> Columns:
    """Far too much, for what such an account never buys at an hour when it sleeps."""
    count = _size(columns)
    return {
        "merchant_category": rng.choice(("electronics", "jewellery", "gaming"), size=count),
        "channel": rng.choice(("card", "netbanking"), size=count),
        "amount": 60_000 + columns["usual_amount"] * np.exp(rng.uniform(4.0, 6.0, count)),
        "hour": rng.integers(1, 5, count),
        "share_at_hour": rng.uniform(0.0, 0.004, count),
    }


def cash_out(columns: Columns, rng: Rng) -> Columns:
    """One withdrawal after the other with a PIN that was guessed."""
    count = _size(columns)
    drawn = rng.integers(2, 7, count)
    return {
        "merchant_category": np.full(count, "cash"),
        "channel": np.full(count, "atm"),
        "amount": rng.choice((9_500.0, 10_000.0, 15_000.0, 20_000.0), size=count),
        "transactions_1h": drawn,
        "minutes_since_last": rng.uniform(1, 12, count),
        "spent_24h": columns["spent_24h"] + drawn * rng.uniform(8_000, 12_000, count),
        "failed_attempts_24h": rng.integers(2, 6, count),
    }


def mule(columns: Columns, rng: Rng) -> Columns:
    """A new account passes on at once what it was sent."""
    count = _size(columns)
    arrived = columns["usual_amount"] * np.exp(rng.uniform(3.5, 5.5, count))
    return {
        "merchant_category": np.full(count, "transfer"),
        "channel": rng.choice(("upi", "neft", "netbanking"), size=count),
        "balance_before": arrived,
        "amount": arrived * rng.uniform(0.88, 1.0, count),
        "account_age_days": rng.integers(2, 75, count),
        "minutes_since_last": rng.uniform(0.5, 30, count),
        "new_payee": np.full(count, True),
    }


def awakened(columns: Columns, rng: Rng) -> Columns:
    """An account asleep for months sends most of its money from a new device."""
    count = _size(columns)
    return {
        "merchant_category": np.full(count, "investment"),
        "channel": np.full(count, "netbanking"),
        "minutes_since_last": rng.uniform(180, 700, count) * DAY_MINUTES,
        "transactions_1h": np.zeros(count, dtype=int),
        "spent_24h": np.zeros(count),
        "amount": columns["balance_before"] * rng.uniform(0.7, 1.0, count),
        "new_device": np.full(count, True),
        "failed_attempts_24h": rng.integers(1, 5, count),
    }


KINDS: dict[str, Callable[[Columns, Rng], Columns]] = {
    "takeover": takeover,
    "card_testing": card_testing,
    "impossible_travel": impossible_travel,
    "odd_spend": odd_spend,
    "cash_out": cash_out,
    "mule": mule,
    "awakened": awakened,
}
# Never in the training split: what is new is found by being strange, and not by being known.
UNSEEN = "awakened"
# Kinds that show in the transaction itself, without the account's history.
PLAIN = "odd_spend"
