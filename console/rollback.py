"""Rollback in two clicks: "Roll back" opens the confirmation, the second click acts.

The dialog is kept in session state, so that it survives reruns of the page behind it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import streamlit as st

from backend_api.schemas import Deployment, Observed, Outcome, RollBack
from backend_api.states import Permission
from console import session

WHO = "On-call and leads may roll back."


@dataclass(frozen=True)
class Intent:
    """What the person saw when they asked."""

    seen: Deployment
    ordered_at: datetime | None = None
    outcome: Outcome | None = None


def panel(
    deployment: Deployment,
    key: str = "page",
    label: str = "Roll back",
    width: Literal["content", "stretch"] = "content",
) -> None:
    """The button. ``key`` tells two of them for one model on a page apart."""
    target = deployment.readiness.target
    allowed = session.can(Permission.ROLL_BACK)
    clicked = st.button(
        f"{label} to {target}" if target else label,
        key=f"rollback-{key}-{deployment.model_name}",
        icon=":material/undo:",
        width=width,
        disabled=not (allowed and target),
        help=deployment.readiness.sentence if allowed else WHO,
        on_click=ask,
        args=(deployment,),
    )
    if clicked and st.session_state.get("rollback_drawn") is not st.session_state.get("rollback"):
        st.rerun()  # clicked within a fragment, and only the whole page draws the dialog


def ask(deployment: Deployment) -> None:
    """Open the confirmation for what the person sees now."""
    st.session_state["rollback"] = Intent(deployment)
    st.session_state.pop("rollback_done", None)


def _close() -> None:
    st.session_state.pop("rollback", None)


def open_dialog() -> None:
    """Draw the dialog if somebody asked for it; called once per run, by ``parts.page``."""
    intent: Intent | None = st.session_state.get("rollback")
    st.session_state["rollback_drawn"] = intent
    if intent is not None:
        st.dialog(f"Roll back {intent.seen.title}", on_dismiss=_close)(_dialog)()


def _dialog() -> None:
    intent: Intent | None = st.session_state.get("rollback")
    if intent is None:
        st.rerun()
    elif intent.outcome is None:
        _confirm(intent.seen)
    else:
        st.fragment(run_every=1.0)(_progress)()
        st.button("Close", on_click=_close, key="rollback-close")


def _confirm(seen: Deployment) -> None:
    before = seen.desired.production if seen.desired else None
    canary = seen.desired.canary if seen.desired else None
    columns = st.columns([2, 1, 1])
    for column, label, value in zip(
        columns,
        ("Model", "From", "To"),
        (seen.model_name, before or "nothing", seen.readiness.target),
        strict=True,
    ):
        column.markdown(f":small[:gray[{label}]]  \n**{value}**")
    st.markdown(
        f"All traffic of `{seen.endpoint}` goes to **{seen.readiness.target}** at once:"
        f" {seen.readiness.sentence}"
        + (f" The canary {canary} ends." if canary else "")
        + " Promotions of this model are held until a lead lifts the hold. No approval is needed."
    )
    with st.form("rollback-form", border=False):
        st.text_area(
            "Reason (goes into the ledger)",
            key="rollback-reason",
            placeholder="p95 doubled since 03:10",
            max_chars=2000,
        )
        _refusal()
        st.form_submit_button(
            f"Roll back {seen.model_name} to {seen.readiness.target}",
            type="primary",
            icon=":material/undo:",
            on_click=_order,
            args=(seen,),
        )


def _refusal() -> None:
    answer = st.session_state.get("answer")
    if answer is not None and answer.error is not None:
        st.error(f"{answer.error.message} {answer.error.hint}", icon=":material/error:")


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

    session.act(verb, f"Roll back {seen.model_name}")
    answer: session.Answer = st.session_state["answer"]
    if answer.outcome is not None:
        st.session_state["rollback"] = Intent(seen, ordered_at, answer.outcome)


def _progress() -> None:
    intent: Intent | None = st.session_state.get("rollback")
    if intent is None or intent.outcome is None or intent.ordered_at is None:
        return
    done: Deployment | None = st.session_state.get("rollback_done")
    model = intent.seen.model_name
    state = done or _now(model)
    if state is None:
        return
    live = [worker for worker in state.observed if worker.live]
    there = [worker for worker in live if _arrived(worker, intent.outcome)]
    # the order's time by the database's clock, as the workers' acknowledgements are
    start = state.desired.changed_at if state.desired else intent.ordered_at
    for worker in live:
        _line(worker, intent.outcome, start)
    if live and len(there) == len(live):
        st.session_state["rollback_done"] = state
        longest = max(_took(worker, start) for worker in there)
        st.success(
            f"Every worker serves {intent.outcome.version} after {longest:.1f} s.",
            icon=":material/check_circle:",
        )
    else:
        waited = (datetime.now(UTC) - intent.ordered_at).total_seconds()
        st.info(
            f"{len(there)} of {len(live)} workers serve {intent.outcome.version};"
            f" {waited:.0f} s so far.",
            icon=":material/autorenew:",
        )


def _now(model: str) -> Deployment | None:
    reading = session.read(f"rollback:{model}", lambda: session.backend().deployment(model))
    if reading.error is not None:
        st.warning("The backend does not answer; workers carry the order out all the same.")
    return reading.value


def _arrived(worker: Observed, outcome: Outcome) -> bool:
    return worker.agrees and worker.epoch >= (outcome.epoch or 0)


def _took(worker: Observed, ordered_at: datetime) -> float:
    return max(0.0, (worker.acknowledged_at - ordered_at).total_seconds())


def _line(worker: Observed, outcome: Outcome, ordered_at: datetime) -> None:
    name = f"`{worker.host}:{worker.pid}`"
    if _arrived(worker, outcome):
        took = _took(worker, ordered_at)
        st.markdown(f":material/check: {name} serves **{worker.production}** after {took:.1f} s")
    else:
        trouble = f" ({worker.error})" if worker.error else ""
        st.markdown(f":material/autorenew: {name} still serves {worker.production}{trouble}")
