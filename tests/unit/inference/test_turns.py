"""Batches of what is there at the same moment."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from inference.models import Answer, Row
from inference.turns import MOST, Turns


class Doubles:
    """Answers twice the number, breaks on 13, and remembers how many rows each run had."""

    schema: dict[str, Any] = {}  # noqa: RUF012
    milliseconds = 0.1
    executor = None
    trouble = None
    batches = True
    example: tuple[Row, Answer] = ({}, {})

    def __init__(self) -> None:
        self.runs: list[int] = []

    def check(self, row: Row) -> None:
        """Everything is right."""

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        """As many answers."""
        self.runs.append(len(rows))
        if any(row["n"] == 13 for row in rows):
            raise ValueError("13")
        return [{"n": row["n"] * 2} for row in rows]


def ask(model: Doubles, *requests: Sequence[int]) -> list[list[int] | str]:
    """Numbers of several requests that are there at once, or how each failed."""

    async def one(turns: Turns, numbers: Sequence[int]) -> list[int] | str:
        try:
            answers = await turns.answer(model, [{"n": n} for n in numbers])
        except ValueError as error:
            return str(error)
        return [answer["n"] for answer in answers]

    async def all_() -> list[list[int] | str]:
        turns = Turns()
        return await asyncio.gather(*(one(turns, numbers) for numbers in requests))

    return asyncio.run(all_())


@pytest.mark.parametrize(
    ("requests", "runs"),
    [
        ([[1]], [1]),
        ([[n] for n in range(2)], [2]),
        ([[n] for n in range(10)], [10]),
        ([[n] for n in range(MOST * 2 + 3)], [MOST, MOST, 3]),
        # A request is never torn apart, however many rows it has.
        ([[1, 2, 3], list(range(20)), [4]], [3, 20, 1]),
        ([list(range(10)), list(range(6)), [1]], [16, 1]),
    ],
)
def test_what_is_there_at_once_is_one_run(requests: list[list[int]], runs: list[int]) -> None:
    model = Doubles()
    requests = [[n if n != 13 else 14 for n in numbers] for numbers in requests]
    assert ask(model, *requests) == [[n * 2 for n in numbers] for numbers in requests]
    assert model.runs == runs


def test_a_request_that_fails_fails_for_itself_alone() -> None:
    model = Doubles()
    assert ask(model, [1], [13], [2]) == [[2], "13", [4]]
    assert model.runs == [3, 1, 1, 1]


def test_each_turn_is_a_batch_of_its_own_and_models_do_not_mix() -> None:
    first, second = Doubles(), Doubles()

    async def run() -> None:
        turns = Turns()
        for _ in range(2):
            await asyncio.gather(*(turns.answer(m, [{"n": 1}]) for m in (first, second, first)))

    asyncio.run(run())
    assert (first.runs, second.runs) == ([2, 2], [1, 1])


def test_who_was_cancelled_holds_up_nobody() -> None:
    model = Doubles()

    async def run() -> list[Answer]:
        turns = Turns()
        gone = asyncio.ensure_future(turns.answer(model, [{"n": 1}]))
        stays = asyncio.ensure_future(turns.answer(model, [{"n": 2}]))
        asyncio.get_running_loop().call_soon(gone.cancel)
        return await stays

    assert asyncio.run(run()) == [{"n": 4}]
