"""Is the canary any good?"""

import streamlit as st

from backend_api.schemas import Deployment
from backend_api.states import UNDER_WAY, RolloutKind
from console import canary_steering as steering
from console import canary_view as view
from console import choice, dry_run, parts, session
from console import deployments_actions as acting


def draw() -> None:
    """The page, from the answer down to what can be done."""
    parts.page("Canary", "Is the canary any good?")
    deployments = choice.known(session.overview())
    if not deployments:
        return
    chosen: Deployment = choice.model(deployments)
    name = chosen.model_name
    st.fragment(run_every=view.LIVE_SECONDS)(view.live)(name)
    found = view.read(name).value
    if found is not None and found.state in UNDER_WAY:
        steering.draw(found)
        if found.kind == RolloutKind.UP:
            acting.canary(chosen)
    steering.offer_walk_down(chosen)
    dry_run.panel(name)


draw()
