"""The page before the console: who are you, and is there anything to sign in to."""

import streamlit as st

from console import parts, session
from console.client import BackendError
from console.settings import settings


def page(refusal: BackendError | None) -> None:
    """``refusal`` is why an identity that the browser has does not open the console."""
    _, middle, _ = st.columns([1, 1.4, 1])
    with middle:
        st.space("large")
        st.title("Nivesh Console", anchor=False)
        st.markdown(
            "What serves, what is about to, and the way back:"
            " the models of household finance, in one place."
        )
        with st.container(border=True):
            _door(refusal)
        st.caption(f"Environment: {settings().environment}. Every action is written to a ledger.")


def _door(refusal: BackendError | None) -> None:
    outage = _outage()
    if refusal is not None and refusal.status == 403:
        st.markdown(f"**{parts.plain(refusal.message)}**  \n{parts.plain(refusal.hint)}")
        st.button("Sign out", icon=":material/logout:", on_click=st.logout)
        return
    if not hasattr(st.user, "is_logged_in"):
        st.error(
            "**Sign-in is not set up.** The file .streamlit/secrets.toml needs a section [auth];"
            " `nivesh up` writes it.",
            icon=":material/key_off:",
        )
        return
    if refusal is not None:
        st.markdown("**Your sign-in has ended.** Sign in again to go on.")
    if outage is not None:
        st.warning(
            "**Backend does not answer**, so nobody can sign in now. Workers go on serving;"
            " `nivesh rollback` works without the console.",
            icon=":material/cloud_off:",
        )
    st.button(
        "Sign in",
        type="primary",
        icon=":material/login:",
        width="stretch",
        on_click=st.login,
        disabled=outage is not None,
    )


def _outage() -> BackendError | None:
    try:
        session.backend().alive()
    except BackendError as error:
        return error
    return None
