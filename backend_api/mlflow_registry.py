"""The one file of the backend that speaks to MLflow: runs and artefacts in, the mirror out."""

import json
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# MLflow reads these when a call is made; its own defaults wait for minutes.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "8")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

from mlflow import MlflowClient, artifacts
from mlflow.exceptions import MlflowException

from backend_api.errors import BadRequest, NotFound, Unavailable
from backend_api.rules.mirror import ALIASES, STATUS_TAG, Picture
from shared.artifact import folder_digest

REQUEST_TAG = "nivesh.request_id"


@dataclass(frozen=True)
class RegisteredVersion:
    """What MLflow and the artefact say about a new version."""

    mlflow_version: int
    run_id: str | None
    metrics: dict[str, float]
    artifact_uri: str
    artifact_digest: str
    input_schema: dict[str, Any] | None
    dataset: dict[str, str] | None


@contextmanager
def _outages() -> Iterator[None]:
    """MLflow's errors as ours; its deprecation of stages is known and decided on (ADR 0003)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"):
            raise NotFound(f"MLflow knows no such thing: {error.message}") from error
        if error.error_code in ("INVALID_PARAMETER_VALUE", "BAD_REQUEST"):
            raise BadRequest(f"MLflow refused: {error.message}") from error
        raise Unavailable(
            "MLflow does not answer, so nothing was changed.", "Try again when it is back."
        ) from error


class MlflowRegistry:
    """A tracking server and its model registry."""

    def __init__(self, tracking_uri: str) -> None:
        self.tracking_uri = tracking_uri
        self._client = MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)

    def register(
        self, model: str, model_uri: str, request_id: str, description: str, tags: dict[str, str]
    ) -> RegisteredVersion:
        """Make a run's model an MLflow version, fetch it and digest it.

        A repeat with the same request id finds the version that it made before.

        Raises:
            BadRequest: the address is not ``runs:/RUN_ID/PATH`` or ``models:/ID``.
            NotFound: no such run or artefact.  Unavailable: MLflow does not answer.
        """
        if not model_uri.startswith(("runs:/", "models:/")):
            raise BadRequest(
                f"model_uri {model_uri!r} names no run's model.", "Give runs:/RUN_ID/model."
            )
        with _outages():
            self._ensure_model(model)
            found = self._find(model, request_id) or self._client.create_model_version(
                model,
                source=model_uri,
                run_id=_run_of(model_uri),
                tags={**tags, REQUEST_TAG: request_id},
                description=description,
            )
            run_id = found.run_id or _run_of(model_uri)
            metrics = dict(self._client.get_run(run_id).data.metrics) if run_id else {}
            uri = f"models:/{model}/{found.version}"
            digest, schema = self._inspect(uri)
        return RegisteredVersion(
            mlflow_version=int(found.version),
            run_id=run_id,
            metrics=metrics,
            artifact_uri=uri,
            artifact_digest=digest,
            input_schema=schema,
            dataset=self._dataset(run_id),
        )

    def _dataset(self, run_id: str | None) -> dict[str, str] | None:
        if run_id is None:
            return None
        with _outages():
            params = self._client.get_run(run_id).data.params
        digest = params.get("dataset_sha256") or params.get("dataset_digest")
        return (
            {"name": params.get("dataset", "training data"), "digest": digest} if digest else None
        )

    def _ensure_model(self, model: str) -> None:
        try:
            self._client.create_registered_model(model)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _find(self, model: str, request_id: str) -> Any:
        found = self._client.search_model_versions(
            f"name = '{model}' and tags.`{REQUEST_TAG}` = '{request_id}'", max_results=1
        )
        return found[0] if found else None

    def _inspect(self, uri: str) -> tuple[str, dict[str, Any] | None]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(
                artifacts.download_artifacts(
                    artifact_uri=uri, dst_path=folder, tracking_uri=self.tracking_uri
                )
            )
            digest = folder_digest(path)
            schema = path / "input_schema.json"
            return digest, json.loads(schema.read_text()) if schema.exists() else None

    def picture(self, model: str) -> Picture:
        """What MLflow says of a model now; empty if it has none of that name.

        Raises:
            Unavailable: MLflow does not answer.
        """
        try:
            with _outages():
                # search_model_versions gives no aliases (mlflow#9783), so they are read apart.
                aliases = self._client.get_registered_model(model).aliases
                versions = self._client.search_model_versions(f"name = '{model}'")
        except NotFound:
            return Picture({}, {}, {})
        return Picture(
            aliases={k: int(v) for k, v in dict(aliases).items() if k in ALIASES},
            stages={int(v.version): v.current_stage for v in versions},
            statuses={int(v.version): v.tags.get(STATUS_TAG, "") for v in versions},
        )

    def apply(self, model: str, want: Picture, seen: Picture) -> None:
        """Make MLflow say what was decided; safe to repeat.

        Raises:
            Unavailable: MLflow does not answer. NotFound: it lost one of our versions.
        """
        with _outages():
            for name in ALIASES:
                if name in want.aliases and seen.aliases.get(name) != want.aliases[name]:
                    self._client.set_registered_model_alias(model, name, str(want.aliases[name]))
                elif name not in want.aliases and name in seen.aliases:
                    self._client.delete_registered_model_alias(model, name)
            # Production last: MLflow's own reading takes the highest number in the stage.
            for version, stage in sorted(want.stages.items(), key=lambda i: i[1] == "Production"):
                if seen.stages.get(version) != stage:
                    self._client.transition_model_version_stage(model, str(version), stage)
                if seen.statuses.get(version) != want.statuses[version]:
                    self._client.set_model_version_tag(
                        model, str(version), STATUS_TAG, want.statuses[version]
                    )
            for version, stage in seen.stages.items():
                if version not in want.stages and stage != "None":
                    self._client.transition_model_version_stage(model, str(version), "None")


def _run_of(model_uri: str) -> str | None:
    return model_uri.split("/")[1] if model_uri.startswith("runs:/") else None
