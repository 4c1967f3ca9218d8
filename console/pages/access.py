"""Who gets in, and what may they do?"""

from datetime import UTC, datetime

import streamlit as st

from backend_api.schemas import Account, Token
from backend_api.states import Permission
from console import access, badges, parts, session, times
from console.access import MACHINES, PEOPLE
from console.markdown import plain, say


def person(account: Account) -> None:
    """One account with what can be done to it."""
    name, role, now = account.username, account.role, datetime.now(UTC)
    with st.container(border=True, horizontal=True, horizontal_alignment="distribute"):
        shut = account.disabled_at
        state = badges.badge("disabled" if shut else "active")
        since = f"{'shut out' if shut else 'let in'} {times.since(shut or account.created_at, now)}"
        say(f"**{plain(name)}** {state}  \n:gray[{role}, {since}]")
        if shut is not None:
            st.caption("Add the account again to let them in.", width="content")
            return
        with st.popover("Change", icon=":material/edit:", key=f"change-{name}"):
            st.text_input("Reason (goes into the ledger)", key=f"why-{name}")
            st.selectbox("Role", PEOPLE, index=PEOPLE.index(role), key=f"role-{name}")
            with st.container(horizontal=True):
                st.button(
                    "Set role", key=f"set-{name}", icon=":material/check:", type="primary",
                    on_click=session.act,
                    args=(lambda: access.change_role(name), f"Change the role of {name}"),
                )  # fmt: skip
                st.button(
                    "Disable account", key=f"disable-{name}", icon=":material/block:",
                    on_click=session.act,
                    args=(lambda: access.disable(name), f"Disable {name}"),
                )  # fmt: skip


def new_person() -> None:
    """The form for another account."""
    with (
        st.expander("Add an account", icon=":material/person_add:"),
        st.form("account", border=False),
    ):
        left, right = st.columns(2)
        left.text_input("User name", key="account-name", placeholder="asha")
        right.selectbox("Role", PEOPLE, key="account-role")
        left.text_input(
            "First password", type="password", key="account-password",
            help="10 characters or more. Only for the sign-in that comes with the console.",
        )  # fmt: skip
        right.text_input(
            "Subject", key="account-subject", placeholder="left empty: signs in here",
            help="What your own identity provider calls the person, if you use one.",
        )  # fmt: skip
        st.text_input(
            "Reason (goes into the ledger)", key="account-reason",
            placeholder="joins the fraud team",
        )  # fmt: skip
        st.form_submit_button(
            "Add account", icon=":material/person_add:", type="primary",
            on_click=session.act, args=(access.add_account, "Add account"),
        )  # fmt: skip


def machine(token: Token) -> None:
    """One token with its end."""
    name, now = token.name, datetime.now(UTC)
    over = token.expires_at is not None and token.expires_at <= now
    state = "revoked" if token.revoked_at else "expired" if over else "active"
    with st.container(border=True, horizontal=True, horizontal_alignment="distribute"):
        say(f"**{plain(name)}** {badges.badge(state)}  \n:gray[{access.facts(token, now)}]")
        if state == "active":
            with st.popover("Revoke", icon=":material/block:", key=f"revoking-{name}"):
                st.text_input("Reason (goes into the ledger)", key=f"why-token-{name}")
                st.button(
                    f"Revoke {name}", key=f"revoke-{name}", icon=":material/block:",
                    type="primary", on_click=session.act,
                    args=(lambda: access.revoke(name), f"Revoke {name}"),
                )  # fmt: skip


def new_machine() -> None:
    """The form for another token."""
    with st.expander("Create a token", icon=":material/key:"), st.form("token", border=False):
        left, middle, right = st.columns(3)
        left.text_input("Name", key="token-name", placeholder="nightly-training")
        middle.selectbox("Role", MACHINES, key="token-role")
        right.number_input("Valid for days", 1, 366, 90, key="token-days")
        st.text_input(
            "Reason (goes into the ledger)", key="token-reason",
            placeholder="registers what it trains",
        )  # fmt: skip
        st.form_submit_button(
            "Create token", icon=":material/key:", type="primary",
            on_click=session.act, args=(access.create_token, "Create token"),
        )  # fmt: skip


def show_secret() -> None:
    """The secret of the token just made."""
    made = access.secret()
    if made is None or made.secret is None:
        return
    with st.container(border=True):
        st.markdown(f"**Secret of {plain(made.name)}.** Copy it now; nobody can show it again.")
        st.code(made.secret, language=None)
        st.button("I have kept it", on_click=access.forget_secret, icon=":material/check:")


def lists() -> None:
    """Both lists, each with its form."""
    people = session.read("accounts", lambda: session.backend().accounts())
    st.header("People", anchor=False)
    parts.stale(people)
    if people.value == []:
        parts.empty("Nobody has an account.", "Add one below, or with nivesh account add.")
    for account in people.value or []:
        person(account)
    new_person()
    machines = session.read("tokens", lambda: session.backend().tokens())
    st.header("Tokens", anchor=False)
    if people.error is None or machines.value is None:
        parts.stale(machines)
    if machines.value == []:
        parts.empty(
            "There is no token.",
            "Make one for a machine below; nivesh token create --owner makes a person's.",
        )
    for token in machines.value or []:
        machine(token)
    new_machine()


parts.page("Access", "Who gets in, and what may they do?")
if session.can(Permission.MANAGE_ACCOUNTS):
    show_secret()
    lists()
else:
    parts.empty("This page is for admins.", "Ask one of them to change an account or a token.")
