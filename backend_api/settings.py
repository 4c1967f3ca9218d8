"""Settings of backend_api and its worker, read once from the environment."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

# Where container runtimes mount secrets, one file per variable.
SECRETS = Path("/run/secrets")


class BackendSettings(BaseSettings):
    """Variables keep the runbook's names; each may also come from a file in ``/run/secrets``."""

    model_config = SettingsConfigDict(
        extra="ignore",
        populate_by_name=True,
        env_ignore_empty=True,
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
    )

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
    """Who signs people in. Without it, the embedded issuer at this backend's own address."""

    oidc_embedded: bool | None = Field(None, alias="OIDC_EMBEDDED")
    """Whether we are the issuer; not set, we are if ``OIDC_ISSUER`` is our own address."""

    oidc_client_id: str = Field("nivesh-console", alias="OIDC_CLIENT_ID")
    """What the console is called at the issuer, and the audience that ID tokens must have."""

    oidc_client_secret: SecretStr = Field(SecretStr(""), alias="OIDC_CLIENT_SECRET")
    """What the console proves itself with at the embedded issuer."""

    oidc_redirect_uris: str = Field(
        "http://localhost:8501/oauth2callback", alias="OIDC_REDIRECT_URIS"
    )
    """Where the embedded issuer may send people back to: whole addresses, with commas between."""

    approval_hours: int = Field(24, alias="APPROVAL_HOURS", ge=1)
    """How long a promotion request may wait for its approval."""

    replica_timeout_seconds: float = Field(10.0, alias="REPLICA_TIMEOUT_SECONDS", gt=0)
    """A worker silent for longer is not counted as live."""

    watch_seconds: float = Field(2.0, alias="WATCH_SECONDS", gt=0)
    """Pause between two looks of the watch."""

    verify_seconds: float = Field(60.0, alias="VERIFY_SECONDS", ge=0)
    """How long a version with little traffic serves without an error until it counts as good."""

    rehearse_hours: float = Field(24.0, alias="REHEARSE_HOURS", ge=0)
    """How often the watch rehearses each model's way back by itself; 0 turns that off."""

    privacy_key: SecretStr = Field(SecretStr(""), alias="PRIVACY_KEY")
    """Key of the hashes that models.yaml asks for; inference has the same one."""

    prediction_days: int = Field(90, alias="PREDICTION_DAYS", ge=1)
    """How long logged predictions are kept."""

    @property
    def issuer(self) -> str:
        """Address of whoever signs people in."""
        return self.oidc_issuer or f"http://localhost:{self.backend_port}/oidc"

    @property
    def embedded(self) -> bool:
        """Whether the issuer is this backend."""
        if self.oidc_embedded is not None:
            return self.oidc_embedded
        parts = urlsplit(self.issuer)
        ours = {self.backend_host, "localhost", "127.0.0.1", "::1"}
        return parts.hostname in ours and parts.port == self.backend_port and parts.path == "/oidc"

    @property
    def account_issuer(self) -> str:
        """Whose people our accounts are; the embedded issuer's stay so when its address changes."""
        return "embedded" if self.embedded else self.issuer

    @property
    def redirect_uris(self) -> frozenset[str]:
        """``oidc_redirect_uris`` one by one."""
        found = (uri.strip() for uri in self.oidc_redirect_uris.split(","))
        return frozenset(uri for uri in found if uri)


def read() -> BackendSettings:
    """Settings from the environment.

    Raises:
        SystemExit: they do not hold; the message names each wrong one.
    """
    try:
        return BackendSettings()
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise SystemExit(f"{'; '.join(wrong)}. The README lists the settings.") from None
