"""May anything be promoted now?"""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

import streamlit as st

from backend_api.schemas import Explain, FreezeWindow, NewFreeze, Outcome
from backend_api.states import Health, Permission
from console import badges, choice, forms, parts, session, times
from console.markdown import plain, say

KEY = "freeze.new"
EVERY_MODEL = "Every model"
RULES = {
    "Once": "",
    "Every day": "FREQ=DAILY",
    "Every week": "FREQ=WEEKLY",
    "Last day of every month": "FREQ=MONTHLY;BYMONTHDAY=-1",
}


def answer(found: list[FreezeWindow]) -> tuple[Health, str]:
    """The page's question in one sentence."""
    shut = [window for window in found if window.status.closed]
    if any(window.model_name is None for window in shut):
        return Health.DEGRADED, "Promotions of every model are frozen. Rollbacks are not."
    if shut:
        names = ", ".join(sorted({str(window.model_name) for window in shut}))
        return Health.DEGRADED, f"Promotions of {names} are frozen. Rollbacks are not."
    coming = [window.status.closes for window in found if window.status.closes]
    if not coming:
        return Health.OK, "Nothing is frozen, and no freeze is planned."
    return Health.OK, f"Nothing is frozen until {times.when(min(coming))}."


def one(window: FreezeWindow) -> None:
    """A window, how it stands, and the form that lifts it."""
    now, status = datetime.now(UTC), window.status
    state = badges.badge("frozen" if status.closed else "open")
    turn = status.opens if status.closed else status.closes
    words = "ends" if status.closed else "begins"
    when = f"{words} {times.since(turn, now)}" if turn else "does not come again"
    lasts = times.span(timedelta(minutes=window.minutes))
    again, whom = window.rule or "once", window.model_name or EVERY_MODEL
    with st.container(border=True):
        say(
            f"**{plain(window.name)}** {state} {plain(whom)}, {when}  \n"
            f":gray[{lasts} each, {plain(again)}, {plain(window.zone)};"
            f" made by {plain(window.made_by)} {times.since(window.made_at, now)}]"
        )
        if not session.can(Permission.APPROVE):
            return
        key = f"freeze.lift.{window.id}"

        def verb(request_id: UUID, reason: str) -> Outcome:
            body = Explain(request_id=request_id, reason=reason)
            return session.backend().lift_freeze(window.id, body)

        with st.expander("Lift"), st.form(key, border=False):
            forms.reason(key, "the audit is over")
            forms.button(key, f"Lift {window.name}", verb, icon="lock_open", kind="primary")


def _make(request_id: UUID, reason: str) -> Outcome:
    typed = {field: forms.value(KEY, field) for field in ("day", "time", "zone", "model")}
    zone = str(typed["zone"])
    first = datetime.combine(typed["day"], typed["time"], ZoneInfo(zone))  # type: ignore[arg-type]
    model = str(typed["model"])
    body = NewFreeze(
        request_id=request_id, reason=reason, name=str(forms.value(KEY, "name")).strip(),
        model_name=None if model == EVERY_MODEL else model, first=first, zone=zone,
        minutes=round(60 * float(str(forms.value(KEY, "hours")))),
        rule=RULES[str(forms.value(KEY, "rule"))],
    )  # fmt: skip
    return session.backend().make_freeze(body)


def new() -> None:
    """The form for another window."""
    models = [EVERY_MODEL, *(d.model_name for d in choice.known(session.overview()))]
    zones = sorted(available_timezones())
    mine = st.context.timezone or "UTC"
    with st.expander("Plan a freeze", icon=":material/ac_unit:"), st.form(KEY, border=False):
        left, right = st.columns(2)
        left.text_input("Name", key=f"{KEY}.name", placeholder="Weekend")
        right.selectbox("What it freezes", models, key=f"{KEY}.model")
        left.date_input("First day", key=f"{KEY}.day")
        right.time_input("From", time(0, 0), key=f"{KEY}.time")
        left.number_input("Hours", 0.25, 24.0 * 62, 24.0, key=f"{KEY}.hours")
        right.selectbox("Comes again", list(RULES), key=f"{KEY}.rule")
        st.selectbox(
            "Time zone", zones, index=zones.index(mine) if mine in zones else zones.index("UTC"),
            key=f"{KEY}.zone",
        )  # fmt: skip
        forms.reason(KEY, "nobody is here to look")
        forms.button(KEY, "Freeze promotions", _make, icon="ac_unit", kind="primary")


def draw() -> None:
    """The page, from the answer down to what can be done."""
    parts.page("Freezes", "May anything be promoted now?")
    reading = session.read("freezes", lambda: session.backend().freezes())
    parts.stale(reading)
    if reading.value is None:
        return
    parts.verdict(*answer(reading.value), then=reading.error is not None)
    for window in reading.value:
        one(window)
    if session.can(Permission.APPROVE):
        new()
    else:
        forms.barred("Planning a freeze", Permission.APPROVE)


draw()
