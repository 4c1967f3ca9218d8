"""What MLflow should say, and how a difference is put into words."""

from dataclasses import replace

import pytest

from backend_api.rules.mirror import (
    Picture,
    SetAlias,
    SetStage,
    SetStatus,
    difference,
    foreign,
    steps,
    wanted,
)
from backend_api.states import VersionStatus as V

WANT = wanted({1: V.ARCHIVED, 2: V.PRODUCTION, 3: V.CANARY}, production=2, canary=3)


def test_wanted_names_aliases_stages_and_statuses() -> None:
    assert WANT.aliases == {"production": 2, "canary": 3}
    assert WANT.stages == {1: "Archived", 2: "Production", 3: "Staging"}
    assert WANT.statuses[3] == "canary"
    assert wanted({1: V.REGISTERED}, None, None).aliases == {}


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (replace(WANT, aliases={"production": 1, "canary": 3}), "'production' points to 1"),
        (replace(WANT, aliases={"production": 2}), "alias 'canary' points to nothing"),
        (replace(WANT, stages={**WANT.stages, 1: "Production"}), "1 is in stage Production"),
        (replace(WANT, stages={1: "Archived", 2: "Production"}), "version 3 is missing"),
        (replace(WANT, statuses={**WANT.statuses, 2: ""}), "version 2 is tagged"),
        (replace(WANT, stages={**WANT.stages, 7: "Production"}), "version 7 has a stage"),
    ],
)
def test_the_first_difference_is_named(seen: Picture, says: str) -> None:
    assert says in str(difference(WANT, seen))


def test_equal_pictures_and_strangers_without_a_stage_differ_in_nothing() -> None:
    assert difference(WANT, WANT) is None
    assert difference(WANT, replace(WANT, stages={**WANT.stages, 7: "None"})) is None


def test_steps_make_equal_and_production_is_entered_last() -> None:
    seen = Picture({"canary": 1}, {1: "Production", 2: "Staging", 3: "None"}, {})
    found = steps(WANT, seen)
    assert found[:2] == [SetAlias("production", 2), SetAlias("canary", 3)]
    stages = [step for step in found if isinstance(step, SetStage)]
    assert stages[-1] == SetStage(2, "Production")
    assert SetStatus(3, "canary") in found
    assert steps(WANT, WANT) == []


def test_steps_leave_out_what_mlflow_has_lost() -> None:
    lost = Picture({}, {1: "Archived"}, {1: "archived"})
    assert steps(WANT, lost) == []
    gone = wanted({1: V.REJECTED, 2: V.PRODUCTION}, production=2, canary=None)
    assert (
        difference(gone, Picture({"production": 2}, {2: "Production"}, {2: "production"})) is None
    )


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (WANT, None),
        (replace(WANT, stages={**WANT.stages, 9: "None"}), None),
        (replace(WANT, aliases={"canary": 3}), "alias 'production' was moved from 2 to nothing."),
        (replace(WANT, stages={1: "Archived", 2: "Production"}), "version 3 was deleted."),
        (replace(WANT, stages={**WANT.stages, 1: "None"}), "version 1 went from Archived to None."),
        (replace(WANT, statuses={**WANT.statuses, 1: "x"}), "the tag of version 1 was changed."),
    ],
)
def test_what_others_changed_is_told_and_new_versions_are_no_change(
    seen: Picture, says: str | None
) -> None:
    assert foreign(WANT, seen) == says
