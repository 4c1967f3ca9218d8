"""The first answers of a loaded version: they warm it up and show that it answers."""

import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from inference.models import Answer, ArtefactError, Model, Row, WrongField
from inference.runtimes.pace import Rest

# The exporter's own check allows 1e-5; a machine with other vector units may add as much again.
TOLERANCE = 1e-4
WARM_ROUNDS = 2
LEAST_TRIES = 8
BATCH, BATCH_TRIES = 8, 3
# A batch pays when its rows cost no more than this share of what they cost alone ...
WORTH = 0.85
# ... and each saves more than it takes to put the batch together.
LEAST_SECONDS = 10e-6


def read(folder: Path, name: str) -> Any:
    """A JSON file of an artefact.

    Raises:
        ArtefactError: it is missing or not JSON.
    """
    try:
        return json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtefactError(f"{name} is missing") from None
    except ValueError as error:
        raise ArtefactError(f"{name} is not JSON: {error}") from error


def same(expected: Any, got: Any) -> bool:
    """Equal, but for numbers within the tolerance, relative above 1."""
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    if isinstance(expected, int | float) and isinstance(got, int | float):
        return math.isclose(expected, got, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    if isinstance(expected, dict):
        return (
            isinstance(got, dict)
            and expected.keys() == got.keys()
            and all(same(value, got[name]) for name, value in expected.items())
        )
    if isinstance(expected, list):
        return (
            isinstance(got, list | tuple)
            and len(expected) == len(got)
            and all(map(same, expected, got))
        )
    return bool(expected == got)


def golden(model: Model, recorded: Sequence[dict[str, Any]], rest: Rest) -> float:
    """Median milliseconds of a warm answer; ``ArtefactError`` on another answer than recorded."""
    taken: list[float] = []
    for number, row in enumerate(list(recorded) * WARM_ROUNDS):
        got, milliseconds = _timed(
            model, row["request"], f"golden row {number}", rest, time.thread_time
        )
        taken.append(milliseconds)
        if not same(row["answer"], got):
            raise ArtefactError(f"golden row {number} gives {got}, recorded was {row['answer']}")
    return _median(taken[len(recorded) :])


def example(
    model: Model, rows: Sequence[Row], rest: Rest, clock: Callable[[], float] = time.thread_time
) -> tuple[tuple[Row, Answer], float]:
    """A request of MLflow's input example with its answer, and median milliseconds.

    Rows that ``check`` refuses, such as ones with missing values, are left out.

    Raises:
        ArtefactError: no row can be answered; the message says why not.
    """
    good, refusal = [], None
    for row in rows:
        try:
            model.check(row)
            good.append(row)
        except WrongField as error:
            refusal = refusal or error
    if not good:
        raise ArtefactError(f"no row of the input example can be sent: {refusal}")
    first, _ = _timed(model, good[0], "the input example", rest, clock)
    tries = good * math.ceil(LEAST_TRIES / len(good))
    taken = [_timed(model, row, "the input example", rest, clock)[1] for row in tries]
    return (good[0], first), _median(taken)


def batch_pays(model: Model, rows: Sequence[Row], rest: Rest) -> bool:
    """Whether a row in a batch costs clearly less than alone, and gets the same answer.

    Measured of each version when it is loaded: it depends on the network, the handler and the
    machine. Text in a batch is as long as its longest, trees hardly mind.
    """
    batch = [rows[n % len(rows)] for n in range(BATCH)]
    alone, together = math.inf, math.inf
    for _ in range(BATCH_TRIES):
        begun = time.thread_time()
        apart = [model.answer([row])[0] for row in batch]
        between = time.thread_time()
        try:
            joined = model.answer(batch)
        # A graph for single rows breaks on more, in any way it likes; it is asked row by row.
        except Exception:
            return False
        over = time.thread_time()
        alone, together = min(alone, between - begun), min(together, over - between)
        if not all(map(same, apart, joined)):
            return False
        rest()
    return together < alone * WORTH and alone - together > BATCH * LEAST_SECONDS


def _timed(
    model: Model, row: Row, what: str, rest: Rest, clock: Callable[[], float]
) -> tuple[Answer, float]:
    # Of the processor and not of the clock, which would count what others run meanwhile.
    begun = clock()
    try:
        model.check(row)
        got = model.answer([row])[0]
    # Whatever breaks a recorded request would break a caller's too.
    except Exception as error:
        raise ArtefactError(f"{what} fails: {error}") from error
    milliseconds = (clock() - begun) * 1000
    rest()
    return got, milliseconds


def _median(taken: Sequence[float]) -> float:
    return sorted(taken)[len(taken) // 2]
