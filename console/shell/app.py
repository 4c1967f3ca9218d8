"""The frame around every page: sign-in, navigation by role, health, the way back from anywhere."""

from datetime import timedelta
from pathlib import Path

import streamlit as st

from backend_api.schemas import Me
from backend_api.states import Permission
from console import badges, rollback, session
from console.errors import BackendDown
from console.markdown import plain
from console.settings import settings
from console.shell import signin

HERE = Path(__file__).parent
PAGES = HERE.parent / "pages"


def _pages() -> dict[str, list[st.Page]]:
    watch = [
        st.Page(PAGES / "overview.py", title="Overview", icon=":material/monitoring:", default=True)
    ]
    watch.append(st.Page(PAGES / "drift.py", title="Drift", icon=":material/waves:"))
    watch.append(st.Page(PAGES / "accuracy.py", title="Accuracy", icon=":material/target:"))
    change = [
        st.Page(PAGES / "registry.py", title="Registry", icon=":material/inventory_2:"),
        st.Page(PAGES / "canary.py", title="Canary", icon=":material/call_split:"),
        st.Page(PAGES / "deployments.py", title="Deployments", icon=":material/lan:"),
        st.Page(PAGES / "freezes.py", title="Freezes", icon=":material/ac_unit:"),
    ]
    record = [st.Page(PAGES / "history.py", title="History", icon=":material/history:")]
    if session.can(Permission.MANAGE_ACCOUNTS):
        record.append(st.Page(PAGES / "access.py", title="Access", icon=":material/key:"))
    return {"Watch": watch, "Change": change, "Record": record}


@st.fragment(run_every=timedelta(seconds=10))
def _watch() -> None:
    """What is true on every page: where this is, how it is, and the way back of each model."""
    reading = session.overview()
    state = badges.badge("unknown")
    if isinstance(reading.error, BackendDown):
        state = badges.badge("down", "Backend does not answer")
    elif reading.value is not None:
        state = badges.badge(reading.value.state)
    st.markdown(f":blue-badge[:material/dns: {plain(settings().environment)}] {state}")
    models = reading.value.models if reading.value is not None else []
    serving = [m for m in models if m.deployment.desired and m.deployment.desired.production]
    if serving:
        st.markdown(":small[:gray[Way back]]")
    for model in sorted(serving, key=lambda m: m.title):
        rollback.in_sidebar(model.deployment)


def _menu(person: Me | None) -> None:
    name = person.username if person else "Signed in"
    with st.popover(name, icon=":material/account_circle:", width="stretch"):
        if person is not None:
            st.markdown(f"**{plain(person.username)}** is {person.role} and may")
            st.markdown("\n".join(f"- {plain(right)}" for right in person.permissions))
        st.button("Sign out", icon=":material/logout:", on_click=st.logout)


def main() -> None:
    """One run of the frame, then the chosen page."""
    st.html(HERE / "look.css")
    st.logo(HERE / "wordmark.svg", icon_image=HERE / "mark.svg", size="large")
    refusal = session.whoami().error if session.signed_in() else None
    shut = not session.signed_in() or (refusal is not None and refusal.status in (401, 403))
    # The pages are known before the sign-in too, so that an address to one of them holds.
    page = st.navigation(_pages(), position="hidden" if shut else "sidebar")
    title = "Sign in" if shut else page.title
    st.set_page_config(f"{title} · Nivesh Console", HERE / "mark.svg", layout="wide")
    if shut:
        signin.page(refusal)
        return
    with st.sidebar:
        _watch()
        _menu(session.me())
    signin.go_on()
    page.run()


main()
