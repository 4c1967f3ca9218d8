"""The judge's verdicts, from counts that somebody could have seen."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend_api.rules.judge import Judgement, Minute, Tally, Verdict, judge

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
GOOD: dict[str, Any] = {"units": 10, "confident": 10, "outputs": Counter(low=6, high=4)}
STABLE: dict[str, Any] = {"units": 90, "confident": 90, "outputs": Counter(low=54, high=36)}


def minutes(count: int, canary: dict[str, Any], stable: dict[str, Any] = STABLE) -> list[Minute]:
    return [
        Minute(START + timedelta(minutes=n), Tally(**canary), Tally(**stable)) for n in range(count)
    ]


def verdict(seen: list[Minute]) -> Judgement:
    return judge(seen, "v2", "v1", HOUR, 500)


def test_a_canary_like_stable_is_promoted_once_time_and_units_are_enough() -> None:
    early = verdict(minutes(30, GOOD))
    assert early.verdict == Verdict.NOT_ENOUGH
    assert "200 more of v2, 30 min more" in early.sentence
    done = verdict(minutes(60, GOOD))
    assert done.verdict == Verdict.PROMOTE
    assert "600 users' minutes of v2 beside 5,400 of v1" in done.sentence
    assert (done.minutes, done.since, done.until) == (60, START, START + HOUR)


WORSE: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "errors": ({"errors": 1}, {"errors": 1}, "10.00% (300 of 3,000) failed"),
    "slow": ({"slow": 2}, {"slow": 2}, "took longer than 200 ms"),
    "unsure": ({"unsure": 5, "confident": 5}, {"unsure": 10, "confident": 80}, "confidence of 0.7"),
    "outputs": (
        {"outputs": Counter(low=2, high=8)}, {"outputs": Counter(low=54, high=36)}, "answered",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WORSE)
def test_a_worse_canary_goes_back_and_the_sentence_says_for_what(name: str) -> None:
    canary, stable, says = WORSE[name]
    found = verdict(minutes(300, GOOD | canary, STABLE | stable))
    assert found.verdict == Verdict.ROLL_BACK
    assert says in found.sentence or name == "errors"
    worst = max(found.findings, key=lambda f: f.log_evidence)
    assert worst.name == {"unsure": "confidence"}.get(name, name)
    assert found.log_evidence >= found.threshold


def test_a_better_canary_does_not_go_back_for_being_better() -> None:
    found = verdict(minutes(120, GOOD, STABLE | {"errors": 9, "slow": 20}))
    assert found.verdict == Verdict.PROMOTE


def test_a_hard_limit_acts_at_once() -> None:
    found = verdict(minutes(2, GOOD | {"errors": 10, "confident": 0, "outputs": Counter()}))
    assert found.verdict == Verdict.ROLL_BACK
    assert "20 of 20 (100.0%) failed; 1% may" in found.sentence
    slow = verdict(minutes(3, GOOD | {"slow": 9, "very_slow": 9}))
    assert "took longer than 500 ms" in slow.sentence


def test_when_both_arms_are_sick_the_canary_is_not_blamed() -> None:
    found = verdict(minutes(120, GOOD | {"errors": 1}, STABLE | {"errors": 9}))
    assert found.verdict == Verdict.NOT_ENOUGH
    assert "Both arms are over a limit" in found.sentence


def test_one_failure_is_not_enough() -> None:
    seen = minutes(1, GOOD | {"errors": 1}) + minutes(59, GOOD)
    assert verdict(seen).verdict == Verdict.PROMOTE


def test_no_data_is_not_bad_and_does_not_count_as_time() -> None:
    assert verdict([]).verdict == Verdict.NOT_ENOUGH
    silent: dict[str, Any] = {}
    found = verdict(minutes(50, GOOD) + minutes(600, silent))
    assert found.verdict == Verdict.NOT_ENOUGH
    assert "10 min more with answers of both" in found.sentence
    assert found.minutes == 50


def test_rare_outputs_are_counted_together() -> None:
    many = Counter({f"merchant {n}": 1 for n in range(90)})
    found = verdict(minutes(60, GOOD, STABLE | {"outputs": many}))
    outputs = next(f for f in found.findings if f.name == "outputs")
    assert outputs.canary_units == 600
    assert found.verdict == Verdict.ROLL_BACK
