"""The page before the console: who are you, and is there anything to sign in to."""

import streamlit as st

from console import session
from console.errors import BackendError
from console.markdown import plain
from console.settings import settings

# The issuer sends people back to the root; the tab remembers which page they had asked for.
# Behind location.origin, no address can lead to another host.
REMEMBER = """<script>
sessionStorage.setItem("nivesh.page", location.pathname + location.search);
</script>"""
GO_ON = """<script>
const page = sessionStorage.getItem("nivesh.page");
sessionStorage.removeItem("nivesh.page");
if (page && page !== location.pathname + location.search) location.replace(location.origin + page);
</script>"""


def page(refusal: BackendError | None) -> None:
    """``refusal`` is why an identity that the browser has does not open the console."""
    _, middle, _ = st.columns([1, 1.6, 1])
    with middle:
        st.space("large")
        st.title("Nivesh Console", anchor=False)
        st.markdown(
            "What serves, what is about to, and the way back:"
            " the models of household finance, in one place."
        )
        with st.container(border=True):
            _door(refusal)
        st.caption(
            f"Environment: {plain(settings().environment)}."
            " Every change is written to a ledger, with who, when and why."
        )
        st.html(REMEMBER, unsafe_allow_javascript=True)


def go_on() -> None:
    """After the sign-in, to the page that was asked for before it; once per session."""
    if not st.session_state.setdefault("went_on", False):
        st.session_state["went_on"] = True
        with st.sidebar:
            st.html(GO_ON, unsafe_allow_javascript=True)


def _door(refusal: BackendError | None) -> None:
    outage = _outage()
    if refusal is not None and refusal.status == 403:
        st.markdown(f"**{plain(refusal.message)}**  \n{plain(refusal.hint)}")
        st.button("Sign out", icon=":material/logout:", on_click=st.logout)
        return
    if not hasattr(st.user, "is_logged_in"):
        _unfit("**Sign-in is not set up.** The secrets file needs a section `auth`")
        return
    if session.signed_in() and not session.id_token():
        _unfit("**Sign-in gives no ID token.** The secrets file needs `expose_tokens`")
        return
    if refusal is not None:
        st.markdown("**Your sign-in has ended.** Sign in again to go on where you were.")
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


def _unfit(what: str) -> None:
    st.error(f"{what}; `nivesh up` writes it, and the README names it.", icon=":material/key_off:")


def _outage() -> BackendError | None:
    try:
        session.backend().alive()
    except BackendError as error:
        return error
    return None
