"""Settings of the inference service, read once from the environment."""

import socket
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class InferenceSettings(BaseSettings):
    """Variables keep the runbook's names; an empty variable counts as not set."""

    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True, env_ignore_empty=True)

    database_url: str = Field(alias="DATABASE_URL")
    """PostgreSQL with the routing and the prediction log; may be down."""

    mlflow_tracking_uri: str = Field("http://localhost:5000", alias="MLFLOW_TRACKING_URI")
    """The MLflow server that artefacts are fetched from, once each; may be down."""

    redis_host: str = Field("localhost", alias="REDIS_HOST")
    """The feature store; may be down."""

    redis_port: int = Field(6379, alias="REDIS_PORT")
    """Port of the feature store."""

    feature_timeout_ms: float = Field(5.0, alias="INFERENCE_FEATURE_TIMEOUT_MS", gt=0)
    """How long a prediction waits for the feature store before it goes on without."""

    shadow_queue: int = Field(256, alias="INFERENCE_SHADOW_QUEUE", ge=1)
    """Mirrored requests that may wait in a worker; more are dropped and counted."""

    host: str = Field("127.0.0.1", alias="INFERENCE_HOST")
    """Address that all workers listen on."""

    port: int = Field(8000, alias="INFERENCE_PORT")
    """Port that all workers listen on."""

    workers: int = Field(2, alias="INFERENCE_WORKERS", ge=1, le=64)
    """Worker processes."""

    name: str = Field(default_factory=socket.gethostname, alias="INFERENCE_NAME", max_length=100)
    """This host among others on the same database."""

    admin_token: str = Field("", alias="INFERENCE_ADMIN_TOKEN")
    """Opens admin endpoints and single versions; without one they stay shut."""

    privacy_key: str = Field("", alias="PRIVACY_KEY")
    """Key of the hashes that models.yaml asks for; the same on every host and for the backend."""

    models_file: Path = Field(Path("models.yaml"), alias="MODELS_FILE")
    """Names the endpoint and the entity key of each model."""

    nivesh_home: Path = Field(Path("var"), alias="NIVESH_HOME")
    """Artefacts, the last good routing and the spool lie in its folder ``model-server``."""

    model_cache_size: int = Field(10, alias="MODEL_CACHE_SIZE", ge=1)
    """Versions kept in memory; those in the routing are never evicted and may exceed it."""

    artefact_days: float = Field(14.0, alias="INFERENCE_ARTEFACT_DAYS", gt=0)
    """How long an artefact stays on disk after no worker of this host has needed it."""

    body_limit_bytes: int = Field(1_048_576, alias="INFERENCE_BODY_LIMIT_BYTES", ge=1024)
    """A longer body is refused with 413."""

    queue: int = Field(256, alias="INFERENCE_QUEUE", ge=1)
    """Requests that may wait or be answered in one worker at a time; one more is refused: 429."""

    queue_ms: float = Field(500.0, alias="INFERENCE_QUEUE_MS", gt=0)
    """A request whose turn comes later than this is refused with 429 instead of answered."""

    connections: int = Field(1000, alias="INFERENCE_CONNECTIONS", ge=1)
    """Connections of one worker; for one more, the idlest is ended."""

    head_bytes: int = Field(16_384, alias="INFERENCE_HEAD_BYTES", ge=1024)
    """Longer addresses with headers are refused with 431."""

    head_seconds: float = Field(10.0, alias="INFERENCE_HEAD_SECONDS", gt=0)
    """Address and headers that are not whole by then are refused with 408."""

    body_seconds: float = Field(20.0, alias="INFERENCE_BODY_SECONDS", gt=0)
    """A body that is not whole by then is refused with 408; an answer not taken is given up."""

    hung_seconds: float = Field(10.0, alias="INFERENCE_HUNG_SECONDS", ge=2)
    """A worker whose event loop has not turned for so long is killed and started anew."""

    inline_ms: float = Field(2.0, alias="INFERENCE_INLINE_MS", ge=0)
    """A model whose warm answer takes longer runs in a thread, beside the event loop."""

    poll_seconds: float = Field(5.0, alias="INFERENCE_POLL_SECONDS", gt=0)
    """How often the routing is read although nothing was announced."""

    heartbeat_seconds: float = Field(2.0, alias="INFERENCE_HEARTBEAT_SECONDS", gt=0)
    """How often a worker says that it lives."""

    drain_seconds: float = Field(6.0, alias="INFERENCE_DRAIN_SECONDS", gt=0)
    """How long a stopping worker waits for its open requests."""

    spool_limit_bytes: int = Field(2_000_000_000, alias="INFERENCE_SPOOL_LIMIT_BYTES", ge=1_000_000)
    """Most that undelivered prediction records may take on this host's disk."""

    spool_full: Literal["drop", "refuse"] = Field("drop", alias="INFERENCE_SPOOL_FULL")
    """At that limit: ``drop`` answers and counts the lost record, ``refuse`` answers 503."""

    @field_validator("database_url")
    @classmethod
    def _for_libpq(cls, address: str) -> str:
        # An address for SQLAlchemy names a driver too. libpq would take it for a broken one and
        # say so with all of it, the password included.
        scheme, found, rest = address.partition("://")
        if not found or scheme.partition("+")[0] not in ("postgresql", "postgres"):
            raise ValueError("must look like postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
        return f"postgresql://{rest}"

    @property
    def folder(self) -> Path:
        """Where this service writes."""
        # No package's name: started from NIVESH_HOME, Python would take it for the package.
        return self.nivesh_home.expanduser().resolve() / "model-server"

    @property
    def metrics_folder(self) -> Path:
        """Counters that all workers of this host share."""
        return self.folder / "metrics" / f"{self.name}-{self.port}"

    def replica(self, slot: int) -> str:
        """Name of a worker, the same over all its lives."""
        return f"{self.name}:{self.port}/{slot}"
