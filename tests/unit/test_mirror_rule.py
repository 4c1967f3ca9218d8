"""What MLflow should say, and how a difference is put into words."""

from dataclasses import replace

import pytest

from backend_api.rules.mirror import Picture, difference, wanted
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
