"""The counts of a window, and of what it is held against."""

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from sqlalchemy.orm import Session

from backend_api import deployment
from backend_api.drift_counts import Days, days
from backend_api.errors import BadRequest, NotFound
from backend_api.rules.divergence import Counts
from backend_api.rules.drift_kept import Rules, unjudged
from backend_api.spans import DAY, ceiling
from backend_api.states import Against
from shared.profile import Profile

MOST_DAYS = 90
# How many weeks before the window the same weekdays are taken from.
WEEKS = 4
BEFORE = {Against.PREVIOUS: "in the time before", Against.WEEKDAY: "on the same weekdays before"}


@dataclass(frozen=True)
class Compared:
    """Whole days of UTC beside what they are held against; ``counts`` are vectors of the profile.

    ``profile`` has the features that can be judged, and ``unjudged`` says which cannot.
    ``day_counts`` has shape (days, bins of the profile), ``day_rows`` (days,).
    """

    model: str
    version: str
    against: Against
    since: datetime
    until: datetime
    profile: Profile
    days: list[date]
    day_rows: Counts
    day_counts: Counts
    reference: Counts
    reference_rows: int
    unjudged: str | None

    @property
    def rows(self) -> int:
        """Predictions in the window."""
        return int(self.day_rows.sum())

    @property
    def counts(self) -> Counts:
        """The whole window."""
        total: Counts = self.day_counts.sum(axis=0)
        return total


def production(session: Session, model: str) -> str:
    """The version that serves.

    Raises:
        NotFound: none does.
    """
    desired = deployment.desired(session, model)
    if desired is None or desired.production is None:
        raise NotFound(
            f"Nothing of {model} is in production, so there is no version to look at.",
            "Promote a version first, or name one.",
            reason="not_in_production",
        )
    return desired.production


def compared(
    session: Session, model: str, version: str | None, against: Against, until: datetime | None,
    number: int, now: datetime, rules: Rules,
) -> Compared:  # fmt: skip
    """``number`` days that end with the one of ``until``, today if it is not given.

    Without a version it is the one in production. ``rules`` are the model's ``privacy.log``.

    Raises:
        NotFound: no such version, no reference, or no predictions on one side; ``details.reason``
            is no_reference, not_in_production, not_kept, no_data or nothing_before.
        BadRequest: the window lies in the future or before all time.
    """
    name = version or production(session, model)
    try:
        end = ceiling(now if until is None or until > now else until, DAY)
        since = end - number * DAY
        begin = {Against.REFERENCE: since, Against.PREVIOUS: since - number * DAY,
                 Against.WEEKDAY: since - WEEKS * 7 * DAY}[against]  # fmt: skip
    except OverflowError:
        raise BadRequest(f"until: no calendar goes {number} days back from {until}.") from None
    whole = days(session, model, name, begin, end)
    found, told = whole.judgeable(rules), unjudged(whole.profile, rules)
    if not found.profile.features:
        raise NotFound(f"Nothing of {model} {name} can be judged: {told}", reason="not_kept")
    base, base_rows = _held_against(found, against, number)
    made = Compared(
        model, name, against, since, end, found.profile, found.days[-number:],
        found.rows[-number:], found.counts[-number:], base, base_rows,
        told,
    )  # fmt: skip
    _usable(made)
    return made


def _held_against(found: Days, against: Against, number: int) -> tuple[Counts, int]:
    """Counts and rows of the reference, or of the days before the window that are meant."""
    if against == Against.REFERENCE:
        return found.profile.counts, found.profile.rows
    weekdays = {day.weekday() for day in found.days[-number:]}
    earlier = found.days[:-number]
    meant = np.array([against == Against.PREVIOUS or d.weekday() in weekdays for d in earlier])
    counts: Counts = found.counts[:-number][meant].sum(axis=0)
    return counts, int(found.rows[:-number][meant].sum())


def _usable(made: Compared) -> None:
    last = made.until - DAY
    span = f"{made.since:%-d %b %Y}" + (f" to {last:%-d %b %Y}" if last > made.since else "")
    name = f"{made.model} {made.version}"
    if not made.rows:
        raise NotFound(
            f"{name} answered nothing on {span} (UTC), so there is nothing to compare.",
            "Choose a longer window or another version, or send traffic: `nivesh traffic`.",
            reason="no_data",
        )
    if not made.reference_rows:
        raise NotFound(
            f"{name} answered nothing {BEFORE[made.against]} {span} (UTC), so there is nothing to"
            " compare with.",
            "Compare with the reference, or choose a shorter window.",
            reason="nothing_before",
        )
