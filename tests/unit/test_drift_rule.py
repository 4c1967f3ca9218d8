"""Scores of features, and the states that they make."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_api.rules.drift import Part, judge, measure
from backend_api.states import DriftState
from shared.profile import Profile
from tests.profiles import drawn, number, profile, vector, words

S = DriftState
EVEN = [0, *[100] * 10, 0, 0, 0]
# Half of a tenth moved, and everything in one bin.
LEANING = [0, 30, 50, *[100] * 6, 150, 170, 0, 0, 0]
HEAPED = [0, 1000, *[0] * 9, 0, 0, 0]


def two() -> Profile:
    return profile(number("amount"), number("age"), words("intent", "pay", "save", side="output"))


def scaled(counts: list[int], rows: int) -> list[int]:
    return [round(count * rows / sum(counts)) for count in counts]


def test_the_same_requests_have_no_drift() -> None:
    made = two()
    found = judge(made, made.counts, made.counts)
    assert found.state == S.INSUFFICIENT  # 200 rows of intent
    larger = judge(made, made.counts * 10, made.counts * 10)
    assert larger.state == S.NONE
    assert [score.distance for score in larger.scores] == [0, 0, 0]
    assert larger.rows == 2000


def test_features_are_scored_by_name_and_the_worst_leads() -> None:
    made = profile(number("amount"), number("age"))
    found = judge(made, made.counts, vector(made, amount=LEANING, age=HEAPED))
    states = {score.name: score.state for score in found.scores}
    assert states == {"amount": S.MEDIUM, "age": S.HIGH}
    part = found.part("input")
    assert part is not None
    assert (part.worst, part.state, found.state) == ("age", S.HIGH, S.HIGH)
    assert part.worst_distance == pytest.approx(0.871, abs=0.01)
    assert found.part("prediction") is None


def test_one_dead_feature_among_forty_is_not_averaged_away() -> None:
    names = [f"f{n}" for n in range(40)]
    made = profile(*map(number, names))
    found = judge(made, made.counts, vector(made, f7=HEAPED))
    part = found.part("input")
    assert part is not None
    assert part.distance is not None
    assert part.distance < 0.1
    assert (part.worst, found.state) == ("f7", S.HIGH)


def test_weights_decide_the_mean() -> None:
    made = profile(number("amount", weight=9.0), number("age", weight=1.0))
    leads = judge(made, made.counts, vector(made, amount=HEAPED)).part("input")
    follows = judge(made, made.counts, vector(made, age=HEAPED)).part("input")
    assert leads is not None
    assert follows is not None
    assert leads.distance == pytest.approx(9 * (follows.distance or 0))


def test_prediction_drift_stands_apart_from_the_inputs() -> None:
    made = profile(
        number("amount"), words("intent", "pay", "save", side="output"),
        counts={"intent": [500, 500, 0, 0, 0]},
    )  # fmt: skip
    found = judge(made, made.counts, vector(made, intent=[950, 50, 0, 0, 0]))
    assert {part.name: part.state for part in found.parts} == {
        "prediction": S.HIGH, "input": S.NONE,
    }  # fmt: skip
    assert found.state == S.HIGH


def test_text_is_a_part_of_its_own() -> None:
    made = profile(number("amount"))
    text = Part("text", S.HIGH, 0.5, 0.1)
    found = judge(made, made.counts, made.counts, text)
    assert found.state == S.HIGH
    assert found.part("input") != text
    assert found.part("text") == text


@pytest.mark.parametrize(
    ("counts", "rows", "state"),
    [
        (LEANING, 1000, S.MEDIUM), (LEANING, 490, S.INSUFFICIENT), (HEAPED, 490, S.HIGH),
        (HEAPED, 200, S.HIGH), (HEAPED, 190, S.INSUFFICIENT), (EVEN, 490, S.INSUFFICIENT),
        (EVEN, 500, S.NONE), ([0] * 14, 0, S.INSUFFICIENT),
    ],
)  # fmt: skip
def test_too_few_rows_are_never_good_news(counts: list[int], rows: int, state: S) -> None:
    made = profile(number("amount"))
    window = scaled(counts, rows) if rows else counts
    found = judge(made, made.counts, vector(made, amount=window))
    assert found.state == state
    assert found.rows == pytest.approx(rows, abs=6)


def test_a_small_reference_is_too_few_rows_as_well() -> None:
    made = profile(number("amount"), counts={"amount": scaled(EVEN, 300)})
    assert judge(made, made.counts, vector(made, amount=EVEN)).state == S.INSUFFICIENT


def test_over_the_line_is_not_enough_where_chance_reaches_it() -> None:
    # 0.1 is crossed, as 500 rows on both sides in 20 bins do more often than not.
    rng = np.random.default_rng(3)
    made = profile(words("branch", *[f"b{n}" for n in range(20)], side="input"))
    reference, window = drawn(made, rng, 500, 2)
    found = judge(made, reference, window).scores[0]
    assert found.distance is not None
    assert found.distance > 0.1
    assert found.state == S.NONE


def test_many_features_need_more_evidence_than_one() -> None:
    window = [0, 160, 40, *[100] * 8, 0, 0, 0]
    alone = profile(number("f0"))
    many = profile(*(number(f"f{n}") for n in range(50)))
    one = judge(alone, alone.counts, vector(alone, f0=window)).scores[0]
    among = judge(many, many.counts, vector(many, f0=window)).scores[0]
    assert one.distance == among.distance
    assert among.adjusted == pytest.approx(50 * one.adjusted)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 3000))
def test_days_at_once_are_the_days_one_by_one(seed: int, days: int, rows: int) -> None:
    made, rng = two(), np.random.default_rng(seed)
    windows = drawn(made, rng, rows, days)
    at_once = measure(made, made.counts, windows)
    for day in range(days):
        alone = measure(made, made.counts, windows[day])
        assert np.allclose(at_once.distance[day], alone.distance, rtol=0, atol=1e-12)
        assert np.allclose(at_once.adjusted[day], alone.adjusted, rtol=1e-9, atol=0)
        assert np.array_equal(at_once.states[day], alone.states)
