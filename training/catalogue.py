"""What ``models.yaml`` says about a model, as far as training needs it."""

import os
from pathlib import Path
from typing import Any

import yaml

from training.gates import Criterion

CATALOGUE = Path(
    os.environ.get("MODELS_FILE") or Path(__file__).resolve().parents[1] / "models.yaml"
)


def entry(model_name: str, path: Path = CATALOGUE) -> dict[str, Any]:
    """The part of the catalogue about one model; ``KeyError`` when it has none."""
    models: dict[str, dict[str, Any]] = yaml.load(
        path.read_text(encoding="utf-8"), yaml.CSafeLoader
    )["models"]
    return models[model_name]


def criteria(model_name: str, path: Path = CATALOGUE) -> list[Criterion]:
    """Acceptance criteria of a model, in the order of the catalogue."""
    return [Criterion(**bar) for bar in entry(model_name, path)["criteria"]]


def judged_output(model_name: str, path: Path = CATALOGUE) -> str | None:
    """The field of an answer that a label is compared with; None where the catalogue names none."""
    plan: dict[str, Any] = entry(model_name, path).get("accuracy") or {}
    return plan.get("output")


def validation_texts(model_name: str, field: str, path: Path = CATALOGUE) -> list[str]:
    """Texts sent to a staged version; training data must not contain them."""
    return [str(case["request"][field]) for case in entry(model_name, path)["validation"]["cases"]]
