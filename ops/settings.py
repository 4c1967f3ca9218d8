"""Settings of the `nivesh` command: where state lies, which ports, which servers are real ones."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT = Path(__file__).resolve().parent.parent


class OpsSettings(BaseSettings):
    """Read from the environment; an empty variable counts as not set."""

    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True, env_ignore_empty=True)

    nivesh_home: Path = Field(PROJECT / "var", alias="NIVESH_HOME")
    """Everything the embedded servers write lies below this folder."""

    nivesh_ports: Literal["fixed", "auto"] = Field("fixed", alias="NIVESH_PORTS")
    """``auto`` takes a free port for everything, so that several stacks can run side by side."""

    database_url: str | None = Field(None, alias="DATABASE_URL")
    """A real PostgreSQL; without it the embedded one is started."""

    mlflow_tracking_uri: str | None = Field(None, alias="MLFLOW_TRACKING_URI")
    """A real MLflow server; without it the embedded one is started."""

    redis_host: str | None = Field(None, alias="REDIS_HOST")
    """A real Redis; without it the embedded one is started."""

    redis_port: int = Field(6379, alias="REDIS_PORT")
    """Port of the real Redis, or the one the embedded Redis would like."""

    feature_ttl_seconds: int = Field(3600, alias="FEATURE_TTL_SECONDS", ge=1)
    """How long features are good that `nivesh features backfill` writes."""

    prometheus_url: str | None = Field(None, alias="PROMETHEUS_URL")
    """A real Prometheus; without it one is started where its program is on PATH."""

    mlflow_port: int = Field(5000, alias="MLFLOW_PORT")
    """Port that the embedded MLflow would like."""

    prometheus_port: int = Field(9090, alias="PROMETHEUS_PORT")
    """Port that the embedded Prometheus would like."""

    alertmanager_port: int = Field(9093, alias="ALERTMANAGER_PORT")
    """Port that the embedded Alertmanager would like."""

    backend_port: int = Field(8080, alias="BACKEND_PORT")
    """Port of backend_api."""

    inference_port: int = Field(8000, alias="INFERENCE_PORT")
    """Port of inference."""

    console_port: int = Field(8501, alias="CONSOLE_PORT")
    """Port of the console."""

    inference_workers: int = Field(2, alias="INFERENCE_WORKERS", ge=1, le=64)
    """Worker processes of inference."""

    inference_admin_token: str | None = Field(None, alias="INFERENCE_ADMIN_TOKEN")
    """What admin endpoints of inference want; made at the first start if it is not set."""

    model_storage_backend: Literal["local", "s3", "gcs"] = Field(
        "local", alias="MODEL_STORAGE_BACKEND"
    )
    """Where MLflow keeps artefacts; other than ``local`` needs MODEL_STORAGE_URI."""

    model_storage_uri: str | None = Field(None, alias="MODEL_STORAGE_URI")
    """Bucket and folder of ``s3`` or ``gcs``, such as ``s3://nivesh-models/artefacts``."""

    models_file: Path = Field(PROJECT / "models.yaml", alias="MODELS_FILE")
    """Criteria, validation requests and plans of the models."""
