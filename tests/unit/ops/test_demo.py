"""What the demonstration trains, and what it does with a version that is not good enough."""

import pytest

from ops.demo import run
from ops.demo.promotion import Pair
from ops.demo.training import Learned, Lesson


def test_each_unserved_model_is_trained_and_one_of_them_twice() -> None:
    plan = run.lessons(["intent_classifier", "credit_risk"])
    assert plan[:2] == [Lesson("intent_classifier"), Lesson("credit_risk")]
    assert [lesson.model for lesson in plan] == [*("intent_classifier", "credit_risk"), run.TWICE]
    assert plan[2].seed is not None
    assert run.lessons(["credit_risk"]) == [Lesson("credit_risk")]


def test_a_version_that_misses_its_criteria_is_not_registered(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bad = Learned(Lesson("credit_risk"), "runs:/1/model", ["AUC-ROC is 0.80, misses by 0.05."])
    # Nobody is asked: a call of any method would fail.
    run.consider(Pair(None, None), bad)  # type: ignore[arg-type]
    said = capsys.readouterr().err
    assert "credit_risk misses its criteria" in said
    assert "misses by 0.05" in said
