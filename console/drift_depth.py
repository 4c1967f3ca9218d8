"""Looking deeper on the Drift page: what the new texts say, and Evidently's report."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import streamlit as st

from backend_api.schemas import Drift, Job, Lookback, Outcome, TextDrift
from backend_api.states import JobState, Permission
from console import badges, forms, job_view, parts, session, times
from console import drift_view as view
from console.errors import BackendError
from console.markdown import grid, plain, say

FRAME_PX = 1100


def _window(found: Drift) -> str:
    days = len(found.days)
    return "day" if days == 1 else f"{days} days"


def words(found: Drift) -> None:
    """Words and examples typical of the new texts; nothing where a model reads no text."""
    if not found.reads_text:
        return
    st.header("What the new texts say", anchor=False)
    if not session.can(Permission.READ_PREDICTIONS):
        forms.barred("Reading texts", Permission.READ_PREDICTIONS)
        return
    model, version = found.model_name, found.version
    key = f"texts.{model}.{version}"
    ordered: UUID | None = st.session_state.get(f"{key}.job")
    if ordered is not None:
        job = session.read(f"job:{ordered}", lambda: session.backend().job(ordered))
        if job.value is not None and job.value.state in job_view.UNDER_WAY:
            job_view.follow(job.value, "beside the reference of")
            return
        if job.value is not None and job.value.state == JobState.FAILED:
            st.warning(plain(job.value.message), icon=":material/warning:")
    reading = session.read(
        f"texts:{model}:{version}", lambda: session.backend().texts_compared(model, version)
    )
    parts.stale(reading)
    if reading.value:
        _compared(reading.value[0])
        _before(reading.value)
    elif reading.error is None:
        parts.empty(
            f"The texts were not compared with those of {version} yet.",
            "The worker does it for each day with 500 texts; the button below at once. It takes a"
            " sample, and some seconds.",
        )

    def verb(request_id: UUID, reason: str) -> Outcome:
        body = Lookback(request_id=request_id, reason=reason, days=len(found.days))
        done = session.backend().compare_texts(model, version, body)
        st.session_state[f"{key}.job"] = done.job_id
        return done

    with st.expander(f"Compare the texts of the last {_window(found)}"), st.form(key, border=False):
        forms.reason(key, "a new campaign began on Monday")
        forms.button(key, "Compare texts", verb, icon="text_compare")


def _compared(newest: TextDrift) -> None:
    st.markdown(f"{badges.badge(newest.state)} {plain(newest.sentence)}")
    figures = [f"{newest.rows:,} new texts beside {newest.reference_rows:,} of the reference"]
    if newest.score is not None and newest.noise is not None:
        figures.append(f"score {newest.score:.3f}, noise {newest.noise:.3f}")
    age = times.since(newest.at, datetime.now(UTC))
    say(f":small[:gray[{'; '.join(figures)}. Compared {age}.]]")
    if newest.words:
        st.markdown("**Typical words** " + " · ".join(plain(word) for word in newest.words))
    if newest.examples:
        st.markdown("**Typical texts**")
        st.markdown("\n".join(f"- {plain(example)}" for example in newest.examples))


def _before(compared: list[TextDrift]) -> None:
    with st.expander("Every comparison that is kept", type="compact"):
        headings = ("Texts of", "State", "Score", "Noise", "New texts", "Typical words")
        grid(headings, [_row(one) for one in compared])


def _row(one: TextDrift) -> tuple[str, ...]:
    # A window of whole days ends where the next one begins.
    last = one.until - timedelta(microseconds=1)
    span = f"{last:%-d %b %Y}"
    if last.date() > one.since.date():
        span = f"{one.since:%-d %b} to {span}"
    score, noise = (view.number(value) for value in (one.score, one.noise))
    words = ", ".join(plain(word) for word in one.words[:5])
    return span, badges.badge(one.state), score, noise, f"{one.rows:,}", words


def report(found: Drift) -> None:
    """Evidently's report: ordered, followed, opened here or taken along."""
    st.header("Evidently's report", anchor=False)
    if not session.can(Permission.READ_PREDICTIONS):
        forms.barred("Reading reports", Permission.READ_PREDICTIONS)
        return
    model, version = found.model_name, found.version
    reading = session.read(f"reports:{model}", lambda: session.backend().drift_reports(model))
    parts.stale(reading)
    if reading.value is None:
        return
    jobs = [job for job in reading.value if job.version == version]
    running = [job for job in jobs if job.state in job_view.UNDER_WAY]
    if running:
        job_view.follow(running[0], "of")
    else:
        _order(found, jobs)
    done = [job for job in jobs if job.state == JobState.SUCCEEDED]
    if done:
        _open(done)


def _order(found: Drift, jobs: list[Job]) -> None:
    if not jobs:
        parts.empty(
            f"No report on {found.version} was made yet.",
            "Order one below: a sample of this window beside as many days before it.",
        )
    elif jobs[0].state == JobState.FAILED:
        st.warning(plain(jobs[0].message), icon=":material/warning:")
    key = f"report.{found.model_name}.{found.version}"

    def verb(request_id: UUID, reason: str) -> Outcome:
        body = Lookback(request_id=request_id, reason=reason, days=len(found.days))
        return session.backend().make_drift_report(found.model_name, found.version, body)

    with st.expander(f"Report on the last {_window(found)}"), st.form(key, border=False):
        forms.reason(key, "the score has risen since Monday")
        forms.button(key, "Order the report", verb, icon="lab_profile")


def _open(done: list[Job]) -> None:
    names = {job.id: times.when(job.finished_at or job.created_at) for job in done}
    chosen = st.selectbox("Report", list(names), format_func=lambda one: names[one])
    if chosen is None or not st.toggle("Open it here", key="report.open"):
        return
    try:
        content = session.backend().drift_report(chosen)
    except BackendError as error:
        parts.stale(session.Reading(None, None, error))
        return
    st.download_button(
        "Download", content, f"drift-{chosen}.html", "text/html", icon=":material/download:",
        on_click="ignore",
    )  # fmt: skip
    st.components.v1.html(content.decode(), height=FRAME_PX, scrolling=True)
