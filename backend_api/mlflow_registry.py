"""The one file of the backend that speaks to MLflow: runs and artefacts in, the mirror out."""

import json
import math
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# MLflow reads these when a call is made; its own defaults wait for minutes.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "8")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")

from mlflow import MlflowClient, artifacts
from mlflow.exceptions import MlflowException

from backend_api.artefacts import describe, reference
from backend_api.candidate import Reference, RegisteredVersion, TrainingData
from backend_api.errors import BadRequest, NotFound, Unavailable
from backend_api.rules.mirror import (
    ALIASES,
    STATUS_TAG,
    Picture,
    SetAlias,
    SetStage,
    SetStatus,
    Step,
)
from shared.artifact import model_folder

REQUEST_TAG = "nivesh.request_id"
_MISSING = {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"}
_REFUSED = {"INVALID_PARAMETER_VALUE", "BAD_REQUEST"}


@contextmanager
def _outages() -> Iterator[None]:
    """MLflow's errors as ours; its deprecation of stages is known and decided on (ADR 0003)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except MlflowException as error:
        if error.error_code in _MISSING:
            raise NotFound(f"MLflow knows no such thing: {error.message}") from error
        if error.error_code in _REFUSED:
            raise BadRequest(f"MLflow refused: {error.message}") from error
        raise Unavailable(
            "MLflow does not answer, so nothing was changed.", "Try again when it is back."
        ) from error
    except OSError as error:
        # Artefacts come over HTTP without MLflow's own error around it.
        raise Unavailable(
            f"An artefact cannot be fetched from MLflow: {error}.", "Try again when it is back."
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

        A repeat with the same request id finds the version that it made before. A version whose
        artefact turns out to be missing or unfit is taken back.

        Raises:
            BadRequest: the address is not ``runs:/RUN_ID/PATH`` or ``models:/ID``, or workers
                could not serve what is there.
            NotFound: no such run or artefact.  Unavailable: MLflow does not answer.
        """
        if not model_uri.startswith(("runs:/", "models:/")):
            raise BadRequest(
                f"model_uri {model_uri!r} names no run's model.", "Give runs:/RUN_ID/model."
            )
        run_id = model_uri.split("/")[1] if model_uri.startswith("runs:/") else None
        with _outages():
            source, model_id = self._source(model_uri, run_id)
            self._ensure_model(model)
            found = self._find(model, request_id) or self._client.create_model_version(
                model,
                source=source,
                run_id=run_id,
                tags={**tags, REQUEST_TAG: request_id},
                description=description,
                model_id=model_id,
            )
            try:
                return self._described(model, int(found.version), found.run_id or run_id)
            except BadRequest:
                self._client.delete_model_version(model, found.version)
                raise
            except (MlflowException, FileNotFoundError) as error:
                if isinstance(error, MlflowException) and error.error_code not in _MISSING:
                    raise
                self._client.delete_model_version(model, found.version)
                raise NotFound(
                    f"{model_uri} holds no model.", "Is the run finished, and the path right?"
                ) from error

    def _source(self, model_uri: str, run_id: str | None) -> tuple[str, str | None]:
        """Where the model itself lies, and its id.

        A version made of a run's address would be read as the folder around the model, which
        MLflow's own loader does not find its way in.
        """
        if run_id is None:
            return model_uri, model_uri.removeprefix("models:/")
        run = self._client.get_run(run_id)
        path = model_uri.split("/", 2)[2].strip("/") if model_uri.count("/") > 1 else ""
        logged = self._client.search_logged_models(
            [run.info.experiment_id],
            filter_string=f"source_run_id = '{run_id}'",
            order_by=[{"field_name": "creation_timestamp", "ascending": False}],
        )
        found = next((one.model_id for one in logged if one.name == path), None)
        if found is not None:
            return f"models:/{found}", found
        return f"{run.info.artifact_uri.rstrip('/')}/{path}", None

    def _described(self, model: str, version: int, run_id: str | None) -> RegisteredVersion:
        run = self._client.get_run(run_id) if run_id else None
        uri = f"models:/{model}/{version}"
        with self._fetched(uri) as folder:
            metrics = _finite(run.data.metrics) if run else {}
            said = describe(model_folder(folder), metrics)
            return RegisteredVersion(
                mlflow_version=version,
                run_id=run_id,
                metrics=metrics,
                artifact_uri=uri,
                artifact_digest=said.digest,
                input_schema=said.input_schema,
                has_onnx=said.has_onnx,
                dataset=_dataset(run) if run else None,
                reference=said.reference,
            )

    def reference(self, artifact_uri: str) -> Reference:
        """What drift of a registered version is measured from, as its artefact says.

        Raises:
            NotFound: there is no such artefact.  Unavailable: MLflow does not answer.
        """
        with _outages(), self._fetched(artifact_uri) as folder:
            return reference(folder)

    @contextmanager
    def _fetched(self, artifact_uri: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as folder:
            fetched = artifacts.download_artifacts(
                artifact_uri=artifact_uri, dst_path=folder, tracking_uri=self.tracking_uri
            )
            yield Path(fetched)

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
            aliases={name: int(v) for name, v in dict(aliases).items() if name in ALIASES},
            stages={int(v.version): v.current_stage for v in versions},
            statuses={int(v.version): v.tags.get(STATUS_TAG, "") for v in versions},
        )

    def carry_out(self, model: str, step: Step) -> None:
        """Write one difference to MLflow; safe to repeat.

        Raises:
            Unavailable: MLflow does not answer. NotFound: it lost the version meanwhile.
        """
        with _outages():
            match step:
                case SetAlias(name, None):
                    self._client.delete_registered_model_alias(model, name)
                case SetAlias(name, version):
                    self._client.set_registered_model_alias(model, name, str(version))
                case SetStage(version, stage):
                    self._client.transition_model_version_stage(model, str(version), stage)
                case SetStatus(version, status):
                    self._client.set_model_version_tag(model, str(version), STATUS_TAG, status)


def _finite(metrics: dict[str, float]) -> dict[str, float]:
    # JSON knows no NaN; a criterion that needs the metric says that it is missing.
    return {name: value for name, value in metrics.items() if math.isfinite(value)}


def _dataset(run: Any) -> TrainingData | None:
    """The run's first input, and the full digest among its parameters, which is longer."""
    inputs = run.inputs.dataset_inputs if run.inputs else []
    given = inputs[0].dataset if inputs else None
    params = run.data.params
    digest = params.get("dataset_sha256") or (given.digest if given else None)
    if digest is None:
        return None
    rows = [int(value) for name, value in params.items() if name.startswith("rows_")]
    return TrainingData(
        name=given.name if given else "training data",
        digest=digest,
        uri=_uri(given.source) if given else None,
        rows=sum(rows) if rows else None,
    )


def _uri(source: str) -> str | None:
    try:
        said = json.loads(source)
    except ValueError:
        return source
    tags = said.get("tags") or {}
    return said.get("uri") or said.get("url") or tags.get("generator")
