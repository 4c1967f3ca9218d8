"""The state that stands, what it needs to change, whether alarms were true, and what was kept."""

from uuid import UUID

import streamlit as st

from backend_api.schemas import (
    Drift,
    DriftPrecision,
    DriftResult,
    DriftResults,
    JudgeAlarm,
    Outcome,
)
from backend_api.states import Permission
from console import badges, forms, parts, session
from console.markdown import grid, plain

PAGE = 14
SAID = {True: ":material/thumb_up: true", False: ":material/thumb_down: false", None: ""}


def standing(found: Drift) -> None:
    """The state day by day, and the alarm that made it, with room to say whether it was true."""
    st.header("Day by day", anchor=False)
    kept = found.kept
    if kept is None:
        parts.empty(
            "No day is judged yet.",
            "The worker judges each day of UTC half an hour after its end, if there are counts.",
        )
        return
    over = f", judged over {kept.days} days as one has too few requests" if kept.days > 1 else ""
    st.markdown(
        f"{badges.badge(kept.state)} **{plain(found.version)}** stands at {kept.state} after"
        f" {kept.day:%A, %-d %B}{over}. {plain(found.needs or '')}"
    )
    if found.alarm is not None:
        _alarm(found.alarm)


def _alarm(alarm: DriftResult) -> None:
    with st.container(border=True):
        said = f" · {SAID[alarm.true_alarm]} says {plain(alarm.told_by or '')}" if (
            alarm.true_alarm is not None) else ""  # fmt: skip
        st.markdown(
            f"**Last alarm: {alarm.state} on {alarm.day:%-d %B %Y}**{said}  \n"
            f"{plain(alarm.sentence)}"
        )
        if not session.can(Permission.READ_PREDICTIONS):
            forms.barred("Saying whether an alarm was true", Permission.READ_PREDICTIONS)
            return
        key = f"drift.alarm.{alarm.id}"
        label = "Say again whether it was true" if said else "Was it true?"
        with st.expander(label, type="compact"), st.form(key, border=False):
            forms.reason(key, "a campaign for student cards, nothing to retrain")
            with st.container(horizontal=True):
                for true, word, icon in (
                    (False, "False alarm", "thumb_down"), (True, "True alarm", "thumb_up"),
                ):  # fmt: skip
                    verb = _verb(alarm.id, true)
                    forms.button(key, word, verb, icon=icon, action=word.split()[0].lower())


def _verb(result: int, true: bool) -> forms.Verb:
    def act(request_id: UUID, reason: str) -> Outcome:
        body = JudgeAlarm(request_id=request_id, reason=reason, true_alarm=true)
        return session.backend().judge_alarm(result, body)

    return act


def results(model: str) -> None:
    """What was found each day, in pages, and how often alarms were true."""
    st.header("Kept results", anchor=False)
    only = st.toggle("Only alarms", key=f"drift.only.{model}", on_change=_newest, args=(model,))
    before: list[int] = st.session_state.setdefault(f"drift.before.{model}", [])
    cursor = before[-1] if before else None
    reading: session.Reading[DriftResults] = session.read(
        f"drift.results:{model}:{only}:{cursor}",
        lambda: session.backend().drift_results(model, cursor, alarms=only, limit=PAGE),
    )
    parts.stale(reading)
    if reading.value is None:
        return
    st.markdown(precision(reading.value.precision))
    if not reading.value.results:
        parts.empty(
            "No alarm was ever raised." if only else "No day is judged yet.",
            "Switch the filter off to see quiet days." if only
            else "Each day is judged half an hour after its end (UTC).",
        )  # fmt: skip
        return
    grid(
        ("Day", "Version", "State", "Seen", "Rows", "Inputs", "Answers", "Texts", "Worst", "Alarm"),
        [_row(one) for one in reading.value.results],
    )
    _turn(before, reading.value.next_before)


def precision(found: DriftPrecision) -> str:
    """How often alarms were true, as a sentence."""
    if not found.alarms:
        return "No alarm was raised so far."
    raised = f"{found.alarms} {'alarm' if found.alarms == 1 else 'alarms'} so far"
    if found.share is None:
        return f"{raised}; nobody has said yet whether they were true."
    told = found.true + found.false
    return f"{raised}; of {told} judged, **{found.true} true** ({found.share:.0%} precision)."


def _row(one: DriftResult) -> tuple[str, ...]:
    return (
        f"{one.day:%a %-d %b %Y}", plain(one.version), badges.badge(one.state),
        badges.badge(one.seen), f"{one.rows:,}" + _together(one.days), _number(one.input),
        _number(one.prediction), _number(one.text_score),
        f"{plain(one.worst)} {one.worst_score:.2f}" if one.worst and one.worst_score else "",
        _alarmed(one),
    )  # fmt: skip


def _alarmed(one: DriftResult) -> str:
    if one.raised:
        return f"raised {SAID[one.true_alarm]}".rstrip()
    return "eased" if one.changed else ""


def _together(days: int) -> str:
    return f" :gray[in {days} days]" if days > 1 else ""


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _newest(model: str) -> None:
    st.session_state[f"drift.before.{model}"] = []


def _newer(before: list[int]) -> None:
    before.pop()


def _turn(before: list[int], older: int | None) -> None:
    with st.container(horizontal=True):
        if before:
            st.button("Newer", icon=":material/arrow_back:", key="drift.newer",
                      on_click=_newer, args=(before,))  # fmt: skip
        if older is not None:
            st.button("Older", icon=":material/arrow_forward:", key="drift.older",
                      on_click=before.append, args=(older,))  # fmt: skip
