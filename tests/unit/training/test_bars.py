"""Full trainings of three seeds: every bar is met, and every validation query answered right."""

from importlib import import_module
from typing import Any

import pytest

from backend_api import catalog as catalogs
from backend_api.rules.validation import Answered, verdict
from ops.settings import PROJECT
from training import catalogue, gates, serving
from training.datasets import DEFAULT_SEED
from training.pipeline import Candidate


def trained(model: str, seed: int) -> Candidate:
    data, train = (import_module(f"training.{model}.{part}") for part in ("data", "train"))
    candidate: Candidate = train.build(data.generated(seed=seed), seed, quick=False)
    return candidate


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [DEFAULT_SEED, 1, 7])
@pytest.mark.parametrize("model", serving.MODELS)
def test_bars_and_validation(model: str, seed: int) -> None:
    candidate = trained(model, seed)
    judged = gates.evaluate(catalogue.criteria(model), candidate.metrics)
    assert [one.sentence for one in judged if not one.passed] == []
    plan = catalogs.load(PROJECT / "models.yaml").get(model).validation
    handler = candidate.handler()
    answers: list[list[Answered]] = []
    for case in plan.cases:
        handler.validate(case.request)
        body: dict[str, Any] = candidate.answers([case.request])[0]
        answers.append([Answered(200, body, 1.0)])
    passed, detail = verdict(plan, answers)
    assert passed, detail["sentence"]
