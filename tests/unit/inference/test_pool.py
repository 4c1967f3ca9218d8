"""A version that hangs in its own process leaves room for the others."""

import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from inference.admission import Admission
from inference.errors import Overloaded
from inference.models import Answer, Row
from inference.pool import Pool


@dataclass(eq=False)
class Hanging:
    """Answers once it is let go."""

    go: threading.Event = field(default_factory=threading.Event)
    executor: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    schema: dict[str, Any] = field(default_factory=dict)
    example: tuple[Row, Answer] = ({}, {})
    milliseconds: float = 1.0
    trouble: None = None
    pid: None = None

    def check(self, row: Row) -> None:
        """Anything goes."""

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        """One answer per row, in the end."""
        assert self.go.wait(20)
        return [{"prediction": 1} for _ in rows]


def test_at_most_a_quarter_of_the_places_wait_for_one_versions_process() -> None:
    pool, model = Pool(Admission(8, 60_000, {})), Hanging()

    async def ask() -> list[Answer]:
        return await pool.answer(model, [{}], time.perf_counter())

    async def play() -> None:
        waiting = [asyncio.create_task(ask()) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await ask()
        model.go.set()
        assert await asyncio.gather(*waiting) == [[{"prediction": 1}]] * 2
        assert await ask() == [{"prediction": 1}]

    asyncio.run(play())
    model.executor.shutdown()
