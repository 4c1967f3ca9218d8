"""The runbook's functions, as it calls them: reads go to MLflow, decisions to the backend.

The backend holds the same rules against a call from here as against a click. It is found by
``BACKEND_URL`` (default ``http://localhost:8080``), and ``NIVESH_TOKEN`` says who is calling.
"""

import os
import time
import warnings
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx2
import mlflow
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from backend_api.schemas import (
    Deployment,
    Job,
    MoveVersion,
    Outcome,
    RegisterVersion,
    RequestPromotion,
    RollBack,
    Version,
    Write,
)
from backend_api.states import JobState, Strategy, VersionStatus

MODELS = ("intent_classifier", "financial_ner", "credit_risk", "anomaly_detection")
STAGES = ("None", "Staging", "Production", "Archived")
_REASON = "asked for by a call of shared.mlflow_utils"
_VALIDATION_SECONDS = 300.0
# Registering fetches the artefact.
_CALL_SECONDS = 60.0


class TransitionRefused(RuntimeError):
    """The backend refused, or does not answer; the message says why and what to do."""


def tracking_uri() -> str:
    """``MLFLOW_TRACKING_URI``, by default the runbook's address."""
    return os.environ.get("MLFLOW_TRACKING_URI", "http://localhost:5000")


def get_client() -> MlflowClient:
    """A client of the tracking server and its registry."""
    return MlflowClient(tracking_uri=tracking_uri(), registry_uri=tracking_uri())


def setup_experiments() -> dict[str, str]:
    """Make sure that each model has its experiment; ``{model name: experiment id}``."""
    client = get_client()
    found: dict[str, str] = {}
    for name in MODELS:
        experiment = client.get_experiment_by_name(name)
        found[name] = experiment.experiment_id if experiment else client.create_experiment(name)
    return found


def _call(method: str, path: str, body: Write | None = None) -> Any:
    url = os.environ.get("BACKEND_URL", "http://localhost:8080")
    token = os.environ.get("NIVESH_TOKEN", "")
    if not token:
        raise TransitionRefused(
            "NIVESH_TOKEN is not set. Make a token with"
            " `nivesh token create NAME --role lead` and export it."
        )
    try:
        answer = httpx2.request(
            method,
            url.rstrip("/") + path,
            json=body.model_dump(mode="json") if body else None,
            headers={"Authorization": f"Bearer {token}"},
            timeout=_CALL_SECONDS,
        )
    except httpx2.HTTPError as error:
        raise TransitionRefused(
            f"The backend at {url} does not answer, so nothing was changed."
            " `nivesh status` shows what is down."
        ) from error
    if answer.is_error:
        said = answer.json()
        raise TransitionRefused(f"{said['message']} {said['hint']}".strip())
    return answer.json()


def register_model(
    model_name: str,
    model_uri: str,
    tags: dict[str, str] | None = None,
    description: str | None = None,
) -> ModelVersion:
    """Make a run's model a version; the tag ``version`` (``v1.2.0``) names it.

    Raises:
        TransitionRefused: no such run, the version exists, or the caller may not.
    """
    tags = tags or {}
    _call(
        "POST",
        f"/models/{model_name}/versions",
        made := RegisterVersion(
            request_id=uuid4(), reason=_REASON, model_uri=model_uri, version=tags.get("version"),
            description=description or "", tags=tags,
        ),
    )  # fmt: skip
    versions = get_client().search_model_versions(
        f"name = '{model_name}' and tags.`nivesh.request_id` = '{made.request_id}'"
    )
    return versions[0]


def _versions(model_name: str) -> Iterator[Version]:
    """All versions, newest first, page by page."""
    path, before = f"/models/{model_name}/versions", ""
    while page := [Version.model_validate(v) for v in _call("GET", path + before)]:
        yield from page
        before = f"?before={page[-1].version}"


def _version(model_name: str, mlflow_version: str | int) -> Version:
    known = []
    for row in _versions(model_name):
        if str(mlflow_version) in (str(row.mlflow_version), row.version):
            return row
        known.append(f"{row.mlflow_version} ({row.version})")
    newest = ", ".join(known[:5]) or "none"
    raise TransitionRefused(
        f"{model_name} has no version {mlflow_version}. Registered, newest first: {newest}."
    )


def _production(model_name: str) -> str | None:
    found = Deployment.model_validate(_call("GET", f"/deployments/{model_name}"))
    return found.desired.production if found.desired else None


def _move(row: Version, verb: str) -> Outcome:
    body = MoveVersion(request_id=uuid4(), reason=_REASON, expected_status=row.status)
    path = f"/models/{row.model_name}/versions/{row.version}/{verb}"
    return Outcome.model_validate(_call("POST", path, body))


def _validate(row: Version) -> None:
    outcome = _move(row, "validate")
    deadline = time.monotonic() + _VALIDATION_SECONDS
    while True:
        job = Job.model_validate(_call("GET", f"/jobs/{outcome.job_id}"))
        if job.state == JobState.SUCCEEDED:
            return
        if job.state == JobState.FAILED:
            raise TransitionRefused(job.message)
        if time.monotonic() > deadline:
            raise TransitionRefused(
                f"The validation of {row.version} is still {job.state} after"
                f" {_VALIDATION_SECONDS:.0f} s. See the Registry page; is the worker up?"
            )
        time.sleep(0.5)


def _ask(row: Version, production: str | None) -> Outcome:
    return Outcome.model_validate(
        _call(
            "POST",
            f"/models/{row.model_name}/promotions",
            RequestPromotion(
                request_id=uuid4(), reason=_REASON, version=row.version,
                strategy=Strategy.FULL, expected_production=production,
            ),
        )
    )  # fmt: skip


def _to_production(row: Version) -> Outcome:
    production = _production(row.model_name)
    if production == row.version:
        return Outcome(
            sentence=f"{row.model_name} {row.version} is in production already.",
            model_name=row.model_name,
            version=row.version,
        )
    if row.status == VersionStatus.ARCHIVED and row.verified_at is not None:
        body = RollBack(
            request_id=uuid4(), reason=_REASON, expected_production=production, to=row.version
        )
        return Outcome.model_validate(_call("POST", f"/models/{row.model_name}/rollback", body))
    if row.status == VersionStatus.REGISTERED:
        _move(row, "stage")
        row = _version(row.model_name, row.version)
    if row.status == VersionStatus.STAGING:
        _validate(row)
        row = _version(row.model_name, row.version)
    return _ask(row, production)


def transition_model_stage(
    model_name: str, version: str, stage: str, archive_existing: bool = False
) -> Outcome:
    """Ask for a version to change its stage, by the rules that hold for a click.

    ``Staging`` loads it in every worker. ``Production`` validates it and asks for its promotion,
    which another lead approves; a version that served well before is rolled back to at once.
    ``version`` is MLflow's number (``"3"``) or ours (``"v1.2.0"``). The earlier production
    version is always archived, since two cannot serve, so ``archive_existing`` must be true
    for ``Production``.

    Raises:
        ValueError: no such stage.  TransitionRefused: a rule forbids it; says which.
    """
    if stage not in STAGES:
        raise ValueError(f"There is no stage {stage!r}; use one of {', '.join(STAGES)}.")
    row = _version(model_name, version)
    if stage == "Staging":
        return _move(row, "stage")
    if stage == "Production":
        if not archive_existing:
            raise TransitionRefused(
                "Two versions cannot be in production: pass archive_existing=True."
            )
        return _to_production(row)
    raise TransitionRefused(
        f"A version does not become {stage} by itself: it is archived when another one is"
        " promoted, and rejected on the Registry page."
    )


def get_latest_version(model_name: str, stage: str = "Production") -> str | None:
    """MLflow's number of the version in a stage, None if there is none.

    In ``Production`` that is the one that the alias names, which is the decided one; in other
    stages the newest.
    """
    client = get_client()
    if stage == "Production":
        aliases = dict(client.get_registered_model(model_name).aliases)
        decided = aliases.get("production")
        return str(decided) if decided else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = client.get_latest_versions(model_name, stages=[stage])
    return str(found[0].version) if found else None


def load_model(model_name: str, stage: str = "Production") -> Any:
    """The model in a stage as a pyfunc.

    Raises:
        LookupError: no version is in that stage.
    """
    version = get_latest_version(model_name, stage)
    if version is None:
        raise LookupError(f"{model_name} has no version in stage {stage}. See the Registry page.")
    mlflow.set_tracking_uri(tracking_uri())
    return mlflow.pyfunc.load_model(f"models:/{model_name}/{version}")
