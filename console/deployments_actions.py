"""What may be done on the Deployments page: move the share, lift a hold, repair the mirror."""

from uuid import UUID

import streamlit as st

from backend_api.schemas import Deployment, Desired, Explain, Outcome, ShiftTraffic, Traffic
from backend_api.states import Health, Permission
from console import deployments_view, forms, parts, session, times
from console.markdown import plain

P = Permission


def effect(want: Desired, share: int) -> str:
    """What setting the canary's share would do."""
    canary, before, rest = want.canary, want.canary_share, want.production
    if share == before:
        return f"{canary} has {before} % of the requests. Move the slider to change that."
    if share == 0:
        return (
            f"Aborts {canary}: {rest} gets all requests, and {canary} does not come back by"
            " itself; it has to be staged and validated again."
        )
    if share == 100:
        return f"Makes {canary} production. {rest} is archived, and stays warm as the way back."
    stay = (
        "Whoever is on the canary stays on it."
        if share > before
        else f"Whoever leaves it goes back to {rest}."
    )
    moves = f"{canary} goes from {before} % to {share} % of the requests"
    return f"{moves}, {rest} to {100 - share} %. {stay}"


def rate(traffic: Traffic | None, share: int) -> str:
    """How many requests a share is, at the pace of the last minutes."""
    if traffic is None or not traffic.requests:
        return "No request was logged in the last minutes, so its size in requests is unknown."
    per_minute = traffic.requests / traffic.minutes
    return (
        f"At the pace of the last {traffic.minutes} min, {per_minute:,.0f} requests/min, that is"
        f" about {per_minute * share / 100:,.0f} requests/min."
    )


def _traffic(model: str) -> Traffic | None:
    reading = session.read("overview", session.backend().overview)
    models = reading.value.models if reading.value and reading.error is None else []
    return next((m.traffic for m in models if m.model_name == model), None)


def canary(deployment: Deployment) -> None:
    """The canary's share, what moving it would do, and the confirmation."""
    st.header("Canary", anchor=False)
    want = deployment.desired
    if want is None or want.canary is None:
        st.caption("There is no canary. One begins when a promotion is asked for as a canary.")
        return
    if not session.can(P.ROLL_BACK):
        forms.barred("Lowering or aborting a canary", P.ROLL_BACK)
        return
    raises = session.can(P.APPROVE) and not deployment.walking_down
    if deployment.walking_down:
        st.caption(f"{want.canary} is being walked down: its share only falls.")
    elif not raises:
        forms.barred("Raising the share", P.APPROVE)
    key = f"share.{want.model_name}.{want.epoch}"
    share = st.slider(
        f"Share of {want.canary}, per cent of requests",
        0, 100 if raises else max(1, want.canary_share), want.canary_share,
        key=f"{key}.share", format="%d %%",
    )  # fmt: skip
    st.markdown(plain(effect(want, share)))
    if share == want.canary_share:
        return
    if 0 < share < 100:
        st.caption(rate(_traffic(want.model_name), share))
        _price(want.model_name, share)
    with st.form(key, border=False):
        forms.reason(key, "24 h without a difference")
        words = {0: f"Abort {want.canary}", 100: f"Make {want.canary} production"}
        forms.button(
            key, words.get(share, f"Set {want.canary} to {share} %"),
            lambda request_id, reason: _shift(want, key, request_id, reason),
            icon="call_split", kind="primary",
        )  # fmt: skip


def _price(model: str, share: int) -> None:
    """What the share would show and risk, before it is set."""
    reading = session.read(f"price:{model}:{share}", lambda: session.backend().price(model, share))
    if reading.error is not None or reading.value is None:
        return
    price = reading.value
    if price.detectable is not None and price.requests_at_risk is not None:
        with st.container(horizontal=True, gap="medium"):
            parts.figure("Smallest rise it shows", f"{price.detectable:.2%} errors")
            risk = f" ({price.budget_at_risk:.1%})" if price.budget_at_risk is not None else ""
            parts.figure("Error budget at risk", f"{price.requests_at_risk:,.0f} requests{risk}")
            parts.figure("People who get it", f"{price.people:,}")
    st.caption(plain(price.sentence))


def _shift(want: Desired, key: str, request_id: UUID, reason: str) -> Outcome:
    body = ShiftTraffic(
        request_id=request_id,
        reason=reason,
        expected_canary=want.canary or "",
        expected_share=want.canary_share,
        share=st.session_state[f"{key}.share"],
    )
    return session.backend().shift_traffic(want.model_name, body)


def hold(deployment: Deployment) -> None:
    """The hold that a rollback set, and the form that lifts it."""
    held, name = deployment.hold, deployment.model_name
    if held is None:
        return
    st.warning(
        f"**On hold: nothing promotes this model.** {plain(held.reason)}  \n"
        f"Set by {plain(held.by)}, {times.when(held.at)}.",
        icon=":material/front_hand:",
    )
    if not session.can(P.APPROVE):
        forms.barred("Lifting the hold", P.APPROVE)
        return
    key = f"hold.{name}.{held.at.isoformat()}"

    def verb(request_id: UUID, reason: str) -> Outcome:
        return session.backend().lift_hold(name, Explain(request_id=request_id, reason=reason))

    with st.expander("Lift the hold"), st.form(key, border=False):
        forms.reason(key, "cause found and mended in v1.3.1")
        forms.button(key, "Lift the hold", verb, icon="lock_open", kind="primary")


def mirror(deployment: Deployment) -> None:
    """MLflow's copy, and its repair when it is not equal."""
    st.header("MLflow's copy", anchor=False)
    deployments_view.mirror(deployment.mirror)
    name = deployment.model_name
    if deployment.mirror.state == Health.OK:
        return
    if not session.can(P.ROLL_BACK):
        forms.barred("Repairing it", P.ROLL_BACK)
        return
    key = f"mirror.{name}"

    def verb(request_id: UUID, reason: str) -> Outcome:
        return session.backend().repair_mirror(name, Explain(request_id=request_id, reason=reason))

    with st.expander("Repair MLflow's copy"), st.form(key, border=False):
        st.caption("Writes the decision to MLflow again, over whatever was changed there.")
        forms.reason(key, "alias was moved by hand in MLflow")
        forms.button(key, "Repair", verb, icon="build", kind="primary")
