"""The feature store: the one file of inference that speaks to Redis. Never waited for long.

Hashes ``features:user:ID`` and ``features:model:NAME`` (the same for everybody). Field ``@age``
holds until when ``age`` is good, in epoch seconds; without it ``age`` is good while its key lives.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import redis
from redis import asyncio as aredis
from redis.backoff import NoBackoff
from redis.retry import Retry

from inference import metrics
from inference.filling import Held, Told, fill

# Counting keys and writing many are an administrator's, and may take longer.
PATIENT_SECONDS = 3.0
WARM_SECONDS = 0.5
OUTAGES = (redis.RedisError, OSError)
USER, MODEL, UNTIL = "features:user:", "features:model:", "@"
CONNECTIONS = 32
# So many failures in a row, and nobody asks for a while: a store that hangs costs no request more.
STRIKES, PAUSE_SECONDS = 5, 1.0


class FeatureStore:
    """Reads within ``timeout_ms`` or goes on without; ``write`` and ``stats`` take their time."""

    def __init__(self, host: str, port: int, timeout_ms: float = 5.0) -> None:
        self._seconds = timeout_ms / 1000
        # Without HELLO and CLIENT SETINFO a new connection costs no round trip of its own.
        self._quick = aredis.Redis(
            connection_pool=aredis.BlockingConnectionPool(
                host=host, port=port, max_connections=CONNECTIONS, timeout=None, protocol=2,
                lib_name=None, lib_version=None, decode_responses=True, encoding_errors="replace",
                retry=aredis.retry.Retry(NoBackoff(), 0),
            )
        )  # fmt: skip
        self._patient = redis.Redis(
            host, port, decode_responses=True, encoding_errors="replace",
            socket_timeout=PATIENT_SECONDS, socket_connect_timeout=PATIENT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )  # fmt: skip
        self._strikes, self._shut_until = 0, 0.0

    async def warm(self) -> None:
        """Make the first connection, which takes longer than any prediction waits."""
        with suppress(TimeoutError, *OUTAGES):
            async with asyncio.timeout(WARM_SECONDS):
                await self._quick.ping()

    async def complete(
        self, model: str, schema: Mapping[str, Mapping[str, Any]], key: str, row: dict[str, Any]
    ) -> tuple[dict[str, Any], Told]:
        """A request with what the store holds for its user and its model, and what it has not.

        When it cannot be read the request stays as it is, and ``store`` says why: ``timeout``,
        ``unreachable``, or ``skipped`` after several of these.
        """
        lacking = [field for field in schema if field not in row]
        held, outcome = await self._read(model, key, lacking)
        filled, told = fill(schema, row, held, time.time())
        for state, fields in told.items():
            if fields:
                metrics.FEATURES.labels(model, state).inc(len(fields))
        return filled, {**told, "store": outcome} if outcome else told

    async def _read(
        self, model: str, key: str, fields: Sequence[str]
    ) -> tuple[dict[str, Held], str | None]:
        """Both hashes in one round trip; what is a user's own goes before what is everybody's."""
        names = [*fields, *(f"{UNTIL}{field}" for field in fields)]
        pipe = self._quick.pipeline(transaction=False)
        pipe.hmget(f"{MODEL}{model}", names)
        pipe.hmget(f"{USER}{key}", names)
        found, outcome = await self._within(pipe.execute)
        held: dict[str, Held] = {}
        for values in found or ():
            stored = zip(fields, values[: len(fields)], values[len(fields) :], strict=True)
            held |= {
                field: Held(text, _until(at)) for field, text, at in stored if text is not None
            }
        if outcome is None:
            metrics.FEATURE_READS.labels("hit" if held else "miss").inc()
        return held, outcome

    async def _within(self, ask: Callable[[], Awaitable[Any]]) -> tuple[Any, str | None]:
        """What the store answers in time, else why not."""
        if time.monotonic() < self._shut_until:
            metrics.FEATURE_READS.labels("skipped").inc()
            return None, "skipped"
        try:
            async with asyncio.timeout(self._seconds):
                answer = await ask()
        except (TimeoutError, redis.TimeoutError):
            outcome = "timeout"
        except OUTAGES:
            outcome = "unreachable"
        else:
            self._strikes = 0
            return answer, None
        metrics.FEATURE_READS.labels(outcome).inc()
        self._strikes += 1
        if self._strikes >= STRIKES:
            self._shut_until = time.monotonic() + PAUSE_SECONDS
        return None, outcome

    async def user(self, user_id: str) -> dict[str, str] | None:
        """A user's features that are still good; ``None`` when the store did not answer in time."""
        found, outcome = await self._within(lambda: self._quick.hgetall(f"{USER}{user_id}"))
        if outcome is not None:
            return None
        metrics.FEATURE_READS.labels("hit" if found else "miss").inc()
        now = time.time()

        def good(name: str) -> bool:
            until = _until(found.get(f"{UNTIL}{name}"))
            return not name.startswith(UNTIL) and (until is None or until > now)

        return {name: value for name, value in found.items() if good(name)}

    async def close(self) -> None:
        """Close all connections."""
        await self._quick.aclose()
        self._patient.close()

    def write(self, hashes: Mapping[str, Mapping[str, str]], ttl: int) -> None:
        """Put features, by key, each good for ``ttl`` seconds; writing them again changes nothing.

        A key lives until the last of its features is no longer good.

        Raises:
            redis.RedisError: the store does not answer; some may be written.
        """
        until = str(int(time.time()) + ttl)
        with self._patient.pipeline(transaction=False) as asked:
            for key in hashes:
                asked.ttl(key)
            left = asked.execute()
        # Whole, so that no key is left without its end.
        with self._patient.pipeline(transaction=True) as pipe:
            for (key, values), seconds in zip(hashes.items(), left, strict=True):
                fields: dict[Any, Any] = dict(values)
                fields |= {f"{UNTIL}{name}": until for name in values}
                pipe.hset(key, mapping=fields)
                # -1: somebody gave it no end, which is theirs to decide.
                if seconds != -1:
                    pipe.expire(key, max(ttl, seconds))
            pipe.execute()

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


def _until(text: str | None) -> float | None:
    """An end as a number; one that cannot be read has passed."""
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return 0.0
