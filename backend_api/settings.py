"""Settings of backend_api and its worker, read once from the environment."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class BackendSettings(BaseSettings):
    """Variables keep the runbook's names; each may also come from a file in ``/run/secrets``."""

    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True)

    database_url: str = Field(alias="DATABASE_URL")
    """PostgreSQL, ``postgresql://user:password@host:port/nivesh``."""

    mlflow_tracking_uri: str = Field("http://localhost:5000", alias="MLFLOW_TRACKING_URI")
    """The MLflow server that runs are logged to and decisions are mirrored to."""

    redis_host: str = Field("localhost", alias="REDIS_HOST")
    """Feature store, shown on the overview."""

    redis_port: int = Field(6379, alias="REDIS_PORT")
    """Port of the feature store."""

    prometheus_url: str = Field("http://localhost:9090", alias="PROMETHEUS_URL")
    """Prometheus, shown on the overview."""

    inference_url: str = Field("http://localhost:8000", alias="INFERENCE_URL")
    """Any inference worker; validation requests go there."""

    inference_admin_token: str = Field("", alias="INFERENCE_ADMIN_TOKEN")
    """Lets validation reach a staged version."""

    models_file: Path = Field(Path("models.yaml"), alias="MODELS_FILE")
    """Criteria, validation requests and plans of the models."""

    nivesh_home: Path = Field(Path("var"), alias="NIVESH_HOME")
    """Where state on disk lies."""

    backend_host: str = Field("127.0.0.1", alias="BACKEND_HOST")
    """Address that backend_api listens on."""

    backend_port: int = Field(8080, alias="BACKEND_PORT")
    """Port of backend_api."""

    oidc_issuer: str = Field("", alias="OIDC_ISSUER")
    """Who signs people in; ``http://HOST:PORT/oidc`` of our own means the embedded issuer."""

    oidc_client_id: str = Field("nivesh-console", alias="OIDC_CLIENT_ID")
    """What the console is called at the issuer, and the audience that ID tokens must have."""

    oidc_client_secret: SecretStr = Field(SecretStr(""), alias="OIDC_CLIENT_SECRET")
    """What the console proves itself with at the embedded issuer."""

    oidc_redirect_uris: str = Field("", alias="OIDC_REDIRECT_URIS")
    """Where the embedded issuer may send people back to: whole addresses, separated by commas."""

    approval_hours: int = Field(24, alias="APPROVAL_HOURS", ge=1)
    """How long a promotion request may wait for its approval."""

    replica_timeout_seconds: float = Field(10.0, alias="REPLICA_TIMEOUT_SECONDS", gt=0)
    """A worker silent for longer is not counted as live."""

    watch_seconds: float = Field(2.0, alias="WATCH_SECONDS", gt=0)
    """Pause between two looks of the watch."""
