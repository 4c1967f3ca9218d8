"""Threads for models that are too slow for the event loop: first come, first served."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from inference.admission import Admission
from inference.models import Answer, Model, Row

THREADS = 2


class Pool:
    """Two threads for all models without one of their own; the wait for a turn is bounded."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="model")

    async def answer(self, model: Model, rows: Sequence[Row], arrived: float) -> list[Answer]:
        """A model's answers to checked rows.

        Raises:
            Overloaded: its turn came too late.
        """
        loop = asyncio.get_running_loop()
        threads = model.executor or self._threads
        return await loop.run_in_executor(threads, self._turn, model, rows, arrived)

    def _turn(self, model: Model, rows: Sequence[Row], arrived: float) -> list[Answer]:
        self._admission.in_time(arrived)
        return model.answer(rows)
