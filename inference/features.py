"""The feature store: the one file of inference that speaks to Redis. Never waited for long."""

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from inference import metrics

TIMEOUT_SECONDS = 0.005
# Counting keys is an administrator's question and may take longer.
STATS_TIMEOUT_SECONDS = 3.0
USER, MODEL = "features:user:", "features:model:"


class FeatureStore:
    """Redis hashes ``features:user:ID`` and ``features:model:NAME``."""

    def __init__(self, host: str, port: int) -> None:
        self._quick = _client(host, port, TIMEOUT_SECONDS)
        self._patient = _client(host, port, STATS_TIMEOUT_SECONDS)

    def user(self, user_id: str) -> dict[str, str] | None:
        """A user's features; empty if there are none, ``None`` when the store did not answer."""
        try:
            found = self._quick.hgetall(f"{USER}{user_id}")
        except redis.RedisError as error:
            late = isinstance(error, redis.TimeoutError)
            metrics.FEATURE_READS.labels("timeout" if late else "unreachable").inc()
            return None
        metrics.FEATURE_READS.labels("hit" if found else "miss").inc()
        return {str(name): str(value) for name, value in found.items()}

    def connected(self) -> bool:
        """Whether the store answers now."""
        try:
            return bool(self._patient.ping())
        except redis.RedisError:
            return False

    def stats(self) -> dict[str, Any]:
        """The runbook's figures; ``None`` in place of each one while the store does not answer."""
        try:
            info = self._patient.info()
            return {
                "connected": True,
                "user_features": self._count(USER),
                "model_features": self._count(MODEL),
                "total_keys": int(self._patient.dbsize()),
                "used_memory": info["used_memory_human"],
                "uptime_seconds": int(info["uptime_in_seconds"]),
            }
        except redis.RedisError:
            unknown = ("user_features", "model_features", "total_keys", "used_memory",
                       "uptime_seconds")  # fmt: skip
            return {"connected": False, **dict.fromkeys(unknown)}

    def _count(self, prefix: str) -> int:
        return sum(1 for _ in self._patient.scan_iter(match=f"{prefix}*", count=1000))


def _client(host: str, port: int, timeout: float) -> "redis.Redis":
    return redis.Redis(
        host, port, decode_responses=True, socket_timeout=timeout,
        socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0),
    )  # fmt: skip
