"""A conservative rule for payments: whatever is far from the account's habits is held up."""

from inference.fallback.rule import Rules, flag, needed, number
from inference.models import Answer, Row

# Night hours in India, in which few pay and much is stolen.
NIGHT = range(5)
LARGE_AT_NIGHT, LARGE_ANYWHERE = 50_000, 400_000
TIMES_USUAL, SHARE_OF_BALANCE = 25, 0.8
MOST_FAILED, MOST_AN_HOUR = 3, 15
KILOMETRES_AN_HOUR = 900
NUMBERS = (
    "usual_amount", "balance_before", "failed_attempts_24h", "transactions_1h", "km_from_last",
    "minutes_since_last",
)  # fmt: skip
FLAGS = ("new_payee", "new_device")
FOUND, QUIET, CONFIDENCE = 0.75, 0.25, 0.75


def _answer(row: Row) -> Answer:
    amount, hour = needed(row, "amount"), needed(row, "hour")
    usual, balance, failed, rapid, km, minutes = (number(row, field) for field in NUMBERS)
    payee, device = (flag(row, field) for field in FLAGS)
    stranger = bool(payee or device)
    alarms = (
        amount >= (LARGE_AT_NIGHT if hour in NIGHT else LARGE_ANYWHERE),
        stranger and balance is not None and amount > SHARE_OF_BALANCE * balance,
        stranger and usual is not None and amount > TIMES_USUAL * usual,
        (failed or 0) >= MOST_FAILED,
        (rapid or 0) >= MOST_AN_HOUR,
        # Nobody travels so fast: the card is in two places.
        km is not None and minutes is not None and km > 50
        and km > KILOMETRES_AN_HOUR * minutes / 60,
    )  # fmt: skip
    found = any(alarms)
    return {
        "is_anomaly": found,
        "score": FOUND if found else QUIET,
        "confidence": CONFIDENCE,
        "found_by": "known" if found else None,
    }


def _check(row: Row) -> None:
    needed(row, "amount")
    needed(row, "hour")
    for field in NUMBERS:
        number(row, field)
    for field in FLAGS:
        flag(row, field)


RULES = Rules(_check, _answer, {"amount": 450, "hour": 13})
