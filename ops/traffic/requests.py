"""What users ask: requests of the training generators' test split, sent by many users."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from training.anomaly_detection import data as payments
from training.credit_risk import data as households
from training.financial_ner import data as sentences
from training.intent_classifier import data as questions

ROWS = 2_000
USERS = 5_000

Request = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """One request to one model."""

    model: str
    body: Request


def _intent(seed: int) -> list[Request]:
    return [{"query": row.text} for row in questions.generated(ROWS, seed).test]


def _entities(seed: int) -> list[Request]:
    return [{"text": row.text} for row in sentences.generated(ROWS, seed).test]


def _credit(seed: int) -> list[Request]:
    table = households.generated(ROWS, seed)
    return table.requests(table.dataset.test)


def _payments(seed: int) -> list[Request]:
    table = payments.generated(ROWS, seed)
    return table.requests(table.dataset.test)


SOURCES = {
    "intent_classifier": _intent,
    "financial_ner": _entities,
    "credit_risk": _credit,
    "anomaly_detection": _payments,
}
# Everybody types and pays all day; few ask for a loan.
SHARES = {
    "intent_classifier": 0.4, "financial_ner": 0.25, "credit_risk": 0.1, "anomaly_detection": 0.25,
}  # fmt: skip


class Crowd:
    """Users with their requests; the same seed asks the same."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._pools = {model: source(seed) for model, source in SOURCES.items()}

    def ask(self, models: list[str]) -> Asked:
        """Somebody's next request to one of the models that are served."""
        known = [model for model in models if model in self._pools]
        model = self._rng.choices(known, [SHARES[name] for name in known])[0]
        # Some users ask much and most little, but none so much that a split by user would lean.
        user = int(USERS * self._rng.random() ** 2)
        body = self._rng.choice(self._pools[model])
        return Asked(model, {**body, "user_id": f"u{user:05d}"})

    def gaps(self, rate: float) -> Iterator[float]:
        """Seconds between one request and the next: users do not wait for each other."""
        while True:
            yield self._rng.expovariate(rate)
