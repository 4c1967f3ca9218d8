"""What a start comes to: ports, variables, and which processes run with them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from backend_api import catalog as catalogs
from backend_api.errors import ConsoleError
from ops.errors import OpsError
from ops.settings import OpsSettings
from ops.stack import mlflow, ours, prometheus, redis
from ops.stack import ports as choice
from ops.stack.environment import MARK, Real, build, embedded, for_child, real
from ops.stack.home import Home
from ops.stack.ports import Ports
from ops.stack.postgres import place, server
from ops.stack.probe import answers
from ops.stack.process import Spec
from ops.stack.record import Record

NO_PROMETHEUS = (
    "Prometheus is not on PATH, so its pages say so."
    " On Debian: apt-get install prometheus prometheus-alertmanager."
)


@dataclass(frozen=True)
class Plan:
    """Everything that is decided before the first process starts."""

    ports: Ports
    variables: Mapping[str, str]
    embedded: list[str]
    specs: list[Spec]
    notes: list[str]


def make(home: Home, settings: OpsSettings, record: Record, *, demo: bool) -> Plan:
    """Decide, and make what the processes find on disk.

    Raises:
        OpsError: a port, a file or a server that cannot be done without is missing.
    """
    _understood(settings.models_file)
    secrets = home.secrets()
    outside = real(settings, record)
    if outside.database_url is not None:
        server.check(outside.database_url)
    ports = choice.choose(settings, record.ports)
    variables = build(settings, home, ports, secrets, outside)
    env = for_child(home, variables)
    found: list[Spec] = []
    if outside.database_url is None:
        found.append(_database(home, ports.postgres, secrets))
    if outside.redis_host is None:
        found.append(redis.spec(home, ports.redis, env))
    if outside.mlflow_tracking_uri is None:
        url = outside.database_url
        address = (
            server.url(ports.postgres, secrets, "mlflow")
            if url is None
            else server.neighbour(url, "mlflow")
        )
        found.append(mlflow.spec(home, ports.mlflow, address, env, mlflow.storage(settings)))
    found += ours.specs(home, ports, env, demo=demo)
    if outside.prometheus_url is None:
        found += prometheus.specs(home, ports, env)
    return Plan(ports, variables, embedded(outside), found, _notes(outside, found))


def _understood(models_file: Path) -> None:
    try:
        catalogs.load(models_file)
    except ConsoleError as error:
        raise OpsError(" ".join(error.message.split()), error.hint) from error


def _database(home: Home, port: int, secrets: dict[str, str]) -> Spec:
    where = place.place(home)
    server.create(where, secrets["postgres_password"])
    spec = server.spec(where, port, home.log("postgres"))
    return replace(
        spec,
        env={**spec.env, MARK: str(home.path)},
        ready=partial(server.is_prepared, where, port, secrets),
    )


def _notes(outside: Real, found: list[Spec]) -> list[str]:
    """What the stack starts without, though it could have it."""
    notes = []
    if outside.mlflow_tracking_uri and not answers(f"{outside.mlflow_tracking_uri}/health"):
        notes.append(
            f"MLflow at {outside.mlflow_tracking_uri} does not answer. Serving goes on without it;"
            " start it, or unset MLFLOW_TRACKING_URI."
        )
    if outside.redis_host and not redis.ping(outside.redis_host, outside.redis_port):
        notes.append(
            f"Redis at {outside.redis_host}:{outside.redis_port} does not answer. Predictions go on"
            " without features; start it, or unset REDIS_HOST."
        )
    if outside.prometheus_url is None and "prometheus" not in {spec.name for spec in found}:
        notes.append(NO_PROMETHEUS)
    return notes
