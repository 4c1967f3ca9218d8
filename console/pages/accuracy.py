"""Is the model still right?"""

import streamlit as st

from console import accuracy_view as view
from console import choice, incident_view, label_upload, parts, retraining_view, session


def draw() -> None:
    """The page, from the answer down to what can be done."""
    parts.page("Accuracy", "Is the model still right?")
    deployments = choice.known(session.overview())
    if not deployments:
        return
    left, right = st.columns(2)
    with left:
        name = choice.model(deployments).model_name
    with right:
        days = st.selectbox("Days", list(view.DAYS), index=1, key="accuracy.days")
    reading = view.read(name, view.DAYS[str(days)])
    if reading.error is not None and reading.error.status == 404:
        parts.empty(reading.error.message, reading.error.hint)
        return
    parts.stale(reading)
    found = reading.value
    if found is None:
        return
    if found.incident is not None:
        incident_view.draw(found.incident)
    view.draw(found, then=reading.error is not None)
    label_upload.panel(found.output)
    retraining_view.panel(name)


draw()
