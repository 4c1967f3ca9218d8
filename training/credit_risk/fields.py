"""What an application for a household loan says."""

from training.tabular import Feature

CRORE = 10_000_000.0

FIELDS = (
    Feature("age", "whole", "years", 18, 75),
    Feature(
        "employment_type",
        "category",
        categories=(
            "government", "private", "professional", "business", "gig", "retired",
        ),
    ),
    Feature("years_employed", "number", "years in this work; absent when retired", 0, 55,
            optional=True),
    Feature("monthly_income", "number", "₹ a month after tax", 3_000, CRORE, log=True),
    Feature("city_tier", "category", categories=("tier_1", "tier_2", "tier_3", "rural")),
    Feature("residence", "category", categories=("owned", "family", "rented", "company")),
    Feature("dependants", "whole", "people", 0, 12),
    Feature(
        "loan_purpose",
        "category",
        categories=("home", "vehicle", "education", "gold", "personal", "medical", "wedding"),
    ),
    Feature("loan_amount", "number", "₹", 5_000, 20 * CRORE, log=True),
    Feature("tenure_months", "whole", "months", 3, 360, log=True),
    Feature("proposed_emi", "number", "₹ a month for this loan", 100, CRORE, log=True),
    Feature("existing_emis", "number", "₹ a month for all running loans", 0, CRORE, log=True),
    Feature("savings", "number", "₹ in deposits and funds; absent when not declared", 0,
            100 * CRORE, optional=True, log=True),
    Feature("credit_score", "whole", "bureau score; absent when new to credit", 300, 900,
            optional=True),
    Feature("credit_utilisation", "number", "share of card limits in use; absent without a card",
            0, 2, optional=True),
    Feature("delinquencies_24m", "whole", "payments late by 30 days or more in 24 months", 0, 24),
    Feature("months_since_delinquency", "whole", "months; absent when there was none", 0, 240,
            optional=True),
    Feature("enquiries_6m", "whole", "lenders that asked the bureau in 6 months", 0, 60),
    Feature("has_co_applicant", "flag"),
)  # fmt: skip
