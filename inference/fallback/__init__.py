"""Rule-based answers, for when no version can answer or none should. Pure: no I/O, no clock."""

from inference.fallback import anomaly, credit, entities, intent
from inference.fallback.rule import Rules

RULES: dict[str, Rules] = {
    "intent_classifier": intent.RULES,
    "financial_ner": entities.RULES,
    "credit_risk": credit.RULES,
    "anomaly_detection": anomaly.RULES,
}
