"""The frame around every page: sign-in, navigation by role, health, rollback from anywhere."""

from datetime import timedelta
from pathlib import Path

import streamlit as st

from backend_api.schemas import Me
from backend_api.states import Permission
from console import parts, session
from console.client import BackendDown
from console.settings import settings
from console.shell import signin

HERE = Path(__file__).parent
PAGES = HERE.parent / "pages"


def _pages() -> dict[str, list[st.Page]]:
    watch = [
        st.Page(PAGES / "overview.py", title="Overview", icon=":material/monitoring:", default=True)
    ]
    change = [
        st.Page(PAGES / "registry.py", title="Registry", icon=":material/inventory_2:"),
        st.Page(PAGES / "deployments.py", title="Deployments", icon=":material/lan:"),
    ]
    record = [st.Page(PAGES / "history.py", title="History", icon=":material/history:")]
    if session.can(Permission.MANAGE_ACCOUNTS):
        record.append(st.Page(PAGES / "access.py", title="Access", icon=":material/key:"))
    return {"Watch": watch, "Change": change, "Record": record}


@st.fragment(run_every=timedelta(seconds=15))
def _health() -> None:
    reading = session.read(
        "overview", lambda: session.backend().overview(), within=timedelta(seconds=3)
    )
    place = f":blue-badge[:material/dns: {settings().environment}]"
    if isinstance(reading.error, BackendDown):
        st.markdown(f"{place} {parts.badge('down', 'Backend does not answer')}")
    elif reading.value is not None:
        st.markdown(f"{place} {parts.badge(reading.value.state)}")
    else:
        st.markdown(f"{place} {parts.badge('unknown')}")


def _rollbacks() -> None:
    reading = session.read(
        "overview", lambda: session.backend().overview(), within=timedelta(seconds=3)
    )
    models = reading.value.models if reading.value is not None else []
    serving = [m for m in models if m.deployment.desired and m.deployment.desired.production]
    if not serving or not session.can(Permission.ROLL_BACK):
        return
    st.markdown(":small[**Roll back**]")
    for model in sorted(serving, key=lambda m: m.title):
        parts.rollback_panel(model.deployment, key="sidebar", label=model.title, width="stretch")


def _menu(person: Me | None) -> None:
    name = person.username if person else "Signed in"
    with st.popover(name, icon=":material/account_circle:", width="stretch"):
        if person is not None:
            st.markdown(f"**{parts.plain(person.username)}** is {person.role}")
            st.caption("May: " + "; ".join(person.permissions) + ".")
        if settings().console_token is None:
            st.button("Sign out", icon=":material/logout:", on_click=st.logout)


def main() -> None:
    """One run of the frame, then the chosen page."""
    st.set_page_config(page_title="Nivesh Console", page_icon=HERE / "mark.svg", layout="wide")
    st.logo(HERE / "wordmark.svg", icon_image=HERE / "mark.svg", size="large")
    refusal = session.whoami().error if session.signed_in() else None
    if not session.signed_in() or (refusal is not None and refusal.status in (401, 403)):
        st.navigation(
            [st.Page(lambda: signin.page(refusal), title="Sign in")], position="hidden"
        ).run()
        return
    page = st.navigation(_pages())
    with st.sidebar:
        _health()
        _rollbacks()
        _menu(session.me())
    page.run()


main()
