"""Settings of the console, read once from the environment."""

from functools import cache

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ConsoleSettings(BaseSettings):
    """How the console reaches the backend and names the place it runs in."""

    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True)

    backend_url: str = Field("http://localhost:8080", alias="BACKEND_URL")
    """Where backend_api listens."""

    environment: str = Field("local", alias="NIVESH_ENVIRONMENT")
    """Shown on every page, so that nobody takes production for a trial."""


@cache
def settings() -> ConsoleSettings:
    """The process's settings."""
    return ConsoleSettings()
