"""The shadow arm: a version is asked what others have answered, and nobody gets its answers.

A request is mirrored after its answer was sent. One thread of the lowest priority asks, one request
after the other; what does not fit into the queue is dropped and counted.
"""

import asyncio
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import structlog
from uuid_utils import uuid7

from inference import metrics, pairs
from inference.dialect import Said
from inference.errors import ServiceError
from inference.log import PredictionLog
from inference.models import Answer, Model, Row
from inference.rotation import Rotation
from inference.routing import CANARY, PRODUCTION, SHADOW, Route, Served
from shared.split import bucket

NICEST = 19

log = structlog.get_logger()


def _step_back() -> None:
    # Linux gives each thread a priority of its own.
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICEST)


class Twin(NamedTuple):
    """One row that was answered: with what, and in how many milliseconds of the model."""

    model: str
    id: str
    key: str | None
    row: Row
    answer: Answer
    ms: float


class Shadows:
    """Mirrored requests of one worker; used by its event loop alone."""

    def __init__(self, rotation: Rotation, kept: PredictionLog, places: int) -> None:
        self._rotation, self._kept = rotation, kept
        self._queue: asyncio.Queue[tuple[Served, Twin]] = asyncio.Queue(places)
        self._thread = ThreadPoolExecutor(1, "shadow", initializer=_step_back)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to ask."""
        self._task = asyncio.get_running_loop().create_task(self._work())

    def stop(self) -> None:
        """Ask no more; what waits is dropped, since it is only a sample."""
        if self._task is not None:
            self._task.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def mirror(
        self, route: Route, said: Said, rows: Sequence[Row], key: str | None, took: float
    ) -> None:
        """Have the shadow asked what was answered, if it is this key's turn.

        A request without a key is drawn by its first prediction id. ``took`` is how long the model
        needed for all rows, in seconds.
        """
        wanted, arm = route.wanted, route.shadow
        drawn = bucket(key or said.ids[0], wanted.shadow_salt) < wanted.shadow_share
        if arm is None or not drawn or said.arm.arm not in (PRODUCTION, CANARY):
            return
        each = took * 1000 / len(rows)
        for row, answer, prediction_id in zip(rows, said.answers, said.ids, strict=True):
            try:
                self._queue.put_nowait(
                    (arm, Twin(said.name, prediction_id, key, row, answer, each))
                )
            except asyncio.QueueFull:
                metrics.SHADOW_DROPPED.labels(said.name).inc()

    async def _work(self) -> None:
        while True:
            arm, twin = await self._queue.get()
            route = self._rotation.snapshot.routes.get(twin.model)
            # A version that has left the shadow may be gone from memory.
            if route is None or route.shadow is None or route.shadow.model is not arm.model:
                metrics.SHADOW_DROPPED.labels(twin.model).inc()
                continue
            try:
                self._kept.keep(await self._ask(arm, twin))
            except ServiceError:
                metrics.SHADOW_DROPPED.labels(twin.model).inc()
            # One request must not end the mirroring of all others.
            except Exception:
                log.exception("shadow.broke", model=twin.model, version=arm.version)

    async def _ask(self, arm: Served, twin: Twin) -> dict[str, Any]:
        """The record of a pair."""
        loop = asyncio.get_running_loop()
        threads = arm.model.executor or self._thread
        answer, failure, seconds = await loop.run_in_executor(threads, _answer, arm.model, twin.row)
        arm.meters.predictions.inc()
        arm.meters.latency.observe(seconds)
        if failure is not None:
            arm.meters.errors.inc()
        return {
            "id": str(uuid7()), "at": time.time_ns() // 1000, "model": twin.model,
            "version": arm.version, "arm": SHADOW, "key": twin.key,
            # Its twin's row holds the input.
            "input": None, "output": answer,
            "confidence": answer.get("confidence") if answer else None,
            "ms": round(seconds * 1000, 3), "status": "ok" if failure is None else "error",
            "error": failure, "twin": twin.id, "twin_ms": round(twin.ms, 3),
            "agrees": pairs.agree(twin.answer, answer) if answer else None,
            "apart": pairs.apart(twin.answer, answer) if answer else None,
        }  # fmt: skip


def _answer(model: Model, row: Row) -> tuple[Answer | None, str | None, float]:
    """Answer, else why there is none, and the seconds it took."""
    begun = time.perf_counter()
    answer, failure = None, None
    try:
        model.check(row)
        answer = model.answer([row])[0]
    # Whatever breaks is the shadow's, and the pair says so.
    except Exception as error:
        failure = f"{type(error).__name__}: {error}"[:500]
    return answer, failure, time.perf_counter() - begun
