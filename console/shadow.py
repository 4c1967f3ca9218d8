"""The shadow on the Deployments page: how often it agrees, and the forms to begin and end it."""

from uuid import UUID

import streamlit as st

from backend_api.schemas import Deployment, Outcome, SetShadow, Shadow, Version
from backend_api.states import Permission, VersionStatus
from console import badges, forms, parts, session, times
from console.markdown import plain, say

# These answer already, or never may.
UNFIT = (VersionStatus.PRODUCTION, VersionStatus.CANARY, VersionStatus.REJECTED)
FEW = 300


def agreement(found: Shadow) -> str:
    """How often both said the same, with the count that it was seen in."""
    if not found.pairs:
        return "No pair of answers was logged yet."
    said = f"{found.version} said the same in {100 * found.agreeing / found.pairs:.1f} % of"
    said += f" {found.pairs:,} pairs."
    if found.errors:
        said += f" It failed in {found.errors:,} of them."
    if found.pairs < FEW:
        said += " That is few: a difference of some per cent would not show."
    return said


def told(found: Shadow | None) -> None:
    """What is in the shadow, and how its answers compare."""
    if found is None:
        return
    say(
        f"{badges.badge('shadow')} **{plain(found.version)}** at {found.share} %, on"
        f" {found.running} of {found.workers} workers  \n{plain(agreement(found))}  \n"
        f":gray[Begun by {plain(found.by)}, {times.when(found.at)}]"
    )
    if found.pairs:
        _figures(found)


def act(deployment: Deployment) -> None:
    """What may be done about the shadow."""
    st.header("Shadow", anchor=False)
    st.caption(
        "A version in the shadow gets a share of the requests after they were answered. Its answers"
        " are compared, and nobody gets them."
    )
    if deployment.shadow is None:
        _begin(deployment)
    else:
        _end(deployment, deployment.shadow)


def _figures(found: Shadow) -> None:
    apart = found.confidence_difference
    with st.container(horizontal=True, gap="small"):
        parts.figure("Agree", f"{100 * found.agreeing / found.pairs:.1f} %")
        parts.figure("Pairs", f"{found.pairs:,}")
        parts.figure("Failed", f"{found.errors:,}")
        parts.figure("Surer by", "–" if apart is None else f"{apart:+.3f}")
        parts.figure("Median, shadow", _milliseconds(found.p50_ms))
        parts.figure("Median, answered", _milliseconds(found.twin_p50_ms))


def _milliseconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} ms"


def _begin(deployment: Deployment) -> None:
    if not session.can(Permission.APPROVE):
        forms.barred("Mirroring requests to a version", Permission.APPROVE)
        return
    name = deployment.model_name
    reading = session.read(f"versions:{name}", lambda: session.backend().versions(name))
    able: list[Version] = [v for v in reading.value or [] if v.status not in UNFIT]
    if not able:
        st.caption("There is no other version that could be mirrored to.")
        return
    key = f"shadow.{name}.{deployment.desired.epoch if deployment.desired else 0}"
    with st.expander("Mirror requests to a version"), st.form(key, border=False):
        st.selectbox("Version", [v.version for v in able], key=f"{key}.version")
        st.slider("Share, per cent of requests", 1, 100, 20, key=f"{key}.share", format="%d %%")
        forms.reason(key, "compare before a canary")
        forms.button(
            key, "Mirror", lambda request_id, reason: _send(deployment, key, request_id, reason),
            icon="join_inner", kind="primary",
        )  # fmt: skip


def _send(deployment: Deployment, key: str, request_id: UUID, reason: str) -> Outcome:
    body = SetShadow(
        request_id=request_id, reason=reason, version=str(forms.value(key, "version")),
        share=int(str(forms.value(key, "share"))), expected_version=None, expected_share=0,
    )  # fmt: skip
    return session.backend().set_shadow(deployment.model_name, body)


def _end(deployment: Deployment, found: Shadow) -> None:
    if not session.can(Permission.ROLL_BACK):
        forms.barred("Ending it", Permission.ROLL_BACK)
        return
    name = deployment.model_name

    def verb(request_id: UUID, reason: str) -> Outcome:
        body = SetShadow(
            request_id=request_id, reason=reason, version=found.version, share=0,
            expected_version=found.version, expected_share=found.share,
        )  # fmt: skip
        return session.backend().set_shadow(name, body)

    key = f"unshadow.{name}.{found.version}"
    with st.expander("End the mirroring"), st.form(key, border=False):
        forms.reason(key, "enough pairs seen")
        forms.button(key, "End", verb, icon="stop_circle")
