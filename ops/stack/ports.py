"""Which port each process listens on."""

import random
import socket
from collections.abc import Collection
from dataclasses import asdict, dataclass

import psutil

from ops.errors import OpsError
from ops.settings import OpsSettings

# Below the range that the kernel hands to outgoing connections, which would race with us.
FREE_RANGE = (20000, 32000)

# Addresses that people and other programs have written down: these never move by themselves.
FIXED = {"backend": "BACKEND_PORT", "inference": "INFERENCE_PORT", "console": "CONSOLE_PORT"}


@dataclass(frozen=True)
class Ports:
    """One port per process."""

    postgres: int
    redis: int
    mlflow: int
    backend: int
    inference: int
    console: int
    prometheus: int
    alertmanager: int

    def as_dict(self) -> dict[str, int]:
        """By process name."""
        return asdict(self)


def is_free(port: int) -> bool:
    """Whether nothing listens on the port of the loopback address."""
    with socket.socket() as probe:
        # Connections of a stack that has just stopped may linger; only a listener counts.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def holder(port: int) -> str:
    """Who listens on the port, as far as we may know: ``"redis-server, process 123"``."""
    for connection in psutil.net_connections("tcp"):
        here = connection.laddr
        if connection.status == psutil.CONN_LISTEN and here and here.port == port:
            if connection.pid is None:
                break
            try:
                return f"{psutil.Process(connection.pid).name()}, process {connection.pid}"
            except psutil.Error:
                break
    return "another process"


def choose(settings: OpsSettings, recorded: dict[str, int]) -> Ports:
    """Ports for a start: the wanted one, else last time's, else any free one.

    Raises:
        OpsError: a port that may not move is taken; names the holder and the variable.
    """
    wanted = {
        "backend": settings.backend_port,
        "inference": settings.inference_port,
        "console": settings.console_port,
        "postgres": 0,
        "redis": settings.redis_port,
        "mlflow": settings.mlflow_port,
        "prometheus": settings.prometheus_port,
        "alertmanager": settings.alertmanager_port,
    }
    chosen: dict[str, int] = {}
    for name, port in wanted.items():
        taken = set(chosen.values())
        if settings.nivesh_ports == "auto":
            chosen[name] = _first_free([], taken)
        elif name in FIXED:
            chosen[name] = _insist(name, port, taken)
        else:
            chosen[name] = _first_free([port, recorded.get(name, 0)], taken)
    return Ports(**chosen)


def _insist(name: str, port: int, taken: set[int]) -> int:
    way_out = f"Choose another port with {FIXED[name]}=… ."
    if port in taken:
        raise OpsError(f"Port {port} is set for {name} and for another process too.", way_out)
    if not is_free(port):
        raise OpsError(
            f"Port {port}, which {name} wants, is taken by {holder(port)}.",
            f"Stop that. Or: {way_out[0].lower()}{way_out[1:]}",
        )
    return port


def _first_free(candidates: list[int], taken: set[int]) -> int:
    for port in candidates:
        if port and port not in taken and is_free(port):
            return port
    return any_free(taken)


def any_free(taken: Collection[int] = ()) -> int:
    """A port that nothing listens on now."""
    for _ in range(200):
        port = random.randint(*FREE_RANGE)
        if port not in taken and is_free(port):
            return port
    raise OpsError("No free port was found on the loopback address.", "Stop what is not needed.")
