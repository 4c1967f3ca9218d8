"""The console's process: writes the sign-in secrets where only Streamlit finds them, and runs it.

``python -m ops.console_entry``. Streamlit reads sign-in settings from a file only; ours come from
the environment. The file is private, lies below ``NIVESH_HOME``, and is made anew at each start.
"""

import json
import os
import sys
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ops.settings import PROJECT
from ops.stack.home import Home, write_private

APP = PROJECT / "console" / "shell" / "app.py"


class EntrySettings(BaseSettings):
    """Where the console listens, and whom it sends people to for signing in."""

    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True, env_ignore_empty=True)

    nivesh_home: Path = Field(PROJECT / "var", alias="NIVESH_HOME")
    """The secrets file is written below this folder."""

    console_host: str = Field("127.0.0.1", alias="CONSOLE_HOST")
    """Address that the console listens on."""

    console_port: int = Field(8501, alias="CONSOLE_PORT")
    """Port of the console."""

    cookie_secret: str = Field(alias="CONSOLE_COOKIE_SECRET", min_length=32)
    """Signs the cookie of whoever is signed in."""

    oidc_issuer: str = Field(alias="OIDC_ISSUER")
    """Whose ID tokens the backend accepts."""

    oidc_client_id: str = Field(alias="OIDC_CLIENT_ID")
    """The console's name at the issuer."""

    oidc_client_secret: str = Field(alias="OIDC_CLIENT_SECRET")
    """The console's secret at the issuer."""

    oidc_redirect_uris: str = Field(alias="OIDC_REDIRECT_URIS")
    """Where the issuer sends people back to, comma separated; the first one is ours."""


def secrets(settings: EntrySettings) -> str:
    """The file's content, in TOML."""
    issuer = settings.oidc_issuer.rstrip("/")
    values = {
        "redirect_uri": settings.oidc_redirect_uris.split(",")[0].strip(),
        "cookie_secret": settings.cookie_secret,
        "client_id": settings.oidc_client_id,
        "client_secret": settings.oidc_client_secret,
        "server_metadata_url": f"{issuer}/.well-known/openid-configuration",
        # The ID token is what the console shows the backend.
        "expose_tokens": ["id"],
    }
    # A JSON string, or a list of them, is TOML too.
    return "\n".join(["[auth]", *(f"{name} = {json.dumps(v)}" for name, v in values.items()), ""])


def command(settings: EntrySettings, file: Path) -> list[str]:
    """How Streamlit is run; colours come from .streamlit/config.toml of the working folder."""
    options = {
        "secrets.files": str(file),
        "server.address": settings.console_host,
        "server.port": str(settings.console_port),
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
    }
    flags = [part for name, value in options.items() for part in (f"--{name}", value)]
    return [sys.executable, "-m", "streamlit", "run", str(APP), *flags]


def main() -> None:
    """Write the file, and become Streamlit."""
    try:
        settings = EntrySettings()
    except ValidationError as error:
        wrong = ", ".join(f"{one['loc'][0]} ({one['msg']})" for one in error.errors())
        sys.exit(f"The console cannot start: {wrong}. `nivesh up` sets all of these.")
    file = Home.at(settings.nivesh_home).folder("console") / "secrets.toml"
    write_private(file, secrets(settings))
    argv = command(settings, file)
    os.execv(argv[0], argv)


if __name__ == "__main__":
    main()
