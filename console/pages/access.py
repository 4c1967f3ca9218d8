"""Who gets in, and what may they do?"""

import streamlit as st

from backend_api.schemas import Account, Token
from backend_api.states import Permission, Role
from console import access, badges, parts, session, times
from console.markdown import plain

PEOPLE: list[Role] = [role for role in Role if role != Role.MACHINE]


def person(account: Account) -> None:
    """One account with what can be done to it."""
    name = account.username
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        state = badges.badge("active" if account.disabled_at is None else "disabled")
        since = times.when(account.disabled_at or account.created_at)
        st.markdown(f"**{plain(name)}** {state} {account.role}  \n:gray[since {since}]")
        if account.disabled_at is not None:
            return
        with st.popover("Change", icon=":material/edit:"):
            st.text_input("Reason", key=f"why-{name}")
            st.selectbox("Role", PEOPLE, index=PEOPLE.index(account.role), key=f"role-{name}")
            st.button(
                "Set role",
                key=f"set-{name}",
                on_click=session.act,
                args=(lambda: access.change_role(name), f"Change the role of {name}"),
            )
            st.button(
                "Disable account",
                key=f"disable-{name}",
                icon=":material/block:",
                on_click=session.act,
                args=(lambda: access.disable(name), f"Disable {name}"),
            )


def new_person() -> None:
    """The form for another account."""
    with (
        st.expander("Add an account", icon=":material/person_add:"),
        st.form("account", border=False),
    ):
        st.text_input("User name", key="account-name", placeholder="asha")
        st.selectbox("Role", PEOPLE, key="account-role")
        st.text_input(
            "First password, 10 characters or more", type="password", key="account-password"
        )
        st.text_input("Reason", key="account-reason", placeholder="joins the fraud team")
        st.form_submit_button(
            "Add account", on_click=session.act, args=(access.add_account, "Add account")
        )


def machine(token: Token) -> None:
    """One token with its end."""
    name = token.name
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        state = badges.badge("active" if token.revoked_at is None else "revoked")
        used = f"last used {times.when(token.last_used_at)}" if token.last_used_at else "never used"
        until = f"until {times.when(token.expires_at)}" if token.expires_at else "without end"
        st.markdown(
            f"**{plain(name)}** {state} {token.role}  \n"
            f":gray[by {plain(token.created_by)}, {until}, {used}]"
        )
        if token.revoked_at is None:
            with st.popover("Revoke", icon=":material/block:"):
                st.text_input("Reason", key=f"why-token-{name}")
                st.button(
                    f"Revoke {name}",
                    key=f"revoke-{name}",
                    on_click=session.act,
                    args=(lambda: access.revoke(name), f"Revoke {name}"),
                )


def new_machine() -> None:
    """The form for another token."""
    with st.expander("Create a token", icon=":material/key:"), st.form("token", border=False):
        st.text_input("Name", key="token-name", placeholder="nightly-training")
        st.selectbox("Role", list(Role), index=list(Role).index(Role.MACHINE), key="token-role")
        st.number_input("Valid for days", 1, 366, 90, key="token-days")
        st.text_input("Reason", key="token-reason", placeholder="registers what it trains")
        st.form_submit_button(
            "Create token", on_click=session.act, args=(access.create_token, "Create token")
        )


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
    st.subheader("People", anchor=False)
    parts.stale(people)
    for account in people.value or []:
        person(account)
    new_person()
    machines = session.read("tokens", lambda: session.backend().tokens())
    st.subheader("Machines", anchor=False)
    if people.error is None or machines.value is None:
        parts.stale(machines)
    if machines.value == []:
        parts.empty("No machine has a token.", "Training and the command line need one.")
    for token in machines.value or []:
        machine(token)
    new_machine()


parts.page("Access", "Who gets in, and what may they do?")
if session.can(Permission.MANAGE_ACCOUNTS):
    show_secret()
    lists()
else:
    parts.empty("This page is for admins.", "Ask one of them to change an account or a token.")
