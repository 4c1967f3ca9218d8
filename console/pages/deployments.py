"""Does every worker serve what was decided?"""

import streamlit as st

from backend_api.schemas import Deployment
from console import choice, parts, session
from console import deployments_actions as acting
from console import deployments_view as view


def draw() -> None:
    """The page, from the answer down to what can be done."""
    parts.page("Deployments", "Does every worker serve what was decided?")
    reading = session.read("deployments", session.backend().deployments)
    if reading.value is None:
        parts.stale(reading)
        return
    if not reading.value:
        parts.empty("No model is known.", "Describe one in models.yaml, then restart the backend.")
        return
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        chosen = choice.model(reading.value)
    right.caption(f"Endpoint {parts.plain(chosen.endpoint)}")
    st.fragment(run_every=view.LIVE_SECONDS)(view.live)(chosen)
    acting.hold(chosen)
    if chosen.desired is None:
        parts.empty(
            f"{chosen.title} was never deployed.",
            "Stage, validate and promote a version under Registry.",
        )
        return
    _controls(chosen)


def _controls(chosen: Deployment) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        acting.canary(chosen)
    with right:
        acting.way_back(chosen)
    acting.mirror(chosen)


draw()
