"""One vocabulary: every state has a look, every deed a word, and typed text stays text."""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import pytest

from backend_api.states import (
    DeploymentStatus,
    GateState,
    Health,
    JobState,
    PromotionStatus,
    Role,
    VersionStatus,
)
from console import badges, ledger_view, times
from console.forms import ROLE_WORDS
from console.markdown import plain
from ops.settings import PROJECT

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
RECORDED = re.compile(r'"((?:version|promotion|model|canary|hold|mirror|token|account|deployment'
                      r'|rollback)\.[a-z_.]+)"')  # fmt: skip


@pytest.mark.parametrize(
    "states", [Health, VersionStatus, DeploymentStatus, GateState, PromotionStatus, JobState]
)
def test_every_state_has_a_look_of_its_own(states: type[StrEnum]) -> None:
    assert [state for state in states if state not in badges.LOOKS] == []
    looks = [badges.LOOKS[state] for state in states]
    assert len({look.word for look in looks}) == len(looks)


def test_a_badge_is_never_told_by_its_colour_alone() -> None:
    for state in badges.LOOKS:
        assert re.fullmatch(r":[a-z]+-badge\[:material/[a-z0-9_]+: .+\]", badges.badge(state))
    assert "Thawing out" in badges.badge("thawing_out")


def test_every_deed_that_the_backend_records_has_a_word() -> None:
    sources = [path.read_text() for path in (PROJECT / "backend_api").rglob("*.py")]
    recorded = {action for source in sources for action in RECORDED.findall(source)}
    assert len(recorded) > 15
    assert recorded - set(ledger_view.DEEDS) == set()
    ends = {f"promotion.{status}" for status in PromotionStatus} - {"promotion.pending"}
    assert ends - {"promotion.applied"} <= set(ledger_view.DEEDS)


def test_a_statement_typed_by_hand_tells_itself() -> None:
    assert (
        ledger_view.deed("sql.update model_deployments").word == "Typed update model deployments:"
    )
    assert "by hand" in badges.by_hand("sql:nivesh")
    assert badges.by_hand("asha") == ""


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (timedelta(0), "just now"),
        (timedelta(milliseconds=400), "just now"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(seconds=60), "1 min ago"),
        (timedelta(minutes=119), "1 h ago"),
        (timedelta(hours=49), "2 d ago"),
        (timedelta(seconds=-90), "in 1 min"),
    ],
)
def test_an_age_is_told_in_its_largest_whole_unit(distance: timedelta, words: str) -> None:
    assert times.ago(NOW - distance, NOW) == words


def test_an_age_carries_the_absolute_time() -> None:
    told = times.since(NOW - timedelta(minutes=2), NOW)
    assert 'title="24 Nov 2026, 11:58:00 UTC"' in told
    assert told.endswith(">2 min ago</time>")


@pytest.mark.parametrize(
    "typed",
    ["<script>alert(1)</script>", "**bold** _it_", "[a](http://x)", "`code`", ":red[alarm]", "a|b",
     "$x$", "&lt;", "~~no~~", "# head"],
)  # fmt: skip
def test_typed_text_neither_formats_nor_loads(typed: str) -> None:
    assert re.search(r"(?<!\\)[`*_<>\[\]|$&~#:]", plain(typed)) is None
    assert re.sub(r"\\(.)", r"\1", plain(typed)) == typed


def test_typed_text_stays_on_its_line() -> None:
    assert plain("one\n\n# two\tthree") == "one \\# two three"
    assert plain("10\u00a0%") == "10\u00a0%", "a number stays with its unit"


def test_every_role_has_a_word() -> None:
    assert set(ROLE_WORDS) == set(Role)
