"""Rules in place of versions, on the Deployments page: the notice, and the forms on and off."""

from uuid import UUID

import streamlit as st

from backend_api.schemas import Deployment, Outcome, SetFallback
from backend_api.states import Permission
from console import forms, session, times
from console.markdown import plain, say

DEED = "Choosing who answers"


def notice(deployment: Deployment) -> None:
    """Says that rules answer, and lets on-call end it."""
    chosen = deployment.fallback
    if chosen is None:
        return
    st.warning(
        f"**Rules answer, and no version does.** {plain(chosen.reason)}  \n"
        f"Chosen by {plain(chosen.by)}, {times.when(chosen.at)}.",
        icon=":material/rule:",
    )
    if not session.can(Permission.ROLL_BACK):
        forms.barred(DEED, Permission.ROLL_BACK)
        return
    with st.expander("Let versions answer again"):
        _form(deployment, on=False, label="Let versions answer again", example="cause found")


def offer(deployment: Deployment) -> None:
    """What rules would do, and the confirmation."""
    if deployment.fallback is not None or not deployment.has_rules:
        return
    st.header("Rules", anchor=False)
    say(":gray[Simple rules can answer in place of every version, when none of them should.]")
    if not session.can(Permission.ROLL_BACK):
        forms.barred(DEED, Permission.ROLL_BACK)
        return
    with st.expander("Have rules answer"):
        lines = (
            f"All requests to `{deployment.endpoint}` are answered by rules, which are far less"
            ' exact than a model; each answer says `"source": "fallback"`.',
            "Versions stay in memory and are as they were when this is ended.",
            "Answers by rules count for no version.",
        )
        st.markdown("\n".join(f"- {line}" for line in lines))
        _form(deployment, on=True, label="Have rules answer", example="drift since 02:00")


def _form(deployment: Deployment, *, on: bool, label: str, example: str) -> None:
    name = deployment.model_name
    epoch = deployment.desired.epoch if deployment.desired else 0
    key = f"fallback.{name}.{epoch}"

    def verb(request_id: UUID, reason: str) -> Outcome:
        body = SetFallback(request_id=request_id, reason=reason, on=on)
        return session.backend().choose_fallback(name, body)

    with st.form(key, border=False):
        forms.reason(key, example)
        forms.button(key, label, verb, icon="rule", kind="primary")
