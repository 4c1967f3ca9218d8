"""Retraining on the Accuracy page: starting one, how far it is, and what came out of the last."""

from datetime import UTC, datetime
from uuid import UUID

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from backend_api.schemas import Incident, Job, Outcome, Retrain
from backend_api.states import JobState, Permission
from console import badges, choice, forms, job_view, parts, session, times
from console.markdown import grid, plain

SHOWN = 5


def panel(model: str) -> None:
    """The form, the one under way, and the last ones."""
    st.header("Train it anew", anchor=False)
    reading = session.read(f"retrainings:{model}", lambda: session.backend().retrainings(model))
    parts.stale(reading)
    found = reading.value
    if found is None:
        return
    if _is_open(found):
        _form(model)
    _listed(model, [job for job in found if job.state not in job_view.UNDER_WAY][:SHOWN])


def _is_open(jobs: list[Job]) -> bool:
    """Whether the reader may order one now; else what is under way, or who may, is shown."""
    if jobs and jobs[0].state in job_view.UNDER_WAY:
        job_view.follow(jobs[0], "from")
        return False
    if not session.can(Permission.REGISTER):
        forms.barred("Training", Permission.REGISTER)
        return False
    return True


def propose(found: Incident, mend: str | None) -> None:
    """What may cure an incident: a candidate by one click, or how far the one under way is.

    Where the data have to be mended first, that is said, and the click is folded away.
    """
    model = found.model_name
    if not found.holds:
        return
    reading = session.read(f"retrainings:{model}", lambda: session.backend().retrainings(model))
    parts.stale(reading)
    if reading.value is None or not _is_open(reading.value):
        return
    key = f"retrain.incident.{found.id}"

    def verb(request_id: UUID, reason: str) -> Outcome:
        body = Retrain(request_id=request_id, reason=reason, incident_id=found.id)
        return session.backend().retrain(model, body)

    # What is to be written into the ledger stands there already, and may be changed.
    st.session_state.setdefault(f"{key}.reason", found.title)
    if mend is not None:
        st.warning(f"Mend the data first: {plain(mend)} What is trained now learns that fault.")
    around: DeltaGenerator = (
        st.container() if mend is None else st.expander("Train a candidate all the same")
    )
    with around, st.form(key):
        st.markdown(
            "**Train a candidate on newer data.** It learns from the labelled answers of the last"
            " 30 days too, and is promoted by nobody but people."
        )
        forms.reason(key, "")
        forms.button(
            key, "Train a candidate", verb, icon="model_training",
            kind="primary" if mend is None else "secondary",
        )  # fmt: skip


def _form(model: str) -> None:
    key = f"retrain.{model}"
    st.caption(
        "A candidate is trained on the rows of the version in production and, beside them, on the"
        " labelled answers of the last days. It is registered with its origin and held against the"
        " acceptance criteria; nobody but people promotes it."
    )

    def verb(request_id: UUID, reason: str) -> Outcome:
        days = int(str(forms.value(key, "days")))
        body = Retrain(request_id=request_id, reason=reason, days=days)
        return session.backend().retrain(model, body)

    with st.expander("Train a candidate"), st.form(key, border=False):
        st.slider("Days of labelled answers", 1, 90, 30, key=f"{key}.days")
        forms.reason(key, "drift of 0.34 since Monday")
        forms.button(key, "Train a candidate", verb, icon="model_training", kind="primary")


def _listed(model: str, jobs: list[Job]) -> None:
    if not jobs:
        return
    now = datetime.now(UTC)
    grid(
        ("State", "From", "Ended", "By", "What came out"),
        [
            (
                badges.badge(job.state), plain(job.version or ""),
                times.since(job.finished_at, now) if job.finished_at else "",
                plain(job.created_by), plain(job.message),
            )
            for job in jobs
        ],
    )  # fmt: skip
    if any(job.state == JobState.SUCCEEDED for job in jobs):
        choice.link("registry", "Candidates on the Registry page", "inventory_2", model=model)
