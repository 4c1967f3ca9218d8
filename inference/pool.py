"""Threads for models that are too slow for the event loop: first come, first served."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from inference.admission import Admission
from inference.models import Model

THREADS = 2


class Pool:
    """Two threads for all models without one of their own; the wait for a turn is bounded."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="model")

    async def answer(self, model: Model, row: dict[str, Any], arrived: float) -> dict[str, Any]:
        """A model's answer to one checked row.

        Raises:
            Overloaded: its turn came too late.
        """
        loop = asyncio.get_running_loop()
        threads = model.executor or self._threads
        return await loop.run_in_executor(threads, self._turn, model, row, arrived)

    def _turn(self, model: Model, row: dict[str, Any], arrived: float) -> dict[str, Any]:
        self._admission.in_time(arrived)
        return model.answer([row])[0]
