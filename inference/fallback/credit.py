"""A conservative rule for applications: it never lets one through, and refers each to a person."""

from inference.fallback.rule import Rules, needed, number
from inference.models import Answer, Row

REFER = "A conservative rule, not a model: let a person decide on this application."
# Reserve Bank of India's usual yardstick for retail loans: obligations up to half of the income.
MOST_OF_INCOME = 0.5
LOWEST_SCORE, MOST_LATE, MOST_ENQUIRIES, MOST_USED = 650, 1, 5, 0.9
# Places within the bands of the model: ``high`` from 0.40, ``medium`` from 0.12.
PROBABILITY = {"high": 0.6, "medium": 0.3}
# A rule knows no more than which of two sides is likelier.
CONFIDENCE = 0.5
NEEDED = ("monthly_income", "proposed_emi", "existing_emis")
READ = ("credit_score", "delinquencies_24m", "enquiries_6m", "credit_utilisation")


def _answer(row: Row) -> Answer:
    income, emi, running = (needed(row, field) for field in NEEDED)
    score, late, enquiries, used = (number(row, field) for field in READ)
    # Whoever has no score has shown nothing yet: that is no reason for the worst band.
    alarms = (
        emi + running > MOST_OF_INCOME * income,
        score is not None and score < LOWEST_SCORE,
        (late or 0) > MOST_LATE,
        (enquiries or 0) > MOST_ENQUIRIES,
        (used or 0) > MOST_USED,
    )
    band = "high" if any(alarms) else "medium"
    return {
        "risk_band": band,
        "probability": PROBABILITY[band],
        "confidence": CONFIDENCE,
        "advice": REFER,
    }


def _check(row: Row) -> None:
    for field in NEEDED:
        needed(row, field)
    for field in READ:
        number(row, field)


RULES = Rules(
    _check, _answer, {"monthly_income": 62_000, "proposed_emi": 9_150, "existing_emis": 0}
)
