"""The variables that processes of the stack run with, and that `nivesh env` prints."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.settings import OpsSettings
from ops.stack.home import Home
from ops.stack.ports import Ports
from ops.stack.postgres import server as postgres
from ops.stack.record import Record
from shared import TELEMETRY_OFF

LOOPBACK = "127.0.0.1"
# By this, processes of a stack are known after their supervisor was killed.
MARK = "NIVESH_STACK"
QUIET = {
    **TELEMETRY_OFF,
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
}
# What a shell needs to work on the stack: addresses, and the secrets that commands of the
# runbook send along. The issuer's and the cookie's secret serve nobody at a terminal.
SHOWN = (
    "NIVESH_HOME", "DATABASE_URL", "MLFLOW_TRACKING_URI", "REDIS_HOST", "REDIS_PORT",
    "PROMETHEUS_URL", "INFERENCE_URL", "INFERENCE_ADMIN_TOKEN", "BACKEND_URL", "CONSOLE_URL",
    "MODELS_FILE", "MODEL_STORAGE_BACKEND", *QUIET,
)  # fmt: skip


@dataclass(frozen=True)
class Real:
    """Servers that are not ours to start, ``None`` where the embedded one is wanted."""

    database_url: str | None
    mlflow_tracking_uri: str | None
    redis_host: str | None
    redis_port: int
    prometheus_url: str | None


def real(settings: OpsSettings, record: Record) -> Real:
    """Which servers the settings name.

    A shell that ran `nivesh env` has the embedded ones' addresses in its variables: these still
    mean the embedded ones.
    """

    def named(variable: str, value: str | None) -> str | None:
        ours = variable in record.embedded and record.environment.get(variable) == value
        return None if ours else value

    return Real(
        named("DATABASE_URL", settings.database_url),
        named("MLFLOW_TRACKING_URI", settings.mlflow_tracking_uri),
        named("REDIS_HOST", settings.redis_host),
        settings.redis_port,
        named("PROMETHEUS_URL", settings.prometheus_url),
    )


def embedded(outside: Real) -> list[str]:
    """Variables that point to servers of this stack."""
    values = {
        "DATABASE_URL": outside.database_url,
        "MLFLOW_TRACKING_URI": outside.mlflow_tracking_uri,
        "REDIS_HOST": outside.redis_host,
        "PROMETHEUS_URL": outside.prometheus_url,
    }
    return [name for name, value in values.items() if value is None]


def _servers(outside: Real, ports: Ports, secrets: Mapping[str, str]) -> dict[str, str]:
    return {
        "DATABASE_URL": outside.database_url or postgres.url(ports.postgres, dict(secrets)),
        "MLFLOW_TRACKING_URI": outside.mlflow_tracking_uri or f"http://{LOOPBACK}:{ports.mlflow}",
        "REDIS_HOST": outside.redis_host or LOOPBACK,
        "REDIS_PORT": str(outside.redis_port if outside.redis_host else ports.redis),
        "PROMETHEUS_URL": outside.prometheus_url or f"http://{LOOPBACK}:{ports.prometheus}",
    }


def _sign_in(ports: Ports, secrets: Mapping[str, str]) -> dict[str, str]:
    """The embedded issuer and its one client. By name, since browsers keep cookies by name."""
    back = [f"http://{host}:{ports.console}/oauth2callback" for host in ("localhost", LOOPBACK)]
    return {
        "OIDC_ISSUER": f"http://localhost:{ports.backend}/oidc",
        "OIDC_CLIENT_ID": "nivesh-console",
        "OIDC_CLIENT_SECRET": secrets["oidc_client_secret"],
        "OIDC_REDIRECT_URIS": ",".join(back),
        "CONSOLE_COOKIE_SECRET": secrets["cookie_secret"],
    }


def build(
    settings: OpsSettings, home: Home, ports: Ports, secrets: Mapping[str, str], outside: Real
) -> dict[str, str]:
    """The stack's own variables; those of ``os.environ`` about sign-in win, as they are set."""
    inference = {
        "INFERENCE_HOST": LOOPBACK,
        "INFERENCE_PORT": str(ports.inference),
        "INFERENCE_URL": f"http://{LOOPBACK}:{ports.inference}",
        "INFERENCE_WORKERS": str(settings.inference_workers),
        "INFERENCE_ADMIN_TOKEN": settings.inference_admin_token or secrets["inference_admin_token"],
    }
    ours = {
        "NIVESH_HOME": str(home.path),
        "PRIVACY_KEY": os.environ.get("PRIVACY_KEY") or secrets["privacy_key"],
        "MODELS_FILE": str(settings.models_file.resolve()),
        "MODEL_STORAGE_BACKEND": settings.model_storage_backend,
        "BACKEND_HOST": LOOPBACK,
        "BACKEND_PORT": str(ports.backend),
        "BACKEND_URL": f"http://{LOOPBACK}:{ports.backend}",
        "CONSOLE_HOST": LOOPBACK,
        "CONSOLE_PORT": str(ports.console),
        "CONSOLE_URL": f"http://localhost:{ports.console}",
    }
    sign_in = _sign_in(ports, secrets)
    sign_in |= {name: os.environ[name] for name in sign_in if os.environ.get(name)}
    return {**_servers(outside, ports, secrets), **inference, **ours, **sign_in, **QUIET}


def lines(variables: Mapping[str, str]) -> list[str]:
    """What `nivesh env` prints: ``export X=...`` for a shell to evaluate."""
    return [f"export {name}={shlex.quote(value)}" for name, value in variables.items() if value]


def path_line(programs: list[Path]) -> str:
    """``export PATH=...`` with these folders before what the shell has."""
    return f'export PATH={shlex.quote(os.pathsep.join(map(str, programs)))}:"$PATH"'


def shown(variables: Mapping[str, str]) -> dict[str, str]:
    """The part of the variables that a shell needs."""
    return {name: variables[name] for name in SHOWN if name in variables}


def for_child(home: Home, variables: Mapping[str, str]) -> dict[str, str]:
    """What a child process gets: our variables over those of this process, and the stack's mark.

    Nothing of the stack may be asked through a proxy that the machine happens to have set.
    """
    direct = ",".join(filter(None, [os.environ.get("no_proxy"), "localhost", LOOPBACK]))
    return {
        **os.environ,
        **variables,
        "NO_PROXY": direct,
        "no_proxy": direct,
        "PYTHONUNBUFFERED": "1",
        # The home holds folders named like packages of ours; modules come from neither it nor
        # any other working directory.
        "PYTHONSAFEPATH": "1",
        MARK: str(home.path),
    }
