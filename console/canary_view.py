"""What the Canary page shows of a rollout: its verdict, its plan, both arms, and what was said."""

from datetime import UTC, datetime, timedelta
from math import exp, log

import streamlit as st

from backend_api.schemas import Comparison, Rollout
from backend_api.states import UNDER_WAY, Health, RolloutKind, RolloutState, Verdict
from console import badges, canary_charts, parts, plan_form, session, times
from console.markdown import grid, plain, say

LIVE_SECONDS = 10.0
HEALTHS = {
    Verdict.PROMOTE: Health.OK,
    Verdict.NOT_ENOUGH: Health.UNKNOWN,
    Verdict.ROLL_BACK: Health.DOWN,
}
FIGURE_PX = 170
# The watch looks every few seconds; a step that is later is not on its way.
LATE = timedelta(minutes=1)


def read(model: str) -> session.Reading[Rollout]:
    """The model's rollout; the page and its live part share one asking."""
    return session.read(
        f"rollout:{model}", lambda: session.backend().rollout(model), within=timedelta(seconds=3)
    )


def live(model: str) -> None:
    """The part that keeps itself up to date."""
    reading = read(model)
    if reading.error is not None and reading.error.status == 404:
        parts.empty(reading.error.message, reading.error.hint)
        return
    parts.stale(reading)
    found = reading.value
    if found is None:
        return
    parts.verdict(*answer(found), then=reading.error is not None)
    plan(found)
    if found.latest is not None:
        compared(found, found.latest.comparisons)
    timeline(found)
    if found.kind == RolloutKind.UP:
        said(found)
    parts.read_at(reading, LIVE_SECONDS)


def answer(found: Rollout) -> tuple[Health, str]:
    """The page's question, answered."""
    name = f"{found.canary} beside {found.stable}"
    if found.kind == RolloutKind.DOWN:
        return _left(found)
    if found.state == RolloutState.SUPERSEDED:
        return Health.UNKNOWN, f"{found.canary} made way for another canary."
    if found.state == RolloutState.COMPLETED:
        return Health.OK, f"{found.canary} is production; its canary is over."
    if found.state == RolloutState.ABORTED:
        return Health.DEGRADED, f"{found.canary} went back. {found.reason}"
    if found.state == RolloutState.PAUSED:
        return Health.DEGRADED, f"{name} is paused at {found.share} %. {found.reason}"
    if found.measured_from is None:
        return Health.UNKNOWN, f"{name}: not every worker serves {found.share} % yet."
    if found.latest is None:
        return Health.UNKNOWN, f"{name}: the first minute at {found.share} % is not over."
    return HEALTHS[found.latest.verdict], found.latest.sentence


def _left(found: Rollout) -> tuple[Health, str]:
    """The answer where a version is being left."""
    if found.state in UNDER_WAY:
        return (
            Health.DEGRADED,
            f"{found.canary} is being left: it has {found.share} %, {found.stable} the rest.",
        )
    how = "step by step" if found.state == RolloutState.COMPLETED else "and cut short"
    return Health.DEGRADED, f"{found.canary} was walked down {how}; {found.stable} serves."


def step_states(found: Rollout) -> list[tuple[int, str]]:
    """Each share of the plan with how it stands: done, now, paused, next."""
    if found.kind == RolloutKind.DOWN:
        return _steps_down(found)
    steps = sorted(
        {*found.plan.steps, found.share} - {0} if found.state in UNDER_WAY else {*found.plan.steps}
    )
    told = []
    for step in steps:
        if found.state == RolloutState.COMPLETED or step < found.share:
            told.append((step, "done"))
        elif step == found.share and found.state in UNDER_WAY:
            told.append((step, "paused" if found.state == RolloutState.PAUSED else "now"))
        else:
            told.append((step, "next"))
    return told


def _steps_down(found: Rollout) -> list[tuple[int, str]]:
    """The same of a version that is being left: its shares fall."""
    now = found.share if found.state in UNDER_WAY else 0
    ended = found.state not in UNDER_WAY
    told = []
    for step in sorted({*found.plan.steps, now, 0}, reverse=True):
        told.append((step, "done" if step > now or ended else "now" if step == now else "next"))
    return told


def due(found: Rollout) -> str:
    """When the next step comes, or may come at the earliest."""
    if found.due_at is None or found.state == RolloutState.PAUSED:
        return ""
    now, at = datetime.now(UTC), f"**{times.clock(found.due_at)}**"
    if found.kind == RolloutKind.DOWN and now - found.due_at > LATE:
        return (
            f":material/warning: Its next step was due at {at} and was not taken: the worker may"
            " be down. Abort or a rollback finishes it at once."
        )
    if found.kind == RolloutKind.DOWN:
        return f":material/timer: Next step at {at}, {times.since(found.due_at, now)}"
    if found.due_at < now:
        return f":material/timer: Its time at this share was over at {at}; see above what it lacks"
    return f":material/timer: Earliest next step at {at}, {times.since(found.due_at, now)}"


def progress(found: Rollout) -> tuple[float, str]:
    """How much of the step's time was compared (0..1), and what is left in words."""
    minutes = found.latest.minutes if found.latest and found.latest.share == found.share else 0
    wanted = timedelta(minutes=found.plan.minutes)
    left = max(timedelta(0), wanted - timedelta(minutes=minutes))
    part = min(1.0, minutes / max(1.0, wanted / timedelta(minutes=1)))
    return part, f"{minutes:,} min compared at {found.share} %, {times.span(left)} to go"


def plan(found: Rollout) -> None:
    """The steps, how far the present one is, and who began it."""
    now = datetime.now(UTC)
    say(" ".join(badges.badge(state, f"{step} %") for step, state in step_states(found)))
    if found.state in UNDER_WAY:
        if found.kind == RolloutKind.UP:
            part, words = progress(found)
            st.progress(part, text=words)
            st.caption(f"Plan: {plain(plan_form.words(found.plan))}")
        if due(found):
            say(due(found))
    users = found.users[0] + found.users[1]
    seen = f"{found.users[0] / users:.1%}" if users else "–"
    arm = "Being left" if found.kind == RolloutKind.DOWN else "Canary"
    with st.container(horizontal=True, gap="medium"):
        for label, value, below in (
            (arm, found.canary, f"{found.share} % of users by plan"),
            ("Stable", found.stable, "answers everybody else"),
            ("Realised share", seen, f"of {users:,} users in an hour"),
        ):
            st.metric(label, value, below, delta_color="off", delta_arrow="off", width=FIGURE_PX)
    by = f"**{plain(found.started_by)}**{badges.by_hand(found.started_by)}"
    ended = ""
    if found.ended_at and found.ended_by:
        ended = f", ended by **{plain(found.ended_by)}** {times.since(found.ended_at, now)}"
    asked = ":gray[Begun by]"
    if found.asked_by and found.approved_by:
        asked = (
            f":gray[Asked for by] **{plain(found.asked_by)}**:gray[, approved by]"
            f" **{plain(found.approved_by)}**:gray[; begun by]"
        )
    say(f"{asked} {by} :gray[{times.since(found.started_at, now)}]{ended}")


STEPS = {
    "begin": "Begun", "raise": "Share raised", "lower": "Share lowered", "pause": "Paused",
    "resume": "Resumed", "plan": "Plan changed", "complete": "Completed", "abort": "Ended early",
    "supersede": "Superseded",
}  # fmt: skip


def timeline(found: Rollout) -> None:
    """What was done to it, by whom and why, newest first."""
    st.header("Steps", anchor=False)
    now = datetime.now(UTC)
    rows = [
        (
            times.since(one.at, now), f"{plain(one.actor)}{badges.by_hand(one.actor)}",
            STEPS.get(one.what, one.what), f"{one.share} %", plain(one.reason),
        )
        for one in reversed(found.timeline)
    ]  # fmt: skip
    grid(("When", "Who", "What", "Share", "Why"), rows)


def evidence(found: Comparison) -> str:
    """How strongly one comparison speaks against the canary."""
    if found.log_evidence < log(2):
        return "none"
    return f"1 in {exp(min(found.log_evidence, 30.0)):,.0f}"


def compared(found: Rollout, comparisons: list[Comparison]) -> None:
    """Both arms side by side, and over time."""
    st.header("Both arms", anchor=False)
    st.caption(
        "A user in a minute counts once, as bad if any of their answers was. The bars are intervals"
        " that hold at every look, so it is safe to look often."
    )
    st.plotly_chart(
        canary_charts.arms(found.canary, found.stable, comparisons), width="stretch", key="arms",
        config={"displayModeBar": False},
    )  # fmt: skip
    st.caption(canary_charts.arms_words(found.canary, found.stable, comparisons))
    rows = [
        (
            plain(one.title.capitalize()), f"{one.canary.bad:,} of {one.canary.units:,}",
            f"{one.stable.bad:,} of {one.stable.units:,}", evidence(one),
            f"{one.detectable:.2%}" if one.detectable else "–",
        )
        for one in comparisons
    ]  # fmt: skip
    headings = ("Answers", found.canary, found.stable, "Chance if no worse", "Would be seen from")
    grid(headings, rows)
    if found.minutes:
        st.header("Failed, over time", anchor=False)
        st.plotly_chart(
            canary_charts.timeline(found.canary, found.stable, found.minutes), width="stretch",
            key="timeline", config={"displayModeBar": False},
        )  # fmt: skip


def said(found: Rollout) -> None:
    """Verdicts where they changed, newest first."""
    st.header("Verdicts", anchor=False)
    if not found.said:
        parts.empty("Nothing was judged yet.", "The first verdict comes a minute after all serve.")
        return
    now = datetime.now(UTC)
    rows = [
        (times.since(one.at, now), f"{one.share} %", badges.badge(one.verdict), plain(one.sentence))
        for one in found.said
    ]
    grid(("First said", "Share", "Verdict", "Why"), rows)
