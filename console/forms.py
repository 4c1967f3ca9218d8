"""What every form that changes something has: a reason, buttons that act once, and who may."""

from collections.abc import Callable
from typing import Literal
from uuid import UUID

import streamlit as st

from backend_api.schemas import Outcome
from backend_api.states import PERMISSIONS, Permission, Role
from console import session

Verb = Callable[[UUID, str], Outcome]
ROLE_WORDS = {
    Role.VIEWER: "viewers",
    Role.ANALYST: "analysts",
    Role.ONCALL: "on-call",
    Role.LEAD: "leads",
    Role.ADMIN: "admins",
    Role.MACHINE: "machine tokens",
}


def value(key: str, field: str) -> object:
    """What stands in a field of the form now; for verbs, which run before the page."""
    return st.session_state[f"{key}.{field}"]


def reason(key: str, example: str) -> None:
    """The reason that goes into the ledger."""
    st.text_area(
        "Reason (goes into the ledger)",
        key=f"{key}.reason",
        max_chars=2000,
        height=68,
        placeholder=example,
    )


def button(
    key: str,
    label: str,
    verb: Verb,
    *,
    icon: str,
    kind: Literal["primary", "secondary"] = "secondary",
    action: str = "go",
) -> None:
    """Send the form ``key``. ``action`` tells several buttons of one form apart."""
    session.request_id(f"{key}.{action}")
    st.form_submit_button(
        label,
        key=f"{key}.{action}",
        icon=f":material/{icon}:",
        type=kind,
        on_click=_send,
        args=(key, action, label, verb),
    )


def _send(key: str, action: str, label: str, verb: Verb) -> None:
    def write() -> Outcome:
        return verb(session.request_id(f"{key}.{action}"), str(value(key, "reason")).strip())

    session.act(write, label)


def barred(deed: str, permission: Permission) -> None:
    """Say why a control is not here: whose it is."""
    able = [words for role, words in ROLE_WORDS.items() if role in PERMISSIONS[permission]]
    who = able[0] if len(able) == 1 else f"{', '.join(able[:-1])} and {able[-1]}"
    person = session.me()
    yours = f" Your role is {person.role}." if person else ""
    st.caption(f":material/lock: {deed} is for {who}.{yours}")
