"""What an admin does to accounts and tokens; each verb reads its form and answers a sentence."""

from datetime import datetime

import streamlit as st

from backend_api.schemas import Explain, NewAccount, NewToken, SetRole, Token
from backend_api.states import Role
from console import session, times
from console.markdown import plain

PEOPLE: list[Role] = [role for role in Role if role != Role.MACHINE]
# What decides is a person's; most machines register and ask.
MACHINES: list[Role] = [Role.MACHINE, Role.VIEWER, Role.ANALYST, Role.ONCALL]


def facts(token: Token, now: datetime) -> str:
    """What a token may do, whose work it is, its end and its last use, as Markdown."""
    may = f"acts as {token.owner}" if token.owner else str(token.role)
    until = "without end"
    if token.expires_at:
        over = token.expires_at <= now
        until = f"{'ended' if over else 'ends'} {times.since(token.expires_at, now)}"
    used = f"used {times.since(token.last_used_at, now)}" if token.last_used_at else "never used"
    return f"{plain(may)}, made by {plain(token.created_by)}, {until}, {used}"


def typed(key: str) -> str:
    """What stands in a text field now."""
    return str(st.session_state.get(key, "")).strip()


def add_account() -> str:
    """Let somebody in."""
    made = session.backend().add_account(
        NewAccount(
            request_id=session.request_id("account-add"),
            reason=typed("account-reason"),
            username=typed("account-name"),
            role=st.session_state["account-role"],
            password=st.session_state["account-password"] or None,
            subject=typed("account-subject") or None,
        )
    )
    for field in ("name", "password", "subject", "reason"):
        st.session_state[f"account-{field}"] = ""
    return f"{made.username} may sign in as {made.role}."


def change_role(username: str) -> str:
    """Give a person another role."""
    body = SetRole(
        request_id=session.request_id(f"role-{username}"),
        reason=typed(f"why-{username}"),
        role=st.session_state[f"role-{username}"],
    )
    made = session.backend().set_role(username, body)
    return f"{made.username} is {made.role} from the next request on."


def disable(username: str) -> str:
    """Shut a person out."""
    body = Explain(
        request_id=session.request_id(f"disable-{username}"), reason=typed(f"why-{username}")
    )
    session.backend().disable_account(username, body)
    return f"{username} is shut out; open sign-ins stop working at once."


def create_token() -> str:
    """Make a token and keep its secret for one showing."""
    made = session.backend().create_token(
        NewToken(
            request_id=session.request_id("token-create"),
            reason=typed("token-reason"),
            name=typed("token-name"),
            role=st.session_state["token-role"],
            days=st.session_state["token-days"],
        )
    )
    if made.secret is None:
        return (
            f"{made.name} was made already and its secret shown then."
            " If it was lost, revoke it and make another."
        )
    st.session_state["secret"] = made
    return f"{made.name} is made. Its secret stands below, this once."


def revoke(name: str) -> str:
    """Make a token worthless."""
    body = Explain(
        request_id=session.request_id(f"revoke-{name}"), reason=typed(f"why-token-{name}")
    )
    session.backend().revoke_token(name, body)
    return f"{name} is refused from now on."


def secret() -> Token | None:
    """The token just made, until its reader says that the secret is kept."""
    made: Token | None = st.session_state.get("secret")
    return made


def forget_secret() -> None:
    """Show it no more."""
    st.session_state.pop("secret", None)
