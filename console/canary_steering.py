"""What may be done to a rollout under way, by role and with a reason; and the walk down."""

from dataclasses import dataclass
from uuid import UUID

import streamlit as st

from backend_api.schemas import Deployment, Outcome, Rollout, SetPlan, SteerRollout, WalkDown
from backend_api.states import Permission, RolloutKind, RolloutState
from console import forms, plan_form, session
from console.client import Steering
from console.markdown import plain

P = Permission


@dataclass(frozen=True)
class Deed:
    """One of the verbs: its words, whose it is, and what it would do."""

    verb: Steering
    label: str
    barred: str
    permission: Permission
    icon: str
    example: str


PAUSE = Deed("pause", "Pause", "Pausing the plan", P.ROLL_BACK, "pause", "nobody is awake to watch")
RESUME = Deed(
    "resume", "Resume", "Resuming the plan", P.APPROVE, "play_arrow", "the cause is known"
)
STEP = Deed("step", "Next share now", "Taking the next step", P.APPROVE, "skip_next", "seen enough")
PROMOTE = Deed("promote", "Promote", "Promoting it now", P.APPROVE, "done_all", "seen enough")
ABORT = Deed("abort", "Abort", "Aborting it", P.ROLL_BACK, "block", "answers look wrong")


def effect(found: Rollout, deed: Deed) -> str:
    """What the verb would do to this rollout."""
    higher = [share for share in found.plan.steps if share > found.share]
    after = f"to {higher[0]} %" if higher and higher[0] < 100 else "to production"
    return {
        "pause": "Keeps the share. A verdict against the canary still sends it back.",
        "resume": "Lets the judge raise the share again.",
        "step": f"Takes {found.canary} from {found.share} % {after} now, without waiting for a"
        " verdict. Gates and freezes hold.",
        "promote": f"Makes {found.canary} production now; {found.stable} stays warm as the way"
        " back. Gates and freezes hold.",
        "abort": f"{found.stable} gets all requests at once. {found.canary} does not come back by"
        " itself.",
    }[deed.verb]


def draw(found: Rollout) -> None:
    """Every verb that is possible now, and the plan."""
    paused = found.state == RolloutState.PAUSED
    deeds = [RESUME if paused else PAUSE, STEP, PROMOTE, ABORT]
    if found.kind == RolloutKind.DOWN:
        deeds = [ABORT]
    st.header("What to do", anchor=False)
    mine = [deed for deed in deeds if session.can(deed.permission)]
    for deed in deeds:
        if deed not in mine:
            forms.barred(deed.barred, deed.permission)
    if mine:
        for tab, deed in zip(st.tabs([deed.label for deed in mine]), mine, strict=True):
            with tab:
                _form(found, deed)
    if found.kind == RolloutKind.UP:
        _plan(found)


def _form(found: Rollout, deed: Deed) -> None:
    key = f"canary.{deed.verb}.{found.model_name}.{found.revision}"

    def verb(request_id: UUID, reason: str) -> Outcome:
        body = SteerRollout(
            request_id=request_id, reason=reason, expected_share=found.share,
            expected_revision=found.revision,
        )  # fmt: skip
        return session.backend().steer_rollout(found.model_name, deed.verb, body)

    with st.form(key, border=False):
        st.caption(plain(effect(found, deed)))
        forms.reason(key, deed.example)
        forms.button(key, f"{deed.label} {found.canary}", verb, icon=deed.icon, kind="primary")


def _plan(found: Rollout) -> None:
    if not session.can(P.APPROVE):
        forms.barred("Changing the plan", P.APPROVE)
        return
    key = f"canary.plan.{found.model_name}.{found.revision}"

    def verb(request_id: UUID, reason: str) -> Outcome:
        body = SetPlan(
            request_id=request_id, reason=reason, expected_share=found.share,
            expected_revision=found.revision, plan=plan_form.written(key),
        )  # fmt: skip
        return session.backend().set_plan(found.model_name, body)

    with (
        st.expander("Change the plan", icon=":material/edit_calendar:"),
        st.form(key, border=False),
    ):
        st.caption(
            "Only this rollout's; models.yaml stays. What was compared at this share counts on."
        )
        plan_form.fields(key, found.plan)
        forms.reason(key, "a quiet week: smaller steps")
        forms.button(key, "Set the plan", verb, icon="save", kind="primary")


def offer_walk_down(deployment: Deployment) -> None:
    """The gradual way back from production, where there is one and none is under way."""
    want, target = deployment.desired, deployment.readiness.target
    if want is None or want.production is None or target is None or deployment.walking_down:
        return
    if not session.can(P.ROLL_BACK):
        forms.barred("Walking production down", P.ROLL_BACK)
        return
    name, left = want.model_name, want.production
    key = f"walk.{name}.{want.epoch}"

    def verb(request_id: UUID, reason: str) -> Outcome:
        body = WalkDown(
            request_id=request_id, reason=reason, expected_production=left, to=target,
            minutes=st.session_state[f"{key}.minutes"],
        )  # fmt: skip
        return session.backend().walk_down(name, body)

    ends = f" The canary {want.canary} ends by it." if want.canary else ""
    with (
        st.expander(f"Walk {left} down to {target}", icon=":material/stairs:"),
        st.form(key, border=False),
    ):
        st.caption(
            plain(
                f"For what is wrong but not down: {target} is production at once and has half,"
                f" {left} goes from 50 % to 10 % to nothing by the clock. No gate or freeze stops"
                f" it, nothing raises it, and a hold is set.{ends}"
            )
        )
        st.number_input("Minutes between two steps", 1.0, 1440.0, 5.0, key=f"{key}.minutes")
        forms.reason(key, "answers drift since yesterday, nothing is down")
        forms.button(key, f"Walk {left} down", verb, icon="stairs", kind="primary")
