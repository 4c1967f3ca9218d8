"""Windows in which nothing is promoted."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from backend_api.rules.freeze import Window, WindowError, check, status

KOLKATA, BERLIN = ZoneInfo("Asia/Kolkata"), ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
SATURDAY = datetime(2026, 3, 7, tzinfo=KOLKATA)
WEEKEND = Window("Weekend", SATURDAY, 48 * HOUR, "FREQ=WEEKLY;BYDAY=SA", "Asia/Kolkata")
MONTH_END = Window(
    "Month end", datetime(2026, 1, 31, 18, tzinfo=KOLKATA), 12 * HOUR,
    "FREQ=MONTHLY;BYMONTHDAY=-1", "Asia/Kolkata",
)  # fmt: skip


def test_open_until_the_next_window_begins() -> None:
    found = status([WEEKEND, MONTH_END], SATURDAY - HOUR)
    assert (found.closed, found.opens, found.closes) == (False, None, SATURDAY)
    assert status([], SATURDAY) == status([], SATURDAY + HOUR)


def test_closed_from_the_first_moment_and_open_from_the_last() -> None:
    assert status([WEEKEND], SATURDAY).closed
    last = SATURDAY + 48 * HOUR
    assert status([WEEKEND], last - timedelta(seconds=1)).closed
    found = status([WEEKEND], last)
    assert not found.closed
    assert found.closes == SATURDAY + timedelta(days=7)


def test_windows_that_touch_are_one_closing() -> None:
    last_of_january = datetime(2026, 1, 31, 18, tzinfo=KOLKATA)
    found = status([WEEKEND, MONTH_END], last_of_january + HOUR)
    assert found.closed
    before = Window("Weekend", datetime(2026, 1, 24, tzinfo=KOLKATA), 48 * HOUR,
                    "FREQ=WEEKLY;BYDAY=SA", "Asia/Kolkata")  # fmt: skip
    both = status([before, MONTH_END], last_of_january + HOUR)
    assert both.reason == "Weekend, Month end"
    assert both.opens == datetime(2026, 2, 2, tzinfo=KOLKATA)


def test_a_window_keeps_its_wall_time_when_clocks_change() -> None:
    nightly = Window(
        "Nightly", datetime(2026, 3, 1, 22, tzinfo=BERLIN), HOUR, "FREQ=DAILY", "Europe/Berlin"
    )
    winter = status([nightly], datetime(2026, 3, 10, 12, tzinfo=UTC)).closes
    summer = status([nightly], datetime(2026, 4, 10, 12, tzinfo=UTC)).closes
    assert winter is not None
    assert summer is not None
    assert (winter.astimezone(UTC).hour, summer.astimezone(UTC).hour) == (21, 20)


def test_a_window_that_comes_once_does_not_come_again() -> None:
    once = Window("Audit", SATURDAY, HOUR, "", "Asia/Kolkata")
    assert status([once], SATURDAY).closed
    after = status([once], SATURDAY + HOUR)
    assert (after.closed, after.closes) == (False, None)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rule": "EVERY SATURDAY"}, "is no recurrence rule"),
        ({"rule": "FREQ=WEEKLY;BYDAY=XX"}, "is no recurrence rule"),
        ({"zone": "Mars/Olympus"}, "There is no time zone"),
        ({"lasts": timedelta(0)}, "lasts from 1 minute"),
        ({"lasts": timedelta(days=90)}, "to 62 days"),
    ],
)
def test_a_window_that_cannot_be_read_says_what_to_mend(
    change: dict[str, object], says: str
) -> None:
    check(WEEKEND)
    with pytest.raises(WindowError, match=says):
        check(Window(**{**vars(WEEKEND), **change}))  # type: ignore[arg-type]
