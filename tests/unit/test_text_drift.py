"""Text drift: nothing where nothing changed, and what changed where it did."""

import random

import pytest

from backend_api.rules.text_drift import compare
from backend_api.states import DriftState

MONEY = ("can i afford a loan of {}", "how much did i spend on {}", "move {} to my savings",
         "what is my balance after {}", "is {} a good interest rate")  # fmt: skip
TRAVEL = ("book a flight to {}", "which gate does the plane to {} leave from",
          "i lost my suitcase in {}", "find a hotel near {}")  # fmt: skip
THINGS = ("500", "groceries", "Delhi", "rent", "next month", "20000", "school", "Mumbai")


def asked(templates: tuple[str, ...], number: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    return [
        chance.choice(templates).format(" and ".join(chance.sample(THINGS, 2)))
        for _ in range(number)
    ]


@pytest.mark.parametrize("seed", range(4))
def test_other_samples_of_the_same_texts_are_no_drift(seed: int) -> None:
    found = compare(asked(MONEY, 1000, seed), asked(MONEY, 700, seed + 100))
    assert found.state == DriftState.NONE
    assert found.score is not None
    assert found.noise is not None
    assert found.score < found.noise
    assert (found.words, found.examples) == ((), ())


def test_texts_of_another_domain_are_high_and_named() -> None:
    new = asked(MONEY, 300, 1) + asked(TRAVEL, 400, 2)
    found = compare(asked(MONEY, 1000, 3), new)
    assert found.state == DriftState.HIGH
    assert {"flight", "hotel", "suitcase"} & set(found.words)
    assert all(text in new for text in found.examples)
    assert all(not text.startswith("can i afford") for text in found.examples)


def test_a_few_new_texts_among_many_are_medium() -> None:
    found = compare(asked(MONEY, 1500, 3), asked(MONEY, 800, 1) + asked(TRAVEL, 200, 2))
    assert found.state == DriftState.MEDIUM


def test_too_few_texts_say_nothing() -> None:
    found = compare(asked(MONEY, 1000, 1), asked(TRAVEL, 499, 2))
    assert (found.state, found.score) == (DriftState.INSUFFICIENT, None)
    assert compare(asked(MONEY, 99, 1), asked(TRAVEL, 600, 2)).state == DriftState.INSUFFICIENT


def test_texts_without_any_word_are_compared_as_well() -> None:
    assert compare(["?!"] * 600, ["?!"] * 600).state == DriftState.NONE
