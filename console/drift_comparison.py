"""Two windows or two versions beside each other, feature by feature."""

from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from backend_api.schemas import Drift, DriftScore
from console import badges, drift_view, parts
from console.markdown import grid, plain


def panel(found: Drift) -> None:
    """Choose the other one, and see both."""
    # A switch, since what is folded away would be asked for all the same.
    if not st.toggle("Compare with another version or window", key="drift.compare"):
        return
    with st.container(border=True):
        left, right = st.columns(2)
        version = left.selectbox(
            "Other version", found.versions, key=f"drift.other.{found.model_name}",
            index=found.versions.index(found.version) if found.version in found.versions else 0,
        )  # fmt: skip
        last = right.date_input(
            "Last day of the other window (UTC)", found.days[0] - timedelta(days=1),
            max_value=found.days[-1], key=f"drift.until.{found.model_name}.{len(found.days)}",
        )  # fmt: skip
        if version is None or not isinstance(last, date):
            return
        reading = drift_view.read(
            found.model_name, version, found.against, len(found.days),
            datetime.combine(last, time(12), UTC),
        )  # fmt: skip
        if reading.error is not None and reading.error.status == 404:
            parts.empty(reading.error.message, reading.error.hint)
            return
        parts.stale(reading)
        if reading.value is not None:
            _beside(found, reading.value)


def _beside(this: Drift, other: Drift) -> None:
    theirs = {score.name: score for score in other.scores}
    rows = [
        (plain(score.name), *_cells(score), *_cells(theirs.get(score.name)))
        for score in drift_view.features(this)
    ]
    grid(("Feature", _head(this), "", _head(other), ""), [
        ("**The model**", badges.badge(this.state), f"{this.rows:,} rows",
         badges.badge(other.state), f"{other.rows:,} rows"), *rows,
    ])  # fmt: skip
    st.caption("Each version against what it was made for itself, in bins of its own.")


def _head(found: Drift) -> str:
    return f"{plain(found.version)}, {found.days[0]:%-d %b} to {found.days[-1]:%-d %b}"


def _cells(score: DriftScore | None) -> tuple[str, str]:
    if score is None:
        return "not watched", ""
    return badges.badge(score.state), drift_view.number(score.distance)
