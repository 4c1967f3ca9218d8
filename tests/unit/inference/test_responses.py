"""Answers that are given again: to whom, and how many are kept."""

from inference.responses import LONGEST_BYTES, Responses

ROW = {"query": "a", "user_id": "u"}


def test_only_the_very_same_input_version_and_epoch_meet_an_answer_again() -> None:
    kept = Responses({"m": 10, "off": 0})
    place = kept.place("m", "v1", 3, [ROW])
    assert kept.find(place) is None
    kept.keep(place, [{"intent": "x"}])
    assert kept.find(kept.place("m", "v1", 3, [dict(reversed(ROW.items()))])) == [{"intent": "x"}]
    for other in (
        ("m", "v2", 3, [ROW]), ("m", "v1", 4, [ROW]), ("m", "v1", 3, [ROW, ROW]),
        ("m", "v1", 3, [{**ROW, "user_id": "w"}]),
    ):  # fmt: skip
        assert kept.find(kept.place(*other)) is None


def test_a_model_without_a_cache_and_a_long_input_are_not_kept() -> None:
    kept = Responses({"m": 10, "off": 0})
    assert kept.place("off", "v1", 3, [ROW]) is None
    assert kept.place("unknown", "v1", 3, [ROW]) is None
    assert kept.place("m", "v1", 3, [{"query": "x" * LONGEST_BYTES}]) is None
    assert kept.find(None) is None


def test_the_least_recently_used_answer_goes_first() -> None:
    kept = Responses({"m": 2})
    places = [kept.place("m", "v1", 1, [{"n": n}]) for n in range(3)]
    for place in places[:2]:
        kept.keep(place, [{"n": 1}])
    assert kept.find(places[0])
    kept.keep(places[2], [{"n": 2}])
    assert [bool(kept.find(place)) for place in places] == [True, False, True]
