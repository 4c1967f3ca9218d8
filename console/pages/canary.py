"""Is the canary any good?"""

from uuid import UUID

import streamlit as st

from backend_api.schemas import Deployment, Outcome, PauseCanary, Rollout
from backend_api.states import Permission, RolloutState
from console import canary_view as view
from console import choice, dry_run, forms, parts, session
from console import deployments_actions as acting

P = Permission


def pause_or_resume(found: Rollout) -> None:
    """The one of both that is possible now."""
    paused = found.state == RolloutState.PAUSED
    needed = P.APPROVE if paused else P.ROLL_BACK
    deed = "Resume" if paused else "Pause"
    if not session.can(needed):
        forms.barred("Resuming the plan" if paused else "Pausing the plan", needed)
        return
    key = f"canary.{deed}.{found.model_name}.{found.share}"

    def verb(request_id: UUID, reason: str) -> Outcome:
        body = PauseCanary(request_id=request_id, reason=reason, expected_share=found.share)
        act = session.backend().resume_canary if paused else session.backend().pause_canary
        return act(found.model_name, body)

    with (
        st.expander(f"{deed} the plan", icon=":material/pause_circle:"),
        st.form(key, border=False),
    ):
        st.caption(
            "Lets the judge raise the share again." if paused
            else "Keeps the share. A verdict against the canary still sends it back."
        )  # fmt: skip
        forms.reason(key, "the cause is known" if paused else "nobody is awake to watch it")
        forms.button(key, deed, verb, icon="play_arrow" if paused else "pause", kind="primary")


def draw() -> None:
    """The page, from the answer down to what can be done."""
    parts.page("Canary", "Is the canary any good?")
    deployments = choice.known(session.overview())
    if not deployments:
        return
    chosen: Deployment = choice.model(deployments)
    name = chosen.model_name
    st.fragment(run_every=view.LIVE_SECONDS)(view.live)(name)
    reading = view.read(name)
    if reading.value is not None and reading.value.state in view.UNDER_WAY:
        pause_or_resume(reading.value)
        acting.canary(chosen)
    dry_run.panel(name)


draw()
