"""What ``models.yaml`` says about a model, as far as serving needs it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError

from shared.privacy import Rule

# The field that routing splits by, where a model has no entry of its own.
ENTITY_KEY = "user_id"


class CatalogueError(RuntimeError):
    """models.yaml cannot be used; the message says what to do."""


class Kept(BaseModel):
    """Fields of requests and answers that the prediction log does not hold whole."""

    log: dict[str, Rule] = {}


class Entry(BaseModel):
    """One model: ``endpoint`` is ``/predict/NAME``, ``example`` a request that it answers."""

    title: str
    description: str = ""
    endpoint: str
    entity_key: str = ENTITY_KEY
    response_cache: int = Field(default=0, ge=0, le=100_000)
    fallback: Literal["automatic", "manual", "none"] = "none"
    threads: int = Field(1, ge=1, le=64)
    validation: dict[str, Any] = {}
    privacy: Kept = Kept()

    @property
    def alias(self) -> str:
        """The last part of the endpoint."""
        return self.endpoint.rsplit("/", 1)[-1]

    @property
    def example(self) -> dict[str, Any]:
        """A request from the validation suite, empty if there is none."""
        cases = self.validation.get("cases") or [{}]
        return dict(cases[0].get("request", {}))


class _File(BaseModel):
    models: dict[str, Entry]


def load(path: Path) -> dict[str, Entry]:
    """Entries by model name.

    Raises:
        CatalogueError: the file is missing or says something it cannot.
    """
    try:
        return _File.model_validate(
            yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
        ).models
    except OSError as error:
        raise CatalogueError(
            f"{path} cannot be read: {error.strerror}. Set MODELS_FILE."
        ) from error
    except (yaml.YAMLError, ValidationError) as error:
        raise CatalogueError(f"{path} is not a valid catalogue: {error}") from error


def entity_key(entries: Mapping[str, Entry], model: str) -> str:
    """The field of a model's requests that routing splits by."""
    return entries[model].entity_key if model in entries else ENTITY_KEY


def threads(entries: Mapping[str, Entry], model: str) -> int:
    """Threads of ONNX Runtime for one answer of a model, in one worker."""
    return entries[model].threads if model in entries else 1
