"""Moments and spans in the reader's words: ages at a glance, the absolute time on hover."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def ago(moment: datetime, now: datetime) -> str:
    """Distance in the largest unit that is at least one: ``12 s ago``, ``in 3 h``."""
    distance = now - moment
    words = span(abs(distance))
    if words == "0 s":
        return "just now"
    return f"{words} ago" if distance >= timedelta(0) else f"in {words}"


def span(distance: timedelta) -> str:
    """A length of time in its largest whole unit."""
    seconds = int(distance.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def local(moment: datetime) -> datetime:
    """The moment in the reader's own time zone; UTC where the browser does not say."""
    # The terminal says times with this file as well, and has no use for Streamlit.
    import streamlit as st

    try:
        return moment.astimezone(ZoneInfo(st.context.timezone or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        return moment.astimezone(ZoneInfo("UTC"))


def when(moment: datetime) -> str:
    """Date and time with the zone's name: ``24 Nov 2026, 12:03:10 IST``."""
    return local(moment).strftime("%-d %b %Y, %H:%M:%S %Z")


def utc(moment: datetime, now: datetime) -> str:
    """The same for everybody who is sent it: ``3 Mar 2026, 14:05:00 UTC (267 d ago)``."""
    distance = ago(moment, now).replace(" ", "\u00a0")
    return f"{moment.astimezone(UTC):%-d %b %Y, %H:%M:%S} UTC ({distance})"


def clock(moment: datetime) -> str:
    """Only the time of day of ``when``."""
    return local(moment).strftime("%H:%M:%S %Z")


def day(moment: datetime) -> str:
    """Only the date, with its weekday: ``Tuesday, 24 November 2026``."""
    return local(moment).strftime("%A, %-d %B %Y")


def since(moment: datetime, now: datetime) -> str:
    """HTML of ``ago`` that shows ``when`` on hover; for ``parts.say`` and ``parts.grid``."""
    stamp, absolute = moment.isoformat(), when(moment)
    return f'<time datetime="{stamp}" title="{absolute}">{ago(moment, now)}</time>'
