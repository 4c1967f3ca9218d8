"""Reference profiles and counts: bins, types, texts, lists, and documents that are none."""

import math
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.columns import measured
from shared.counting import CHUNK, count
from shared.profile import (
    TEXT_MEASURES,
    Feature,
    Profile,
    ProfileError,
    Source,
    as_document,
    read,
)
from shared.reference import edges, infer, make

VALUES = st.none() | st.booleans() | st.integers(-3, 99) | st.floats(-9, 9) | st.text(max_size=3)
TEXTS = st.none() | st.integers() | st.text(st.characters(exclude_categories=[]), max_size=30)


def records(values: list[Any], field: str = "x") -> list[dict[str, Any]]:
    return [{"input": {field: value}, "output": {"y": 1.0}} for value in values]


def one(feature: Feature, values: list[Any]) -> list[int]:
    profile = Profile(1, (feature,), np.zeros(feature.size, dtype=np.int64))
    return [int(n) for n in count(profile, records(values))]


def test_a_number_falls_into_its_bin_below_above_null_or_wrong() -> None:
    feature = Feature("x", Source(("input", "x")), "number", edges=(0.0, 1.0, 5.0))
    assert feature.bins == ("below 0", "0 to 1", "1 to 5", "above 5", "NULL", "WRONG TYPE")
    values = [-1, 0, 0.5, 1, 5.0, 5.1, None, "3", True, [1]]
    assert one(feature, values) == [1, 2, 2, 1, 1, 3]


def test_a_value_with_a_bin_of_its_own_at_the_upper_end() -> None:
    feature = Feature("x", Source(("input", "x")), "number", edges=(0.0, 2.0, 2.0))
    assert one(feature, [0, 1.9, 2, 2.1]) == [0, 2, 1, 1, 0, 0]


def test_categories_with_others_null_and_wrong() -> None:
    text = Feature("x", Source(("input", "x")), "text", categories=("a", "b"))
    assert one(text, ["a", "b", "b", "z", None, 1, True, {}]) == [1, 2, 1, 1, 3]
    flag = Feature("x", Source(("input", "x")), "flag", categories=("false", "true"))
    assert one(flag, [True, False, False, None, "true", 1]) == [2, 1, 0, 1, 2]


def test_lists_are_counted_by_label_or_length() -> None:
    label = Feature("x", Source(("input", "x"), "count_label", "A"), "number", edges=(0, 1, 1))
    found = [[{"label": "A"}, {"label": "B"}], [], [{"label": "A"}, {"label": "A"}, 3], None, "A"]
    assert one(label, found) == [0, 1, 1, 1, 1, 1]
    length = Feature("x", Source(("input", "x"), "length"), "number", edges=(0, 2, 2))
    assert one(length, found) == [0, 1, 1, 1, 1, 1]


def test_what_is_not_there_at_all_is_null() -> None:
    feature = Feature("x", Source(("output", "deep", "x")), "number", edges=(0, 1))
    profile = Profile(1, (feature,), np.zeros(feature.size, dtype=np.int64))
    asked: list[dict[str, Any]] = [
        {},
        {"output": None},
        {"output": {"deep": 1}},
        {"output": {"deep": {"x": 1}}},
    ]
    assert count(profile, asked).tolist() == [0, 1, 0, 3, 0]


@given(st.lists(VALUES, min_size=1, max_size=40), st.lists(VALUES, min_size=1, max_size=40))
def test_counts_add_up_and_each_record_counts_once_per_feature(a: list[Any], b: list[Any]) -> None:
    profile = make({"x": Source(("input", "x")), "y": Source(("output", "y"))}, records([1, *a]))
    assert profile.counts.tolist() == count(profile, records([1, *a])).tolist()
    assert (count(profile, records(a)) + count(profile, records(b))).tolist() == count(
        profile, records(a + b)
    ).tolist()
    for part in profile.slices.values():
        assert count(profile, records(b))[part].sum() == len(b)
    assert read(orjson.loads(orjson.dumps(as_document(profile)))) == profile


def test_many_records_are_counted_as_few_are() -> None:
    profile = make({"x": Source(("input", "x"))}, records(list(range(100))))
    many = records(list(range(-5, 2 * CHUNK)))
    alone = sum(count(profile, [record]) for record in many)
    assert count(profile, many).tolist() == np.array(alone).tolist()


@given(st.lists(TEXTS, max_size=8))
def test_texts_are_measured_as_one_would_alone(texts: list[Any]) -> None:
    found, wrong = measured(texts)
    assert wrong == sum(isinstance(t, int) for t in texts)
    for place, text in enumerate(texts):
        got = {name: found[name][place] for name in TEXT_MEASURES}
        if not isinstance(text, str):
            assert all(math.isnan(v) for v in got.values())
            continue
        size, words = max(len(text), 1), text.split()
        assert got == {
            "characters": len(text),
            "words": len(words),
            "mean_word_characters": sum(map(len, words)) / max(len(words), 1),
            "digit_share": sum(c.isdigit() for c in text) / size,
            "upper_share": sum(c.isupper() for c in text) / size,
            "non_ascii_share": sum(ord(c) > 127 for c in text) / size,
        }


def test_a_rare_value_is_not_merged_with_a_common_one() -> None:
    assert edges(np.array([0.0] * 97 + [1.0] * 3)) == (0.0, 1.0, 1.0)
    mostly_zero = np.array([0.0] * 800 + [float(n) for n in range(1, 201)])
    found = edges(mostly_zero)
    assert found[:2] == (0.0, 1.0)
    assert found[-1] == 200.0


@given(st.lists(st.floats(-1e9, 1e9) | st.sampled_from([0.0, 1.0, 7.0]), min_size=1, max_size=300))
def test_edges_hold_all_of_the_reference_in_at_most_ten_bins(values: list[float]) -> None:
    profile = make({"x": Source(("input", "x"))}, records(values))
    (feature,) = profile.features
    assert 1 <= feature.inner <= 10
    below, above = (profile.counts[place] for place in feature.outside)
    assert (below, above) == (0, 0)
    assert read(as_document(profile)) == profile


def test_what_to_watch_is_found_in_records_of_any_model() -> None:
    rows = [
        {
            "input": {"amount": n * 1.5, "channel": "upi" if n % 3 else "card", "id": f"u{n}",
                      "said": "please pay the bill today", "new": n % 2 == 0},
            "output": {"entities": [{"label": "BANK"}], "scores": [1, 2], "class": n % 3},
        }
        for n in range(60)
    ]  # fmt: skip
    profile = make(infer(rows), rows)
    assert [f.name for f in profile.features] == [
        "amount", "channel", "new", *(f"said.{m}" for m in TEXT_MEASURES),
        "output.class", "output.entities.BANK", "output.scores.length",
    ]  # fmt: skip
    kinds = {f.name: f.type for f in profile.features}
    assert (kinds["amount"], kinds["channel"], kinds["new"]) == ("number", "text", "flag")
    assert [f.is_output for f in profile.features][-4:] == [False, True, True, True]


def test_records_without_anything_to_watch() -> None:
    with pytest.raises(ProfileError, match="no value"):
        make({"x": Source(("input", "x"))}, records([None]))


GOOD = as_document(make({"x": Source(("input", "x"))}, records([1.0, 2.0, 3.0])))


def changed(**changes: Any) -> dict[str, Any]:
    return {**GOOD, "features": [{**GOOD["features"][0], **changes}]}


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "no object"),
        ({"rows": 3, "features": {"characters": {"kind": "numeric"}}}, "written before"),
        ({**GOOD, "rows": True}, "rows"),
        ({**GOOD, "features": []}, "list of 1 to"),
        ({**GOOD, "features": GOOD["features"] * 2}, "same name"),
        (changed(name=None), "no name"),
        (changed(type="blob"), "x has no type"),
        (changed(source={}), "no path"),
        (changed(source={"path": ["label", "x"]}), "input or output"),
        (changed(source={"path": ["input", "x"], "measure": "mood"}), "mood"),
        (changed(source={"path": ["input", "x"], "measure": "count_label"}), "needs a label"),
        (changed(edges=[2, 1]), "ascending"),
        (changed(edges=["a"]), "list of numbers"),
        (changed(edges=[1, 1, 2, 3]), "last edge"),
        (changed(counts=[1, 2]), "sum 3"),
        (changed(counts=["1"]), "whole numbers"),
        (changed(weight=-1), "weight"),
        (changed(type="text"), "categories"),
        (changed(type="text", categories=["a", "a"]), "different"),
    ],
)
def test_a_document_that_is_no_profile(document: Any, says: str) -> None:
    with pytest.raises(ProfileError, match=says):
        read(document)
