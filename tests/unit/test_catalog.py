"""models.yaml."""

from pathlib import Path

import pytest

from backend_api.catalog import Catalog, load
from backend_api.errors import BadRequest, NotFound

# The runbook's acceptance criteria, chapter "Evaluate Model".
RUNBOOK = {
    "intent_classifier": {("accuracy", ">", 0.99), ("f1", ">", 0.95)},
    "credit_risk": {("auc_roc", ">", 0.85)},
    "anomaly_detection": {("fpr", "<", 0.01), ("detection_rate", ">", 0.95)},
}
QUERIES = {
    "Can I afford a ₹50L loan?",
    "Help me save for retirement",
    "Where is my money going?",
}


def test_the_runbooks_criteria_stand_in_the_catalogue(catalog: Catalog) -> None:
    for model, criteria in RUNBOOK.items():
        found = {(c.metric, c.op, c.value) for c in catalog.get(model).criteria}
        assert criteria <= found
    entities = [c for c in catalog.get("financial_ner").criteria if c.metric.startswith("f1_")]
    assert len(entities) >= 3
    assert {(c.op, c.value) for c in entities} == {(">", 0.9)}


def test_the_runbooks_queries_are_in_the_validation_suite(catalog: Catalog) -> None:
    plan = catalog.get("intent_classifier").validation
    assert {case.request["query"] for case in plan.cases} >= QUERIES
    assert plan.confidence_floor == 0.7
    assert plan.p95_limit_ms == 200


def test_an_unknown_model_is_answered_with_the_known_ones(catalog: Catalog) -> None:
    with pytest.raises(NotFound) as refused:
        catalog.get("intent")
    assert "intent_classifier" in refused.value.hint


@pytest.mark.parametrize("content", ["models: [", "models: {m: {title: x}}", "model: {}"])
def test_a_broken_file_is_refused_with_its_name(tmp_path: Path, content: str) -> None:
    file = tmp_path / "models.yaml"
    file.write_text(content)
    with pytest.raises(BadRequest, match=r"models\.yaml"):
        load(file)
