"""The embedded MLflow server: runs and versions in PostgreSQL, artefacts on disk."""

import sys
from importlib.util import find_spec

from ops.errors import OpsError
from ops.settings import OpsSettings
from ops.stack.home import Home
from ops.stack.probe import is_healthy
from ops.stack.process import Spec

# Where artefacts go when they do not stay on this disk: scheme of the address, what MLflow needs.
STORAGE = {"s3": ("s3://", "boto3"), "gcs": ("gs://", "google-cloud-storage")}
MODULES = {"boto3": "boto3", "google-cloud-storage": "google.cloud.storage"}


def storage(settings: OpsSettings) -> str | None:
    """Where artefacts go, ``None`` for the folder of the home.

    Raises:
        OpsError: the address or the library for it is missing.
    """
    backend, uri = settings.model_storage_backend, settings.model_storage_uri
    if backend == "local":
        return None
    scheme, package = STORAGE[backend]
    if uri is None or not uri.startswith(scheme):
        raise OpsError(
            f"MODEL_STORAGE_BACKEND is {backend}, but MODEL_STORAGE_URI is {uri or 'not set'}.",
            f"Set it to a bucket and folder, {scheme}BUCKET/FOLDER.",
        )
    if not _is_there(MODULES[package]):
        raise OpsError(
            f"MODEL_STORAGE_BACKEND is {backend}, and the package {package} is missing.",
            f"Run `.venv/bin/pip install {package}`.",
        )
    return uri


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a parent package is missing
        return False


def spec(
    home: Home, port: int, database_url: str, env: dict[str, str], destination: str | None = None
) -> Spec:
    """How it is started: one worker, no background jobs, loopback only."""
    folder = home.folder("mlflow")
    argv = [sys.executable, "-m", "mlflow", "server", "--serve-artifacts", "--workers", "1"]
    argv += ["--artifacts-destination", destination or str(folder / "artifacts")]
    argv += ["--host", "127.0.0.1", "--port", str(port)]
    return Spec(
        name="mlflow",
        argv=argv,
        env={
            **env,
            # In the environment and not among the arguments, which everybody may read.
            "MLFLOW_BACKEND_STORE_URI": database_url.replace(
                "postgresql://", "postgresql+psycopg2://", 1
            ),
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        },
        ready=lambda: is_healthy("mlflow", port),
        log=home.log("mlflow"),
        cwd=folder,
        port=port,
        after=frozenset({"postgres"}),
    )
