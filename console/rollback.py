"""The way back: how ready it is, and the rollback in two clicks from anywhere.

"Roll back" opens the confirmation, the second click acts. The dialog is kept in session state,
so that it survives reruns of the page behind it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import streamlit as st

from backend_api.schemas import Deployment, Outcome, Readiness, RollBack
from backend_api.states import GateState, Permission
from console import badges, rollback_progress, session, times
from console.markdown import plain, say

WHO = "On-call and leads may roll back."


@dataclass(frozen=True)
class Intent:
    """What the person saw when they asked; with an outcome, what was ordered and when."""

    seen: Deployment
    ordered_at: datetime | None = None
    outcome: Outcome | None = None


def facts(ready: Readiness) -> str:
    """What is known of the way back beside its warmth: digests, rehearsal, the last time."""
    if ready.target is None:
        return plain(ready.sentence)
    now = datetime.now(UTC)
    told = ["digest checked" if ready.digest_checked else "digest not checked"]
    last = ready.rehearsal
    if last is None or last.version != ready.target:
        told.append("never rehearsed")
    elif last.result == GateState.PASS:
        told.append(f"rehearsed {times.since(last.asked_at, now)}")
    elif last.result == GateState.FAIL:
        told.append(f"rehearsal failed {times.since(last.asked_at, now)}")
    else:
        told.append("not rehearsed to an end")
    if ready.last_at is None or ready.last_seconds is None:
        told.append("never rolled back yet")
    else:
        age = times.since(ready.last_at, now)
        told.append(f"last rollback took {ready.last_seconds:.1f}\u00a0s, {age}")
    return " · ".join(told)


def in_sidebar(deployment: Deployment) -> None:
    """A model's way back in a few lines, on every page."""
    ready = deployment.readiness
    with st.container(gap=None):
        if ready.target and session.can(Permission.ROLL_BACK):
            button(deployment, "sidebar", f"Roll back {deployment.title}", stretch=True)
        else:
            st.markdown(f"**{plain(deployment.title)}**")
        say(f":small[{badges.readiness(ready)}]")
        if ready.target:
            say(f":small[:gray[{facts(ready)}]]")


def button(deployment: Deployment, key: str, label: str, *, stretch: bool = False) -> None:
    """Opens the confirmation. ``key`` tells two buttons for one model on a page apart."""
    allowed = session.can(Permission.ROLL_BACK)
    clicked = st.button(
        label,
        key=f"rollback-{key}-{deployment.model_name}",
        icon=":material/undo:",
        width="stretch" if stretch else "content",
        disabled=not (allowed and deployment.readiness.target),
        help=deployment.readiness.sentence if allowed else WHO,
        on_click=ask,
        args=(deployment,),
    )
    if clicked and st.session_state.get("rollback_drawn") is not st.session_state.get("rollback"):
        st.rerun()  # clicked within a fragment, and only the whole page draws the dialog


def ask(deployment: Deployment) -> None:
    """Open the confirmation for what the person sees now."""
    st.session_state["rollback"] = Intent(deployment)
    rollback_progress.forget()


def _close() -> None:
    st.session_state.pop("rollback", None)


def open_dialog() -> None:
    """Draw the dialog if somebody asked for it; called once per run, by ``parts.page``."""
    intent: Intent | None = st.session_state.get("rollback")
    st.session_state["rollback_drawn"] = intent
    if intent is not None:
        title = f"Roll back {intent.seen.title}"
        st.dialog(title, icon=":material/undo:", on_dismiss=_close)(_dialog)()


def _dialog() -> None:
    intent: Intent | None = st.session_state.get("rollback")
    if intent is None:
        st.rerun()
    elif intent.outcome is None or intent.ordered_at is None:
        _confirm(intent.seen)
    else:
        rollback_progress.show(intent.outcome, intent.seen, intent.ordered_at)
        st.button("Close", on_click=_close, key="rollback-close")


def effect(seen: Deployment) -> list[str]:
    """What the rollback would do, a line each."""
    want, ready = seen.desired, seen.readiness
    lines = [
        f"All requests to `{seen.endpoint}` are answered by {ready.target}.",
        ready.sentence,
        "Promotions of this model are held until a lead lifts the hold.",
        "No approval is needed, and MLflow is not.",
    ]
    if want is not None and want.canary is not None:
        lines.insert(1, f"The canary {want.canary} ends; it does not come back by itself.")
    return lines


def _left(seen: Deployment) -> str:
    """What would no longer serve: production, or the canary where production is the way back."""
    want = seen.desired
    if want is None or want.production is None:
        return "nothing"
    return (want.canary or "") if want.production == seen.readiness.target else want.production


def _confirm(seen: Deployment) -> None:
    _refusal()
    if seen.readiness.target is None:
        st.markdown(plain(seen.readiness.sentence))
        return
    names = (
        ("Model", seen.model_name),
        ("From", _left(seen)),
        ("To", seen.readiness.target),
    )
    for column, (label, value) in zip(st.columns([2, 1, 1]), names, strict=True):
        column.markdown(f":small[:gray[{label}]]  \n**{plain(value)}**")
    st.markdown("\n".join(f"- {line}" for line in effect(seen)))
    with st.form("rollback-form", border=False):
        st.text_area(
            "Reason (goes into the ledger)",
            key="rollback-reason",
            placeholder="p95 doubled since 03:10",
            max_chars=2000,
            height=68,
        )
        st.form_submit_button(
            f"Roll back to {seen.readiness.target}",
            type="primary",
            icon=":material/undo:",
            on_click=_order,
            args=(seen,),
        )


def _refusal() -> None:
    answer = session.take_answer()
    if answer is not None and answer.error is not None:
        said = f"**{plain(answer.error.message)}**  \n{plain(answer.error.hint)}"
        st.error(said, icon=":material/error:")


def _order(seen: Deployment) -> None:
    ordered_at = datetime.now(UTC)

    def verb() -> Outcome:
        body = RollBack(
            request_id=session.request_id(f"rollback-{seen.model_name}"),
            reason=st.session_state["rollback-reason"].strip(),
            expected_production=seen.desired.production if seen.desired else None,
            to=seen.readiness.target,
        )
        return session.backend().roll_back(seen.model_name, body)

    session.act(verb, f"Roll back {seen.title}")
    answer = session.last_answer()
    if answer is None:
        return
    if answer.outcome is not None:
        st.session_state["rollback"] = Intent(seen, ordered_at, answer.outcome)
    elif answer.error is not None and answer.error.status == 409:
        ask(_as_it_is_now(seen))


def _as_it_is_now(seen: Deployment) -> Deployment:
    """What the refusal speaks of; the same as before if it cannot be read."""
    name = seen.model_name
    fresh = session.read(f"deployment:{name}", lambda: session.backend().deployment(name))
    return fresh.value or seen
