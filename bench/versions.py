"""Versions of a model, trained for the run and promoted by the same operations as a click."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

from backend_api import db, deployment
from backend_api.candidate import RegisteredVersion
from backend_api.mlflow_registry import MlflowRegistry
from backend_api.operations import rollback, version
from backend_api.states import VersionStatus
from bench.stack import Stack
from tests import flavours
from tests.makers import Registry, perform_as, wait_until

TIMEOUT = 10.0


@contextmanager
def _tracking(uri: str) -> Iterator[None]:
    before = os.environ.get("MLFLOW_TRACKING_URI")
    os.environ["MLFLOW_TRACKING_URI"] = uri
    try:
        yield
    finally:
        os.environ.pop("MLFLOW_TRACKING_URI")
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before


@contextmanager
def _hushed() -> Iterator[None]:
    """Without what MLflow and the trainings say of themselves."""
    logging.getLogger("mlflow").setLevel(logging.CRITICAL)
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        yield


def trained(stack: Stack, model: str, seed: int) -> RegisteredVersion:
    """A quickly trained version in MLflow: its speed does not depend on how good it is."""
    with _tracking(stack.mlflow_uri), _hushed():
        if model == flavours.BOOSTED:
            uri = flavours.log_boosted(stack.mlflow_uri, seed=seed)
        else:
            uri = import_module(f"training.{model}.train").train(seed=seed, quick=True).model_uri
    return MlflowRegistry(stack.mlflow_uri).register(
        model, uri, str(uuid4()), "made for the bench", {}
    )


def columns(found: RegisteredVersion) -> dict[str, Any]:
    """What a version's row says of its artefact."""
    return {
        "mlflow_version": found.mlflow_version,
        "run_id": found.run_id,
        "artifact_digest": found.artifact_digest,
        "artifact_uri": found.artifact_uri,
        "input_schema": found.input_schema,
        "has_onnx": found.has_onnx,
    }


def artefact(stack: Stack, found: RegisteredVersion) -> Path:
    """The folder that a worker keeps of a version it has loaded."""
    wanted = found.artifact_digest.removeprefix("sha256:")
    return next(folder for folder in stack.home.path.rglob(wanted) if folder.is_dir())


def promote(registry: Registry, name: str, found: RegisteredVersion) -> None:
    """A new version into production, and seen there on every worker."""
    registry.validated(name, **columns(found))
    registry.approve(registry.request(name))
    wait_until(lambda: serves(registry, name), 60, f"every worker serves {name}")
    registry.verify(name)


def load(registry: Registry, name: str, found: RegisteredVersion) -> None:
    """A new version staged, and in the memory of every worker."""
    registry.register(name, **columns(found))
    registry.stage(name)
    wait_until(lambda: _ready(registry, name), 60, f"every worker has loaded {name}")


def _ready(registry: Registry, name: str) -> bool:
    with db.transaction(registry.engine, "bench") as session:
        want = deployment.desired(session, registry.model)
        seen = deployment.observed(session, registry.model, want, db.now(), TIMEOUT)
    return bool(seen) and all(
        name in worker.loaded and worker.loaded[name].state == "ready" for worker in seen
    )


def promote_again(registry: Registry, name: str) -> None:
    """A version that was rolled back into production once more, with its way back warm."""
    model, entry, engine = registry.model, registry.entry, registry.engine
    perform_as(engine, "ravi", lambda s, o: rollback.lift_hold(s, o, model))
    perform_as(
        engine,
        "asha",
        lambda s, o: version.stage(s, o, model, name, VersionStatus.ROLLED_BACK, entry.endpoint),
    )
    perform_as(
        engine,
        "asha",
        lambda s, o: version.record_validation(
            s, o, model, name, passed=True, detail={"sentence": "All queries right."}
        ),
    )
    registry.approve(registry.request(name))
    wait_until(lambda: serves(registry, name), 60, f"every worker serves {name}")
    registry.verify(name)


def serves(registry: Registry, name: str) -> bool:
    """Whether every live worker acknowledged the version, and the way back if there is one."""
    with db.transaction(registry.engine, "bench") as session:
        now = db.now()
        whole = deployment.deployment(session, registry.catalog, registry.model, now, TIMEOUT)
    want = whole.desired
    if want is None or want.production != name or not whole.agrees:
        return False
    ready = whole.readiness
    return want.target is None or ready.warm == ready.replicas
