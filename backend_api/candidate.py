"""A model that is about to become a version: what its run and its artefact say about it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TrainingData:
    """What a run says it was trained on; ``digest`` is of the rows, ``rows`` their number."""

    name: str
    digest: str
    uri: str | None
    rows: int | None


@dataclass(frozen=True)
class Reference:
    """A document of ``shared.profile`` that its artefact holds, or why there is none to use."""

    document: dict[str, Any] | None
    problem: str | None = None


@dataclass(frozen=True)
class RegisteredVersion:
    """What MLflow and the artefact say about a new version."""

    mlflow_version: int
    run_id: str | None
    metrics: dict[str, float]
    artifact_uri: str
    artifact_digest: str
    input_schema: dict[str, Any] | None
    has_onnx: bool
    dataset: TrainingData | None
    reference: Reference
