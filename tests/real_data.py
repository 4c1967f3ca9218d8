"""Public data as log records of a served model, and what may happen to it in the world.

The data lie beside the project, not in it: without them tests that ask for them are left out.
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data"
wanted = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the public data sets are not beside this project"
)

Row = dict[str, Any]
# Five of the 20 attributes are numbers whose size means something.
NUMBERS = ("duration_months", "credit_amount", "age_years", "installment_rate", "existing_credits")
# CLINC150 asks a bank and the issuer of cards: two domains. This is what belongs to the second.
CARDS = frozenset({
    "replacement_card_duration", "expiration_date", "damaged_card", "improve_credit_score",
    "report_lost_card", "card_declined", "credit_limit_change", "apr", "redeem_rewards",
    "credit_limit", "rewards_balance", "application_status", "credit_score", "new_card",
    "international_fees",
})  # fmt: skip


@cache
def credit() -> tuple[Row, ...]:
    """1,000 applications of the Statlog German credit data, without their outcome."""
    with (FOLDER / "german_credit.csv").open() as file:
        rows = list(csv.DictReader(file))
    return tuple(
        {k: int(v) if k in NUMBERS or k == "default" else v for k, v in row.items()} for row in rows
    )


@dataclass(frozen=True)
class CreditModel:
    """A logistic regression on the applications: default or not, with its probability."""

    columns: tuple[str, ...]
    encoder: Any
    scaler: Any
    model: Any

    def log(self, rows: Sequence[Row]) -> list[Row]:
        """What the prediction log would hold of these applications."""
        risk = self.model.predict_proba(self._matrix(rows))[:, 1]
        return [
            {"input": {k: v for k, v in row.items() if k != "default"},
             "output": {"decision": "reject" if p > 0.4 else "accept", "risk": float(p)}}
            for row, p in zip(rows, risk, strict=True)
        ]  # fmt: skip

    def _matrix(self, rows: Sequence[Row]) -> Any:
        words = self.encoder.transform([[row[c] for c in self.columns] for row in rows])
        sizes = self.scaler.transform([[row[c] or 0 for c in NUMBERS] for row in rows])
        return np.hstack([words, sizes])


@cache
def credit_model() -> CreditModel:
    """Trained on all of them: what is tested is drift, and not how good it is."""
    rows = credit()
    columns = tuple(c for c in rows[0] if c not in NUMBERS and c != "default")
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    encoder.fit([[row[c] for c in columns] for row in rows])
    scaler = StandardScaler().fit([[row[c] for c in NUMBERS] for row in rows])
    made = CreditModel(columns, encoder, scaler, LogisticRegression(C=0.1, max_iter=500))
    made.model.fit(made._matrix(rows), [row["default"] for row in rows])
    return made


def shifted(rows: Sequence[Row], amount: float, years: int) -> list[Row]:
    """Dearer credits to older people."""
    return [
        {**row, "credit_amount": round(row["credit_amount"] * amount),
         "age_years": min(row["age_years"] + years, 90)}
        for row in rows
    ]  # fmt: skip


@cache
def clinc() -> tuple[Row, ...]:
    """4,800 questions of CLINC150's finance domains: text, intent and split."""
    return tuple(json.loads((FOLDER / "clinc150_finance.json").read_text()))


@cache
def intent_model() -> Any:
    """Bag of words and logistic regression, trained on the training split."""
    rows = [row for row in clinc() if row["split"] == "train"]
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2), LogisticRegression(C=20, max_iter=300)
    )
    return model.fit([row["text"] for row in rows], [row["intent"] for row in rows])


def asked(texts: Sequence[str]) -> list[Row]:
    """What the prediction log would hold of these questions."""
    likely = intent_model().predict_proba(texts)
    names = intent_model().classes_
    return [
        {"input": {"query": text},
         "output": {"intent": str(names[p.argmax()]), "confidence": float(p.max())}}
        for text, p in zip(texts, likely, strict=True)
    ]  # fmt: skip
