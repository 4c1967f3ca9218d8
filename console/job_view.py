"""A job under way, as any page shows it."""

import streamlit as st

from backend_api.schemas import Job
from backend_api.states import JobState
from console import badges, parts, session
from console.markdown import plain

UNDER_WAY = (JobState.QUEUED, JobState.RUNNING)
LIVE_SECONDS = 2.0


def follow(began: Job, link: str) -> None:
    """How far it is, until it has ended; ``link`` stands between its state and its version."""
    st.fragment(run_every=LIVE_SECONDS)(_watched)(began, link)


def _watched(began: Job, link: str) -> None:
    reading = session.read(f"job:{began.id}", lambda: session.backend().job(began.id))
    parts.stale(reading)
    now = reading.value or began
    words = f"{badges.LOOKS[now.state].word}, {link} {now.version}: {now.message}"
    st.progress(now.progress, text=plain(words))
    if now.state not in UNDER_WAY:
        st.rerun()
