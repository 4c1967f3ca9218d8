"""A plan tried on past traffic, on the Canary page: what would have been, before it is begun."""

from datetime import datetime

import streamlit as st

from backend_api.schemas import DryRun, DryRunResult
from backend_api.states import DryRunOutcome, Health, Permission
from console import dry_run_charts, forms, parts, session, times
from console.markdown import grid, plain

SHOWN = 10
HEALTHS = {
    DryRunOutcome.COMPLETED: Health.OK,
    DryRunOutcome.UNFINISHED: Health.UNKNOWN,
    DryRunOutcome.NO_TRAFFIC: Health.UNKNOWN,
    DryRunOutcome.GAVE_UP: Health.DEGRADED,
}
WRONG = "Shares are whole per cents with commas between, such as 10, 50, 100."


def panel(model: str) -> None:
    """The form, and under it what the last replay found."""
    st.header("Try a plan on past traffic", anchor=False)
    if not session.can(Permission.READ_PREDICTIONS):
        forms.barred("Replaying the log", Permission.READ_PREDICTIONS)
        return
    key = f"dry.{model}"
    st.caption(
        "Walks a plan through the logged requests and says how long it would have taken, where it"
        " would have stood still and what it would have shown. It changes nothing."
    )
    with st.form(key, border=True):
        _fields(key)
        asked = st.form_submit_button("Replay", icon=":material/history:", key=f"{key}.go")
    if asked:
        _ask(model, key)
    reading: session.Reading[DryRunResult] | None = st.session_state.get(f"{key}.found")
    if reading is None:
        return
    parts.stale(reading)
    if reading.value is not None:
        show(reading.value)


def _fields(key: str) -> None:
    own = "the model's own"
    left, right = parts.beside(1, 1)
    with left:
        st.slider("Days of the log", 1, 30, 7, key=f"{key}.days")
        st.text_input("Shares, per cent", key=f"{key}.steps", placeholder=own)
        st.number_input(
            "Hours compared in each step", 0.1, 720.0, None, key=f"{key}.hours", placeholder=own
        )
    with right:
        st.number_input(
            "Minimum of users' minutes in each arm", 1, None, None, key=f"{key}.least",
            placeholder=own,
        )  # fmt: skip
        st.number_input(
            "Errors of an assumed bad canary, per cent", 0.01, 99.0, 1.0, key=f"{key}.to",
            help="When would the judge be expected to send it back, and whom would it have hit?",
        )  # fmt: skip
        st.number_input(
            "Errors of stable beside it, per cent", 0.01, 99.0, None, key=f"{key}.from",
            placeholder="as logged",
        )  # fmt: skip


def _ask(model: str, key: str) -> None:
    typed = str(st.session_state[f"{key}.steps"]).replace("%", "")
    try:
        body = DryRun(
            days=st.session_state[f"{key}.days"], hours=st.session_state[f"{key}.hours"],
            min_requests=st.session_state[f"{key}.least"],
            steps=[int(share) for share in typed.split(",")] if typed.strip() else None,
            errors_to=_part(f"{key}.to"), errors_from=_part(f"{key}.from"),
        )  # fmt: skip
    except ValueError:
        st.error(f"{WRONG} Nothing was sent.", icon=":material/error:")
        return
    with st.spinner("Walking through the log"):
        st.session_state[f"{key}.found"] = session.read(
            f"{key}.{body.model_dump_json()}", lambda: session.backend().dry_run(model, body)
        )


def _part(field: str) -> float | None:
    found: float | None = st.session_state[field]
    return None if found is None else found / 100


def show(found: DryRunResult) -> None:
    """The answer, the picture, and each step in figures."""
    if found.outcome == DryRunOutcome.NO_TRAFFIC:
        parts.empty(found.sentence, "Choose more days, or send traffic: `nivesh traffic`.")
        return
    parts.verdict(HEALTHS[found.outcome], found.sentence)
    if found.assumed is not None:
        st.markdown(plain(found.assumed.sentence))
    if not found.steps:
        return
    st.plotly_chart(
        dry_run_charts.course(found, times.local), width="stretch",
        key=f"course.{found.model_name}", config={"displayModeBar": False},
    )  # fmt: skip
    rows = [
        (
            f"{one.share} %", _when(one.since), _when(one.least_at), _when(one.until),
            f"{one.canary_units:,} beside {one.stable_units:,}",
            f"{one.detectable:.2%} errors, logged {one.error_rate:.2%}"
            if one.detectable else "nothing: too few",
        )
        for one in found.steps
    ]  # fmt: skip
    since = f"From ({times.local(found.since):%Z})"
    grid(("Share", since, "Minimum reached", "Over", "Compared", "Shows a canary from"), rows)
    _stalls(found)


def _stalls(found: DryRunResult) -> None:
    if not found.stalls:
        return
    st.markdown("**Nothing to compare**")
    rows = [
        (f"{one.share} %", _when(one.since), _when(one.until), times.span(one.until - one.since))
        for one in sorted(found.stalls, key=lambda s: s.since - s.until)[:SHOWN]
    ]
    grid(("Share", "From", "To", "For"), rows)
    if len(found.stalls) > SHOWN:
        st.caption(f"The {SHOWN} longest of {len(found.stalls)}.")


def _when(moment: datetime | None) -> str:
    return times.local(moment).strftime("%-d %b, %H:%M") if moment else "not reached"
