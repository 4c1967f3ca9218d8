"""Training for the demonstration: two at a time, beside a stack that has other work."""

import importlib
import multiprocessing
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

AT_ONCE = 2


@dataclass(frozen=True)
class Lesson:
    """A model to train. ``seed`` None is the model's own; ``quick`` is for tests of the rest."""

    model: str
    seed: int | None = None
    quick: bool = False


@dataclass(frozen=True)
class Learned:
    """A logged run, and a sentence for each criterion that it does not meet."""

    lesson: Lesson
    model_uri: str
    shortfalls: list[str]


def _begin(log: Path, variables: Mapping[str, str]) -> None:
    """In the training process: behind the stack in line, one core, its words into a log."""
    os.nice(10)
    os.environ |= {**variables, "OMP_NUM_THREADS": "1"}
    with log.open("ab") as handle:
        os.dup2(handle.fileno(), 1)
        os.dup2(handle.fileno(), 2)


def _experiments() -> None:
    # Two runs that make the same experiment at once would disturb each other.
    importlib.import_module("shared.mlflow_utils").setup_experiments()


def _learn(lesson: Lesson) -> Learned:
    module = importlib.import_module(f"training.{lesson.model}.train")
    seed = {} if lesson.seed is None else {"seed": lesson.seed}
    result = module.train(quick=lesson.quick, **seed)
    missed = [f"{judged.sentence}." for judged in result.gates if not judged.passed]
    return Learned(lesson, result.model_uri, missed)


@contextmanager
def learning(
    lessons: list[Lesson], log: Path, variables: Mapping[str, str]
) -> Iterator[list[Future[Learned]]]:
    """A result for each lesson. Whatever still trains when the block is left is ended."""
    pool = ProcessPoolExecutor(
        AT_ONCE, multiprocessing.get_context("spawn"), _begin, (log, variables)
    )
    try:
        pool.submit(_experiments).result()
        yield [pool.submit(_learn, lesson) for lesson in lessons]
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
