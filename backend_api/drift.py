"""Reading drift: how far a version's requests lie from what they are compared with."""

from dataclasses import asdict
from datetime import datetime

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend_api import drift_results, incidents, text_drift
from backend_api.drift_windows import Compared, compared
from backend_api.errors import NotFound
from backend_api.rules import drift_words
from backend_api.rules.data_quality import quality
from backend_api.rules.drift import Judgement, Measures, Part, judge, measure
from backend_api.rules.drift_course import needs
from backend_api.rules.drift_kept import Rules
from backend_api.rules.drift_window import WIDEST
from backend_api.schemas import Drift, DriftDistribution, DriftPart, DriftScore, OddValues
from backend_api.states import Against, DriftState, IncidentKind, most_drift
from backend_api.tables import ProfileRow


def read(
    session: Session, model: str, version: str | None, against: Against, until: datetime | None,
    days: int, now: datetime, rules: Rules,
) -> Drift:  # fmt: skip
    """Scores and states of a window, feature by feature and day by day.

    Raises:
        NotFound, BadRequest: see ``drift_windows.compared``.
    """
    seen = compared(session, model, version, against, until, days, now, rules)
    found = judge(seen.profile, seen.reference, seen.counts, _text(session, seen))
    odd = quality(seen.profile, seen.reference, seen.counts)
    each = measure(seen.profile, seen.reference, seen.day_counts)
    kept = drift_results.newest(session, model, seen.version)
    standing = drift_results.judged(session, model, seen.version)
    return Drift(
        model_name=model,
        version=seen.version,
        versions=_versions(session, model),
        reads_text=bool(seen.profile.text_path),
        unjudged=seen.unjudged,
        against=against,
        since=seen.since,
        until=seen.until,
        rows=seen.rows,
        reference_rows=seen.reference_rows,
        state=found.state,
        sentence=drift_words.sentence(seen.version, seen.rows, found, odd),
        parts=[DriftPart.model_validate(asdict(part)) for part in found.parts],
        quality=odd.state,
        mend=drift_words.fault(odd.findings),
        odd=[OddValues.model_validate(asdict(one)) for one in odd.findings],
        scores=_scores(found, each),
        days=seen.days,
        day_rows=seen.day_rows.tolist(),
        day_states=[most_drift(map(DriftState, day)) for day in each.states.tolist()],
        kept=kept,
        incident=incidents.under_way(session, model, IncidentKind.DRIFT),
        alarm=drift_results.newest(session, model, seen.version, alarm=True),
        needs=needs(kept.state, standing, kept.rows, WIDEST) if kept else None,
    )


def _text(session: Session, seen: Compared) -> Part | None:
    """What the newest comparison of words found, if it looked at days of this window."""
    if seen.against != Against.REFERENCE or not seen.profile.text_path:
        return None
    return text_drift.part(
        text_drift.ended_in(session, seen.model, seen.version, seen.since, seen.until)
    )


def _scores(found: Judgement, each: Measures) -> list[DriftScore]:
    apart = [
        [None if np.isnan(x) else round(x, 4) for x in one] for one in each.distance.T.tolist()
    ]
    states = each.states.T.tolist()
    return [
        DriftScore(**asdict(score), days=tuple(apart[i]), day_states=tuple(states[i]))
        for i, score in enumerate(found.scores)
    ]


def _versions(session: Session, model: str) -> list[str]:
    """Every version that has a reference, newest first."""
    return list(
        session.scalars(
            select(ProfileRow.version)
            .where(ProfileRow.model_name == model, ProfileRow.profile.is_not(None))
            .order_by(ProfileRow.made_at.desc(), ProfileRow.version.desc())
        )
    )


def distribution(
    session: Session, model: str, version: str | None, feature: str, against: Against,
    until: datetime | None, days: int, now: datetime, rules: Rules,
) -> DriftDistribution:  # fmt: skip
    """One feature's bins on both sides.

    Raises:
        NotFound: no such feature; the hint lists those that are watched. Else as ``read``.
        BadRequest: see ``drift_windows.compared``.
    """
    seen = compared(session, model, version, against, until, days, now, rules)
    place = next((i for i, f in enumerate(seen.profile.features) if f.name == feature), None)
    if place is None:
        known = ", ".join(f.name for f in seen.profile.features)
        raise NotFound(
            f"{model} {seen.version} has no watched feature {feature!r}.",
            f"Watched: {known}." + (f" {seen.unjudged}" if seen.unjudged else ""),
        )
    found = judge(seen.profile, seen.reference, seen.counts)
    part = seen.profile.slices[feature]
    return DriftDistribution(
        model_name=model, version=seen.version, against=against, since=seen.since,
        until=seen.until, score=DriftScore(**asdict(found.scores[place])),
        bins=seen.profile.features[place].bins, reference=tuple(seen.reference[part].tolist()),
        window=tuple(seen.counts[part].tolist()),
    )  # fmt: skip
