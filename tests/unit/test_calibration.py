"""What confidence alone says, before and after labels correct it."""

import pytest

from backend_api.rules import calibration
from backend_api.rules.calibration import EDGES, LEAST_LABELS, NO_CONFIDENCE, Bin


def test_without_enough_labels_confidence_is_taken_at_its_word() -> None:
    learnt = calibration.learn({3: Bin(1_000, 900.0, LEAST_LABELS - 1, 100)})
    assert not learnt.learnt
    assert calibration.estimate({3: Bin(10, 9.0, 0, 0)}, learnt) == pytest.approx(0.9)
    assert "too few" in calibration.method(learnt)


def test_an_overconfident_model_is_corrected_by_its_labels() -> None:
    history = {9: Bin(10_000, 9_900.0, 2_000, 1_600), 4: Bin(5_000, 3_250.0, 1_000, 650)}
    learnt = calibration.learn(history)
    assert learnt.learnt
    assert learnt.error == pytest.approx((2_000 * 0.19 + 0.0) / 3_000)
    day = {9: Bin(100, 99.0, 0, 0)}
    assert calibration.estimate(day, learnt) == pytest.approx((1_600 + 20 * 0.99) / 2_020)
    both = {9: Bin(100, 99.0, 0, 0), 4: Bin(100, 65.0, 0, 0)}
    found = calibration.estimate(both, learnt)
    assert found == pytest.approx(0.5 * ((1_600 + 19.8) / 2_020) + 0.5 * (650 + 13.0) / 1_020)


def test_a_bin_that_was_never_labelled_keeps_its_own_confidence() -> None:
    learnt = calibration.learn({9: Bin(1_000, 990.0, 500, 450), 2: Bin(100, 45.0, 0, 0)})
    assert calibration.estimate({2: Bin(10, 4.5, 0, 0)}, learnt) == pytest.approx(0.45)
    assert calibration.estimate({1: Bin(10, 3.5, 0, 0)}, learnt) == pytest.approx(0.35)


def test_answers_without_a_confidence_say_nothing() -> None:
    bins = {NO_CONFIDENCE: Bin(1_000, 0.0, 500, 400)}
    learnt = calibration.learn(bins)
    assert (learnt.learnt, learnt.labels, learnt.error) == (False, 0, None)
    assert calibration.estimate(bins, learnt) is None


def test_edges_rise() -> None:
    assert list(EDGES) == sorted(set(EDGES))


def test_what_a_version_was_tested_on_corrects_it_until_there_are_labels() -> None:
    tested = calibration.bins([(0.97, n % 4 > 0) for n in range(400)])
    day = {place: Bin(100, 97.0, 0, 0) for place in tested}
    before = calibration.best({3: Bin(1_000, 900.0, LEAST_LABELS - 1, 100)}, tested)
    assert (before.learnt, before.held_out, before.labels) == (True, True, 400)
    assert before.error == pytest.approx(0.22)
    assert calibration.estimate(day, before) == pytest.approx((300 + 20 * 0.97) / 420)
    assert "400 rows that the version was not trained on" in calibration.method(before)
    labelled = {place: Bin(1_000, 970.0, 500, 250) for place in day}
    after = calibration.best(labelled, tested)
    assert (after.held_out, after.labels) == (False, 500)
    assert calibration.estimate(day, after) == pytest.approx((250 + 20 * 0.97) / 520)


def test_too_few_rows_of_either_kind_leave_confidence_as_it_is() -> None:
    few = calibration.bins([(0.9, False)] * (LEAST_LABELS - 1))
    found = calibration.best({}, few)
    assert (found.learnt, found.held_out, found.labels) == (False, False, 0)
