"""Intents by their keywords, in English and in Hindi written with Latin or Devanagari letters."""

import re

from inference.fallback.rule import Rules, text
from inference.models import Answer, Row

# What is asked about, and the words that tell; an intent is sure only when several of its own
# words stand there, so each pattern weighs by itself.
KEYWORDS: dict[str, tuple[tuple[str, float], ...]] = {
    "loan_affordability": (
        (r"\b(afford|eligib\w+|qualify|borrow)\b", 2), (r"\bhow (big|much|large)\b.*\bloan\b", 2),
        (r"\bloan\b.*\b(le sakta|le sakti|mil sakta|milega)\b", 3), (r"\bloan\b|लोन", 1),
    ),
    "loan_status": (
        (r"\b(status|track|sanction\w*|disburs\w*|approved|rejected)\b", 2),
        (r"\bloan\b.*\b(application|request|file)\b", 2), (r"\bloan\b", 1),
    ),
    "emi_due_date": (
        (r"\b(emi|instal?ment)\b.*\b(due|date|kab|next|when)\b", 3),
        (r"\b(when|kab|due|next)\b.*\b(emi|instal?ment)\b", 3), (r"\bemi\b", 1),
    ),
    "emi_calculation": (
        (r"\b(calculate|compute|work out|what will|kitni|kitna)\b.*\bemi\b", 4),
        (r"\bemi\b.*\b(for|of|on)\b.*\d", 2), (r"\bemi\b", 1),
    ),
    "loan_prepayment": (
        (r"\b(prepay\w*|pre-pay\w*|foreclos\w*|part payment|pay off|close)\b", 3),
        (r"\bloan\b", 1),
    ),
    "spending_analysis": (
        (r"\b(spen[dt]\w*|expense\w*|kharch\w*|kharcha)\b|खर्च", 2),
        (r"\bwhere\b.*\bmoney\b.*\b(go|going|went)\b", 4), (r"पैसा कहाँ", 3),
    ),
    "budget_setup": ((r"\b(budget|spending limit)\b|बजट", 3), (r"\b(set|create|make|plan)\b", 0.5)),
    "account_balance": ((r"\b(balance|kitna paisa|how much money)\b|बैलेंस|शेष", 3),),
    "transaction_history": (
        (r"\b(transactions?|statement|history|passbook|len den)\b", 3), (r"\b(show|list)\b", 0.5),
    ),
    "fund_transfer": (
        (r"\b(transfer|send|bhej\w*|neft|imps|rtgs)\b|भेज", 3), (r"\bto\b.*\baccount\b", 1),
    ),
    "bill_payment": (
        (r"\b(bill|recharge|postpaid|electricity|broadband|dth|fastag|premium)\b|बिल", 2),
        (r"\bpay\b|\bbhar\b", 1),
    ),
    "retirement_planning": ((r"\b(retire\w*|pension|nps|old age|budhap\w*)\b|रिटायर", 4),),
    "start_investment": (
        (r"\b(invest|start|begin|open|buy)\b", 1),
        (r"\b(sips?|fds?|mutual funds?|fixed deposit|ppf|index fund|gold bonds?|shares?)\b", 2),
    ),
    "withdraw_investment": (
        (r"\b(withdraw|redeem|break|encash|liquidate|nikal\w*|tod\w*)\b", 3),
        (r"\b(sips?|fds?|mutual funds?|fixed deposit|ppf|funds?|investments?)\b", 1.5),
    ),
    "investment_performance": (
        (r"\b(returns?|perform\w*|nav|portfolio|growth|profit)\b", 2.5),
        (r"\b(sips?|mutual funds?|funds?|investments?|portfolio)\b", 1),
    ),
    "tax_saving": (
        (r"\btax\b.*\bsav\w*|\bsav\w*.*\btax\b|\btax bach\w*", 4), (r"\b(80c|elss|hra)\b", 2),
    ),
    "tax_filing": (
        (r"\b(itr|file|filing|return|refund|form 16)\b", 1.5), (r"\btax(es)?\b|\bitr\b", 2),
    ),
    "credit_score": ((r"\b(cibil|credit score|credit report|experian)\b|सिबिल", 4),),
    "report_fraud": (
        (r"\b(fraud\w*|scam\w*|stolen|hack\w*|unauthori[sz]ed|did not (do|make)|block)\b|धोखा", 4),
        (r"\b(card|transaction|otp)\b", 0.5),
    ),
    "kyc_update": (
        (r"\b(kyc|aadhaa?r|pan card|update my (address|phone|mobile|email|name))\b|केवाईसी", 4),
    ),
}  # fmt: skip
PATTERNS = {
    name: [(re.compile(pattern), weight) for pattern, weight in found]
    for name, found in KEYWORDS.items()
}
ELSEWHERE = "out_of_scope"
ALTERNATIVES = 3
# One telling word is weak evidence, and no number of words makes a rule as sure as a model.
ENOUGH, SUREST = 2.0, 0.8


def _answer(row: Row) -> Answer:
    query = text(row, "query").casefold()
    points = {
        name: sum(weight for pattern, weight in found if pattern.search(query))
        for name, found in PATTERNS.items()
    }
    ranked = sorted(points, key=lambda name: -points[name])
    best = points[ranked[0]]
    if best < ENOUGH:
        ranked.insert(0, ELSEWHERE)
        points[ELSEWHERE] = ENOUGH - best
    total = sum(points.values()) + 1.0
    named = [
        {"intent": name, "confidence": round(min(SUREST, points[name] / total), 4)}
        for name in ranked[: ALTERNATIVES + 1]
    ]
    return {**named[0], "alternatives": named[1:]}


def _check(row: Row) -> None:
    text(row, "query")


RULES = Rules(_check, _answer, {"query": "Can I afford a loan?"})
