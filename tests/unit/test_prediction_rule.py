"""What answered a request, in words; and why a prediction is not there."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from backend_api.rules import prediction as rule
from backend_api.schemas import Decided, Moment

NOW = datetime(2026, 3, 3, 14, 5, tzinfo=UTC)


def made(at: datetime) -> UUID:
    """An id of version 7 of that time."""
    return UUID(int=int(at.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62)


def part(version: str | None, by: str = "ravi", share: int | None = None) -> Decided:
    return Decided(version=version, share=share, since=NOW, until=None, by=by, baseline=False,
                   entry=None, approval=None)  # fmt: skip


def then(**changes: object) -> Moment:
    values: dict[str, object] = {
        "model_name": "intent_classifier", "at": NOW, "sentence": "v1.0.0 was in production.",
        "recorded": True, "recorded_from": NOW, "production": part("v1.0.0"),
        "canary": part("v1.1.0", share=10),
    }  # fmt: skip
    return Moment.model_validate(values | changes)


def said(version: str, arm: str, status: str = "ok") -> rule.Said:
    return rule.Said(NOW, version, arm, status, 4.21, 0.934)


@given(st.datetimes(datetime(1970, 1, 2), datetime(9999, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_the_time_of_an_id_is_read_from_it(at: datetime) -> None:
    found = rule.made_at(made(at))
    assert found is not None
    assert abs(found - at) <= timedelta(milliseconds=1)


def test_only_version_seven_has_a_time() -> None:
    assert rule.made_at(uuid4()) is None
    assert rule.made_at(UUID(int=(2**48 - 1) << 80 | 7 << 76 | 2 << 62)) is None
    real = rule.made_at(uuid7())
    assert real is not None


@pytest.mark.parametrize(
    ("found", "state", "says"),
    [
        (said("v1.0.0", "production"), {}, "v1.0.0 answered as production in 4.2 ms with"
         " confidence 0.93."),
        (said("v1.1.0", "canary"), {}, "confidence 0.93. Its share was 10 % then."),
        (said("v1.0.0", "production", "error"), {}, "and failed after 4.2 ms."),
        (said("v0.9.0", "production"), {}, "That is not what was decided by then: v1.0.0 was"),
        (said("v1.0.0", "production"), {"fallback": part(None)}, "That is not what was decided"),
        (said("rules", "fallback", "fallback"), {"fallback": part(None, "omar")},
         "Rules answered, no version did in 4.2 ms with confidence 0.93. omar had decided so."),
        (said("rules", "fallback", "fallback"), {}, "no version could be loaded on that worker."),
        (said("v1.2.0", "staging"), {}, "v1.2.0 answered, asked for by its name in 4.2 ms"),
        (said("v1.2.0", "shadow"), {}, "asked in the shadow, and nobody got its answer"),
        (said("v1.0.0", "production"), {"recorded": False}, "is not recorded."),
    ],
)  # fmt: skip
def test_what_answered_is_said(found: rule.Said, state: dict[str, object], says: str) -> None:
    assert says in rule.sentence(found, then(**state))


DAYS = [date(2026, 3, 1), date(2026, 3, 3), date(2026, 3, 4)]


@pytest.mark.parametrize(
    ("prediction", "reason", "says"),
    [
        (uuid4(), "unknown", "No prediction has the id"),
        (made(NOW + timedelta(days=1)), "unknown", "still to come"),
        (made(NOW - timedelta(seconds=3)), "not_delivered", "is not in the log yet"),
        (made(NOW - timedelta(hours=2)), "unknown", "others of 03 Mar 2026 may be in the log"),
        (made(NOW - timedelta(days=1)), "unknown", "nothing was logged on 02 Mar 2026"),
        (made(NOW - timedelta(days=91)), "not_kept", "no longer kept: the log holds 90 days"),
    ],
)
def test_why_it_is_not_there_is_said(prediction: UUID, reason: str, says: str) -> None:
    found, told, hint = rule.missing(prediction, NOW, DAYS, 90)
    assert (found, says in told, bool(hint)) == (reason, True, True)
