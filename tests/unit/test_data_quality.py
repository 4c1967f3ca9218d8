"""Values that should not come: how many are a fault, and how it is said."""

import numpy as np
import pytest

from backend_api.rules.data_quality import quality
from backend_api.states import Health
from tests.profiles import drawn, number, profile, vector, words

AMOUNT = [0, *[100] * 10, 0, 0, 0]


@pytest.mark.parametrize(
    ("place", "kind", "words_"),
    [(-2, "empty", "are missing (40 of 1,040)"), (-1, "wrong", "are of another type"),
     (0, "below", "are below the range"), (11, "above", "are above the range")],
)  # fmt: skip
def test_each_kind_of_odd_number_is_found_by_name(place: int, kind: str, words_: str) -> None:
    made = profile(number("amount"), number("age"))
    window = list(AMOUNT)
    window[place] = 40
    found = quality(
        made, made.counts, vector(made, amount=window, age=[4, *window[1:-3], 0, 0, 36])
    )
    assert found.state == Health.DEGRADED
    mine = [one for one in found.findings if (one.feature, one.kind) == ("amount", kind)]
    assert len(mine) == 1
    assert mine[0].share == pytest.approx(40 / 1040)
    assert words_ in mine[0].sentence
    assert "0.0% were in the reference" in mine[0].sentence


def test_an_unseen_category_is_found() -> None:
    made = profile(words("purpose", "car", "home"), counts={"purpose": [600, 400, 10, 0, 0]})
    found = quality(made, made.counts, vector(made, purpose=[550, 390, 60, 0, 0]))
    assert [one.kind for one in found.findings] == ["unseen"]
    assert "1.0% were in the reference" in found.findings[0].sentence


def test_what_the_reference_has_as_well_is_no_fault() -> None:
    made = profile(number("amount"), counts={"amount": [0, *[80] * 10, 0, 200, 0]})
    assert quality(made, made.counts, made.counts).state == Health.OK


def test_a_handful_is_no_fault_and_neither_is_a_share_that_does_not_matter() -> None:
    made = profile(number("amount"))
    few = [0, *[3] * 10, 0, 2, 0]
    assert quality(made, made.counts, vector(made, amount=few)).state == Health.UNKNOWN
    slight = [0, *[100_000] * 10, 0, 5_000, 0]
    assert quality(made, made.counts, vector(made, amount=slight)).state == Health.OK


def test_nothing_to_look_at_is_not_fine() -> None:
    made = profile(number("amount"))
    found = quality(made, made.counts, vector(made, amount=[0] * 14))
    assert (found.state, found.findings) == (Health.UNKNOWN, ())


def test_the_worst_comes_first() -> None:
    made = profile(number("amount"), number("age"))
    window = vector(made, amount=[0, *[100] * 10, 0, 100, 0], age=[0, *[100] * 10, 50, 50, 0])
    found = quality(made, made.counts, window).findings
    assert found[0].kind == "empty"
    assert [one.share for one in found] == sorted((one.share for one in found), reverse=True)


def test_chance_is_not_called_a_fault() -> None:
    made = profile(*(number(f"f{n}") for n in range(20)),
                   counts={f"f{n}": [0, *[190] * 10, 0, 100, 0] for n in range(20)})  # fmt: skip
    rng = np.random.default_rng(8)
    days = drawn(made, rng, 1000, 500)
    assert sum(quality(made, made.counts, day).state == Health.DEGRADED for day in days) == 0
