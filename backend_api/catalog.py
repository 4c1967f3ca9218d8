"""models.yaml: what a model must reach, how it is tried, and how it is rolled out."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from backend_api.errors import BadRequest, NotFound
from backend_api.states import IncidentKind
from shared.privacy import Rule


class Entry(BaseModel):
    """Base of all entries: a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CriterionRule(Entry):
    """``metric op value``, for instance ``accuracy > 0.99``."""

    metric: str
    op: Literal[">", "<", ">=", "<="]
    value: float
    label: str


class ValidationCase(Entry):
    """A request whose answer is known: every key of ``expect`` must be in the answer."""

    request: dict[str, Any]
    expect: dict[str, Any]


class ValidationPlan(Entry):
    """What a staged version is asked before it may serve anybody."""

    confidence_floor: float = 0.7
    p95_limit_ms: float = 200.0
    cases: list[ValidationCase] = Field(min_length=1)


class RolloutPlan(Entry):
    """Shares in per cent, the hours each is compared, and requests each arm must have answered.

    ``output`` names the field of an answer whose distribution is compared; of a list its length
    is. After ``patience_hours`` without anything to compare the share goes back. ``on_bad`` says
    whether a verdict against the canary rolls it back or only holds it.
    """

    steps: list[Annotated[int, Field(ge=1, le=100)]] = [10, 50, 100]
    hours: float = Field(24, gt=0)
    min_requests: int = Field(1000, ge=1)
    output: str | None = None
    patience_hours: float = Field(24, gt=0)
    on_bad: Literal["roll_back", "hold"] = "roll_back"


class Slo(Entry):
    """Shares (0..1) of requests over ``days``: answered without an error, and within 0.2 s."""

    errors: float = Field(0.999, gt=0, lt=1)
    fast: float = Field(0.95, gt=0, lt=1)
    days: int = Field(30, ge=2, le=90)


class Privacy(Entry):
    """Fields that are not kept whole: hashed with a key, or dropped.

    ``log`` is about what the prediction log holds, ``export`` about what leaves it besides. A field
    of an answer is named with ``output.`` before it.
    """

    log: dict[str, Rule] = {}
    export: dict[str, Rule] = {}


class AccuracyPlan(Entry):
    """What a label is compared with, and how often it must agree (0..1).

    ``output`` is a field of an answer. With ``cut`` that field is a number, and a label says true
    or false: whether the number should have reached it. A day counts once ``mature`` of its
    predictions are labelled. ``metric`` names the version's metric that a drop is measured from;
    without it, that is what labels showed before. ``days`` are looked at for a drop.
    """

    output: str
    objective: float = Field(gt=0, lt=1)
    cut: float | None = None
    mature: float = Field(0.1, ge=0, le=1)
    metric: str | None = None
    days: int = Field(7, ge=1, le=30)


class RetrainingPlan(Entry):
    """Kinds of incidents ``on`` which a candidate is ordered without anybody's click.

    Once per incident, trained on the labelled answers of the last ``days``. It is promoted by
    people, like any other. As it comes, people order it too.
    """

    on: list[IncidentKind] = []
    days: int = Field(30, ge=1, le=366)


class ModelEntry(Entry):
    """One model."""

    title: str
    description: str = ""
    task: str
    endpoint: str
    entity_key: str = "user_id"
    response_cache: int = Field(default=0, ge=0, le=100_000)
    # Threads of ONNX Runtime for one answer, in one worker of inference.
    threads: int = Field(1, ge=1, le=64)
    fallback: Literal["automatic", "manual", "none"] = "none"
    criteria: list[CriterionRule] = Field(min_length=1)
    validation: ValidationPlan
    rollout: RolloutPlan = RolloutPlan()
    slo: Slo = Slo()
    accuracy: AccuracyPlan | None = None
    retraining: RetrainingPlan = RetrainingPlan()
    privacy: Privacy = Privacy()

    @model_validator(mode="after")
    def _compared_are_kept(self) -> Self:
        """What is compared must be in the log: a hash is neither a label nor a number."""
        compared = {self.rollout.output, self.accuracy.output if self.accuracy else None}
        lost = {f"output.{name}" for name in compared if name} & {
            name for name, rule in self.privacy.log.items() if rule != "keep"
        }
        if lost:
            raise ValueError(f"{min(lost)} is compared by rollout or accuracy, so it must be kept")
        return self


class Catalog(Entry):
    """All models by name."""

    models: dict[str, ModelEntry]

    def get(self, name: str) -> ModelEntry:
        """The entry of a model.

        Raises:
            NotFound: no such model; the message lists the known ones.
        """
        if name not in self.models:
            raise NotFound(
                f"There is no model {name!r}.",
                f"Known models: {', '.join(sorted(self.models))}. Another one needs an entry in"
                " models.yaml first; then restart backend, worker and inference.",
            )
        return self.models[name]


def load(path: Path) -> Catalog:
    """Read models.yaml.

    Raises:
        BadRequest: the file is missing or says something it cannot; the message names the place.
    """
    try:
        return Catalog.model_validate(yaml.load(path.read_text(), yaml.CSafeLoader))
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}.", "Set MODELS_FILE.") from error
    except (yaml.YAMLError, ValidationError) as error:
        raise BadRequest(f"{path} is not a valid catalogue: {error}", "Mend the file.") from error
