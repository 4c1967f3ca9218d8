"""Requests that are here at the same moment, answered by one run of the model.

The event loop first reads all that has come, then begins on each request. Those for one model that
were begun in the same turn of the loop make a batch, which so grows with the load and is a single
request without. It adds no wait but for the others of the batch, of ``MOST`` rows at the most.
"""

import asyncio
from collections.abc import Iterator, Sequence

from inference.models import Answer, Model, Row

MOST = 16

Waiting = tuple[Sequence[Row], "asyncio.Future[list[Answer]]"]


class Turns:
    """What waits for the end of the present turn of the event loop, by model."""

    def __init__(self) -> None:
        self._waiting: dict[Model, list[Waiting]] = {}

    async def answer(self, model: Model, rows: Sequence[Row]) -> list[Answer]:
        """A model's answers to checked rows."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._run)
        future: asyncio.Future[list[Answer]] = loop.create_future()
        self._waiting.setdefault(model, []).append((rows, future))
        return await future

    def _run(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for model, asked in waiting.items():
            for batch in _batches(asked):
                _answer(model, batch)


def _batches(asked: Sequence[Waiting]) -> Iterator[list[Waiting]]:
    batch: list[Waiting] = []
    for one in asked:
        if batch and sum(len(rows) for rows, _ in batch) + len(one[0]) > MOST:
            yield batch
            batch = []
        batch.append(one)
    yield batch


def _answer(model: Model, batch: Sequence[Waiting]) -> None:
    """One run for all; one for each if that fails, so that a request fails for itself alone."""
    try:
        answers = model.answer([row for rows, _ in batch for row in rows])
    # Whatever it is, the one that asked makes of it what it makes of a failure without a batch.
    except Exception as error:
        if len(batch) > 1:
            for one in batch:
                _answer(model, [one])
        elif not batch[0][1].done():
            batch[0][1].set_exception(error)
        return
    start = 0
    for rows, future in batch:
        # Who was cancelled waits no more.
        if not future.done():
            future.set_result(answers[start : start + len(rows)])
        start += len(rows)
