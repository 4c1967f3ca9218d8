"""Threads for models that are too slow for the event loop: first come, first served."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor

from inference.admission import Admission, overloaded
from inference.models import Answer, Model, Row

THREADS = 2
# Of the worker's places, what versions with a process of their own may take, each: one that hangs
# must leave room for the others.
SHARE = 0.25


class Pool:
    """Two threads for all models without one of their own; the wait for a turn is bounded."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._asked: Counter[Executor] = Counter()
        self._threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="model")

    async def answer(self, model: Model, rows: Sequence[Row], arrived: float) -> list[Answer]:
        """A model's answers to checked rows.

        Raises:
            Overloaded: its turn came too late, or too many wait for the version's own process.
        """
        loop = asyncio.get_running_loop()
        own = model.executor
        if own is None:
            return await loop.run_in_executor(self._threads, self._turn, model, rows, arrived)
        if self._asked[own] >= self._admission.places * SHARE:
            raise overloaded()
        self._asked[own] += 1
        try:
            return await loop.run_in_executor(own, self._turn, model, rows, arrived)
        finally:
            self._asked[own] -= 1
            # Nothing may keep a version alive that no route needs.
            if not self._asked[own]:
                del self._asked[own]

    def _turn(self, model: Model, rows: Sequence[Row], arrived: float) -> list[Answer]:
        self._admission.in_time(arrived)
        return model.answer(rows)
