"""When nothing may be promoted: windows that come again and again, and when they open and close."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.rrule import rrulestr

# A window is looked for this far ahead, and may last no longer than this.
HORIZON = timedelta(days=400)
LONGEST = timedelta(days=62)


class WindowError(ValueError):
    """A window that never comes or cannot be read; the message says what to mend."""


@dataclass(frozen=True)
class Window:
    """Closed from each start for ``lasts``. ``first`` carries a zone of its own; ``rule`` is the
    value of an RRULE (RFC 5545, section 3.8.5.3), empty for a window that comes once."""

    name: str
    first: datetime
    lasts: timedelta
    rule: str
    zone: str


@dataclass(frozen=True)
class Freeze:
    """Whether promotions are shut at a moment, by which window, and what changes next.

    ``opens`` is when it ends, counting windows that follow at once; ``closes`` when the next one
    begins.
    """

    closed: bool
    reason: str
    opens: datetime | None
    closes: datetime | None


def check(window: Window) -> None:
    """Return if the window can be read and ends before it comes again.

    Raises:
        WindowError: it cannot, or is longer than ``LONGEST``.
    """
    if not timedelta(0) < window.lasts <= LONGEST:
        raise WindowError(f"A window lasts from 1 minute to {LONGEST.days} days.")
    try:
        ZoneInfo(window.zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise WindowError(
            f"There is no time zone {window.zone!r}; send one such as Asia/Kolkata."
        ) from error
    try:
        _starts(window, window.first, window.first + HORIZON)
    except (ValueError, TypeError) as error:
        raise WindowError(
            f"{window.rule!r} is no recurrence rule: {error}. Send one such as"
            " FREQ=WEEKLY;BYDAY=SA,SU, or nothing for once."
        ) from error


def _starts(window: Window, after: datetime, before: datetime) -> list[datetime]:
    """Starts between two moments, in wall time of the window's zone: six stays six all year."""
    zone = ZoneInfo(window.zone)

    def wall(moment: datetime) -> datetime:
        return moment.astimezone(zone).replace(tzinfo=None)

    first = wall(window.first)
    if not window.rule:
        found = [first]
    else:
        found = rrulestr(window.rule, dtstart=first).between(wall(after), wall(before), inc=True)
    starts = [start.replace(tzinfo=zone) for start in found]
    return [start for start in starts if after <= start <= before]


def status(windows: Sequence[Window], now: datetime) -> Freeze:
    """How it stands at ``now``."""
    spans = sorted(
        (start, start + window.lasts, window.name)
        for window in windows
        for start in _starts(window, now - window.lasts, now + HORIZON)
    )
    holding = [span for span in spans if span[0] <= now < span[1]]
    if not holding:
        coming = next((start for start, _, _ in spans if start > now), None)
        return Freeze(False, "", None, coming)
    opens = max(end for _, end, _ in holding)
    for start, end, _ in spans:
        if start <= opens < end:
            opens = end
    closes = next((start for start, _, _ in spans if start > opens), None)
    return Freeze(True, ", ".join(dict.fromkeys(name for _, _, name in holding)), opens, closes)
