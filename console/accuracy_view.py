"""What the Accuracy page shows: the answer, the days, the estimate, and what labels are needed."""

import streamlit as st

from backend_api.schemas import Accuracy, AccuracyDay
from backend_api.states import AccuracyState, Health
from console import accuracy_charts, badges, parts, session, times
from console.markdown import grid, plain

HEALTHS = {
    AccuracyState.MET: Health.OK,
    AccuracyState.NOT_ENOUGH: Health.UNKNOWN,
    AccuracyState.MISSED: Health.DEGRADED,
}
DAYS = {"7 days": 7, "30 days": 30, "90 days": 90}
LISTED = 10


def read(model: str, days: int) -> session.Reading[Accuracy]:
    """How right the model was on the last days."""
    return session.read(f"accuracy:{model}:{days}", lambda: session.backend().accuracy(model, days))


def answer(found: Accuracy) -> tuple[Health, str]:
    """The page's question, answered."""
    if found.version is None:
        return Health.UNKNOWN, "No version is in production, so nothing can be right or wrong."
    if found.latest is None:
        return (
            Health.UNKNOWN,
            f"Not known: no day of {found.version} in the last {found.latest_days} is labelled to"
            f" {100 * found.mature:g} % or more.",
        )
    said = f"{found.version}, last {found.latest_days} days: {found.latest.sentence}"
    if found.fallen:
        was = f"it was {100 * (found.baseline or 0):.2f} %, {found.baseline_source}"
        return Health.DOWN, f"It has fallen by more than 5 points: {was}. {said}"
    return HEALTHS[found.latest.state], said


def draw(found: Accuracy, *, then: bool) -> None:
    """From the answer down to the days it rests on."""
    parts.verdict(*answer(found), then=then)
    if not found.days:
        parts.empty(
            "Nothing was answered in these days, or nothing is counted yet.",
            "Answers are counted within minutes; labels are given below by prediction id.",
        )
        return
    _today(found)
    st.plotly_chart(
        accuracy_charts.days(found.days, found.objective, found.baseline),
        width="stretch", config={"displayModeBar": False},
        alt=accuracy_charts.days_words(found.days),
    )  # fmt: skip
    st.caption(
        f"By the day of the prediction (UTC), whenever its label came. Each bound of an interval"
        f" holds with 95 %; pale days are labelled to less than {100 * found.mature:g} % and do"
        " not count."
    )
    _table(found.days)
    _estimate(found)


def _today(found: Accuracy) -> None:
    total = sum(day.predictions for day in found.days)
    labelled = sum(day.labelled for day in found.days)
    with st.container(horizontal=True, gap="medium"):
        parts.figure("Answers", f"{total:,}")
        parts.figure("Labelled", f"{labelled:,} ({100 * labelled / total:.0f} %)")
        parts.figure("Objective", f"{100 * found.objective:g} %")
        if found.baseline is not None:
            parts.figure("It was", f"{100 * found.baseline:.2f} %")
        if found.counted_to is not None:
            parts.figure("Counted to", times.clock(found.counted_to))


def _row(day: AccuracyDay) -> tuple[str, ...]:
    share = "no label" if day.share is None else f"{100 * day.share:.2f} %"
    between = "" if day.share is None else f"{100 * day.low:.2f} – {100 * day.high:.2f} %"
    young = "" if day.mature else " · immature"
    return (
        f"{day.day:%a %-d %b}",
        badges.badge(day.state),
        f"{share} of {day.labelled:,}" if day.labelled else share,
        between,
        f"{100 * day.coverage:.0f} % of {day.predictions:,}{young}",
        "" if day.needed is None else f"{day.needed:,}",
        "" if day.estimate is None else f"{100 * day.estimate:.2f} %",
    )


def _table(days: list[AccuracyDay]) -> None:
    headings = (
        "Day", "State", "Right", "Between", "Labelled", "Labels needed", "Without labels",
    )  # fmt: skip
    grid(headings, [_row(day) for day in days[:LISTED]])
    if len(days) > LISTED:
        with st.expander(f"{len(days) - LISTED} earlier days", type="compact"):
            grid(headings, [_row(day) for day in days[LISTED:]])


def _estimate(found: Accuracy) -> None:
    off = ""
    if found.estimate.error is not None:
        off = f" Raw confidence was off by {100 * found.estimate.error:.1f} points on average."
    with st.expander("How the dashed line is made, and what it cannot see", type="compact"):
        st.markdown(plain(f"{found.estimate.method}{off}"))
        st.markdown(plain(found.estimate.blind))
