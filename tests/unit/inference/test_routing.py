"""Which route follows from what is wanted, what is loaded, and what was served before."""

from pathlib import Path

import pytest

from inference.fallback import RULES
from inference.kept import Kept
from inference.models import Model
from inference.routing import (
    CANARY,
    FALLBACK,
    PRODUCTION,
    Key,
    Standby,
    Version,
    Wanted,
    answering,
    route,
    served,
)
from inference.runtimes.load import load
from shared.split import takes_canary
from tests.artefacts import tiny_intent
from tests.makers import digest

MODEL = "intent_classifier"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Some loaded version."""
    folder = tmp_path_factory.mktemp("routing") / "artefact"
    tiny_intent(folder, "out_of_scope")
    return load(folder, "user_id")


def version(number: int) -> Version:
    """``v1.N.0``."""
    return Version(version=f"v1.{number}.0", digest=digest(number), uri=None)


def wanted(epoch: int, production: int | None, canary: int | None = None, share: int = 0) -> Wanted:
    """A routing row."""
    return Wanted(
        model_name=MODEL, epoch=epoch, production=version(production) if production else None,
        canary=version(canary) if canary else None, share=share, salt=f"{MODEL}.{epoch}",
        target=None, staged=(), degraded=None,
    )  # fmt: skip


def ready(model: Model, *numbers: int) -> dict[Key, Model]:
    """These versions are in memory."""
    return {version(n).key(MODEL): model for n in numbers}


def test_production_and_canary_share_the_keys(loaded: Model) -> None:
    row = wanted(3, 1, 2, 30)
    made = route(row, ready(loaded, 1, 2), None)
    assert (made.epoch, made.share) == (3, 30)
    for user in map(str, range(200)):
        arm = made.arm(user)
        assert arm is not None
        expected = CANARY if takes_canary(user, row.salt, 30) else PRODUCTION
        assert arm.arm == expected
    stable = made.arm(None)
    assert stable is not None
    assert stable.arm == PRODUCTION


def test_until_production_is_loaded_the_route_before_stays_whole(loaded: Model) -> None:
    before = route(wanted(3, 1), ready(loaded, 1), None)
    assert route(wanted(4, 2, 3, 50), ready(loaded, 1, 3), before) is before


def test_with_nothing_before_nobody_answers(loaded: Model) -> None:
    made = route(wanted(4, 2), ready(loaded), None)
    assert made.arm("u") is None
    assert made.epoch == 0


def test_a_rollback_does_not_wait_for_a_canary_that_cannot_be_loaded(loaded: Model) -> None:
    before = route(wanted(3, 2), ready(loaded, 1, 2), None)
    made = route(wanted(4, 1, 3, 100), ready(loaded, 1, 2), before)
    arm = made.arm("u")
    assert arm is not None
    assert (arm.version, made.epoch, made.share) == ("v1.1.0", 4, 0)


def test_a_canary_joins_its_epoch_when_it_is_loaded(loaded: Model) -> None:
    first = route(wanted(4, 1, 2, 100), ready(loaded, 1), None)
    second = route(wanted(4, 1, 2, 100), ready(loaded, 1, 2), first)
    assert (first.share, second.share) == (0, 100)


def test_all_that_may_have_to_answer_or_is_compared_stays_in_memory() -> None:
    row = wanted(4, 1, 2, 10).model_copy(
        update={"target": version(3), "shadow": version(4), "staged": (version(5), version(1))}
    )
    assert row.versions() == [version(n) for n in (1, 2, 3, 4, 5)]


def standby(*, automatic: bool) -> Standby:
    """Rules of the model."""
    return Standby(served(MODEL, FALLBACK, FALLBACK, RULES[MODEL]), automatic)


def test_chosen_rules_answer_every_key_and_wait_for_no_version(loaded: Model) -> None:
    row = wanted(4, 2, 3, 50).model_copy(update={"fallback": True})
    before = route(wanted(3, 1), ready(loaded, 1), None)
    made = route(row, ready(loaded, 3), before)
    assert made.epoch == 4
    for automatic in (True, False):
        rules = standby(automatic=automatic)
        arms = {answering(made, key, rules) for key in (None, "u", "v")}
        assert arms == {rules.rules}
    assert rules.rules.status == FALLBACK


def test_rules_answer_by_themselves_only_where_no_version_can_and_they_may(loaded: Model) -> None:
    rules, shy = standby(automatic=True), standby(automatic=False)
    empty = route(wanted(4, 2), ready(loaded), None)
    for nothing in (None, empty):
        assert answering(nothing, "u", rules) is rules.rules
        assert answering(nothing, "u", shy) is None
        assert answering(nothing, "u", None) is None
    full = route(wanted(4, 2), ready(loaded, 2), None)
    arm = answering(full, "u", rules)
    assert arm is not None
    assert (arm.arm, arm.status) == (PRODUCTION, "ok")


def test_nothing_new_is_the_same_route(loaded: Model) -> None:
    first = route(wanted(4, 1), ready(loaded, 1), None)
    assert route(wanted(4, 1), ready(loaded, 1, 2), first) is first


def test_what_was_served_last_is_kept(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    assert kept.read() == []
    kept.write([wanted(5, 2)])
    # A database that was restored from a backup counts from an earlier epoch.
    Kept(tmp_path).write([wanted(4, 1)])
    assert kept.read() == [wanted(4, 1)]


@pytest.mark.parametrize("content", ["", "{", '{"routes": 5}', '{"routes": [{"epoch": "x"}]}'])
def test_a_kept_row_that_cannot_be_understood_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "routing.json").write_text(content)
    assert Kept(tmp_path).read() == []
    Kept(tmp_path).write([wanted(1, 1)])
    assert Kept(tmp_path).read() == [wanted(1, 1)]
