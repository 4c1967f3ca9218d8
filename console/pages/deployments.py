"""Does every worker serve what was decided?"""

from datetime import datetime

import streamlit as st

from backend_api.schemas import Deployment
from console import choice, fallback, parts, session, shadow, truth_view, way_back
from console import deployments_actions as acting
from console import deployments_view as view
from console.markdown import plain


def draw() -> None:
    """The page, from the answer down to what can be done."""
    parts.page("Deployments", "Does every worker serve what was decided?")
    reading = session.overview()
    deployments = choice.known(reading)
    if not deployments:
        return
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        chosen = choice.model(deployments)
    right.caption(f"Endpoint {plain(chosen.endpoint)}")
    fallback.notice(chosen)
    acting.hold(chosen)
    st.fragment(run_every=view.LIVE_SECONDS)(view.live)(chosen, reading.at)
    if chosen.desired is None:
        parts.empty(
            f"{chosen.title} was never deployed.",
            "Stage, validate and promote a version under Registry.",
        )
        return
    _controls(chosen, reading.at)


def _controls(chosen: Deployment, read_at: datetime | None) -> None:
    way_back.draw(chosen, read_at)
    acting.canary(chosen)
    truth_view.draw(chosen)
    # A difference stands above with its repair.
    if chosen.mirror.difference is None:
        acting.mirror(chosen)
    shadow.act(chosen)
    fallback.offer(chosen)


draw()
