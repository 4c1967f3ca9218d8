"""What is known of a transaction, and of its account, when it is made."""

from training.tabular import Feature

CRORE = 10_000_000.0
HALF_YEAR_MINUTES = 260_000.0

CATEGORIES = (
    "groceries", "food", "fuel", "shopping", "electronics", "travel", "utilities", "rent",
    "education", "health", "jewellery", "entertainment", "transfer", "cash", "investment", "gaming",
)  # fmt: skip
CHANNELS = ("upi", "card", "netbanking", "neft", "atm")

# All that is optional comes from the account's history; it is absent when that is not known.
FIELDS = (
    Feature("amount", "number", "₹", 1, 5 * CRORE, log=True),
    Feature("hour", "slot", "hour of the day in India", 0, 23),
    Feature("merchant_category", "category", categories=CATEGORIES),
    Feature("channel", "category", categories=CHANNELS),
    Feature("usual_amount", "number", "₹, median of the account in 90 days", 0, CRORE,
            optional=True, log=True),
    Feature("share_at_hour", "number", "share of the account's payments made at this hour", 0, 1,
            optional=True),
    Feature("balance_before", "number", "₹", 0, 50 * CRORE, optional=True, log=True),
    Feature("spent_24h", "number", "₹ in the 24 hours before", 0, 5 * CRORE,
            optional=True, log=True),
    Feature("transactions_1h", "whole", "payments in the hour before", 0, 500,
            optional=True, log=True),
    Feature("minutes_since_last", "number", "since the payment before", 0, 3_000_000,
            optional=True, log=True),
    Feature("km_from_last", "number", "km from the payment before", 0, 20_100,
            optional=True, log=True),
    Feature("failed_attempts_24h", "whole", "wrong PINs and passwords", 0, 100,
            optional=True, log=True),
    Feature("new_payee", "flag", "first payment to this payee", optional=True),
    Feature("new_device", "flag", "first payment from this device", optional=True),
    Feature("account_age_days", "whole", "days", 0, 40_000, optional=True, log=True),
)  # fmt: skip
