"""Whole hours and days of UTC, as everything that is counted by them has them."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def floor(moment: datetime, span: timedelta) -> datetime:
    """The beginning of the span, such as an hour or a day, that holds a moment."""
    return EPOCH + (moment - EPOCH) // span * span


def ceiling(moment: datetime, span: timedelta) -> datetime:
    """The end of the span that holds a moment; one on its border stays."""
    return EPOCH - (EPOCH - moment) // span * span
