"""Reading what predictions were counted into: any window of a version is a sum of few rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from backend_api.errors import NotFound
from backend_api.registry import version_row
from backend_api.rules.drift_kept import Rules, judgeable
from backend_api.spans import DAY, HOUR, ceiling, floor
from shared.profile import Counts, Profile, read

# Whole days inside the window, hours at its edges, and what the watch has not folded yet.
_WINDOW = text("""
    SELECT at, rows, counts FROM drift_counts WHERE model_name = :model AND version = :version
        AND span = 'day' AND at >= :first_day AND at < :last_day
    UNION ALL
    SELECT at, rows, counts FROM drift_counts WHERE model_name = :model AND version = :version
        AND span = 'hour' AND at >= :since AND at < :until
        AND (at < :first_day OR at >= :last_day)
    UNION ALL
    SELECT hour, rows, counts FROM drift_deltas WHERE model_name = :model AND version = :version
        AND hour >= :since AND hour < :until
""")


@dataclass(frozen=True)
class Window:
    """``counts`` of the predictions of some time, over the profile's bins.

    ``rows`` is how many predictions there were; each feature's bins sum up to it.
    """

    profile: Profile
    since: datetime
    until: datetime
    rows: int
    counts: Counts


@dataclass(frozen=True)
class Days:
    """Counts per day of UTC, those without predictions included.

    ``rows`` has shape (days,), ``counts`` (days, bins of the profile).
    """

    profile: Profile
    days: list[date]
    rows: Counts
    counts: Counts

    def judgeable(self, rules: Rules) -> "Days":
        """The same days without features of fields that the log does not keep whole."""
        profile, bins = judgeable(self.profile, rules)
        return replace(self, profile=profile, counts=self.counts[:, bins])


def reference(session: Session, model: str, version: str) -> Profile:
    """What the version's predictions are counted into.

    Raises:
        NotFound: no such version, or it has no reference; the message says why and what to do.
    """
    found = session.execute(
        text(
            "SELECT profile::text AS profile, problem FROM drift_profiles"
            " WHERE model_name = :model AND version = :version"
        ),
        {"model": model, "version": version},
    ).one_or_none()
    if found is not None and found.profile is not None:
        return _parsed(found.profile)
    version_row(session, model, version)
    why = f": {found.problem}" if found else "; it is looked for within seconds"
    raise NotFound(
        f"{model} {version} has no reference to compare with{why}.",
        f"Give it one: nivesh reference {model} {version} FILE, or --from-log DAYS.",
        reason="no_reference",
    )


@lru_cache(maxsize=64)
def _parsed(document: str) -> Profile:
    return read(orjson.loads(document))


def window(session: Session, model: str, version: str, since: datetime, until: datetime) -> Window:
    """Counts from the hour that holds ``since`` to the end of the hour before ``until``.

    An ``until`` within an hour takes that hour in. Costs the same however many predictions.

    Raises:
        NotFound: no such version, or it has no reference.
    """
    profile = reference(session, model, version)
    since, until = floor(since, HOUR), ceiling(until, HOUR)
    rows = _rows(session, model, version, since, until)
    counts = _matrix(profile, rows).sum(axis=0) if rows else np.zeros(profile.size, np.int64)
    return Window(profile, since, until, sum(row.rows for row in rows), counts)


def days(session: Session, model: str, version: str, since: datetime, until: datetime) -> Days:
    """Counts of each day of UTC from the one that holds ``since`` to the one before ``until``.

    An ``until`` within a day takes that day in.

    Raises:
        NotFound: no such version, or it has no reference.
    """
    profile = reference(session, model, version)
    since, until = floor(since, DAY), ceiling(until, DAY)
    number = max((until - since) // DAY, 0)
    counts = np.zeros((number, profile.size), dtype=np.int64)
    sizes = np.zeros(number, dtype=np.int64)
    rows = _rows(session, model, version, since, until)
    if rows:
        places = [(row.at - since) // DAY for row in rows]
        np.add.at(counts, places, _matrix(profile, rows))
        np.add.at(sizes, places, [row.rows for row in rows])
    return Days(profile, [(since + n * DAY).date() for n in range(number)], sizes, counts)


def _rows(
    session: Session, model: str, version: str, since: datetime, until: datetime
) -> Sequence[Any]:
    first = ceiling(since, DAY)
    return session.execute(
        _WINDOW,
        {
            "model": model, "version": version, "since": since, "until": until,
            "first_day": first, "last_day": max(floor(until, DAY), first),
        },
    ).all()  # fmt: skip


def _matrix(profile: Profile, rows: Sequence[Any]) -> Counts:
    joined = b"".join(row.counts for row in rows)
    return np.frombuffer(joined, dtype="<i8").reshape(len(rows), profile.size)
