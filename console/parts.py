"""Pieces that more than one page shows, and the one vocabulary of states.

Markdown is Streamlit's; text that people typed goes through ``plain`` first.
"""

import re
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from backend_api.schemas import Readiness
from console import rollback, session
from console.client import BackendDown


class Look(NamedTuple):
    """How a state is shown: never by its colour alone."""

    word: str
    icon: str
    colour: str


LOOKS: dict[str, Look] = {
    # health, ordered worst first
    "down": Look("Down", "error", "red"),
    "degraded": Look("Degraded", "warning", "orange"),
    "unknown": Look("Unknown", "help", "gray"),
    "ok": Look("Fine", "check_circle", "green"),
    # versions and deployments
    "registered": Look("Registered", "inventory_2", "gray"),
    "staging": Look("Staging", "layers", "blue"),
    "validated": Look("Validated", "fact_check", "violet"),
    "canary": Look("Canary", "call_split", "orange"),
    "production": Look("Production", "check_circle", "green"),
    "active": Look("Active", "check_circle", "green"),
    "archived": Look("Archived", "archive", "gray"),
    "rejected": Look("Rejected", "block", "red"),
    "rolled_back": Look("Rolled back", "undo", "red"),
    # accounts and tokens
    "disabled": Look("Disabled", "block", "gray"),
    "revoked": Look("Revoked", "block", "gray"),
    # gates
    "pass": Look("Passed", "check", "green"),
    "fail": Look("Failed", "close", "red"),
    "not_applicable": Look("Does not apply", "remove", "gray"),
    # promotion requests
    "pending": Look("Pending", "hourglass_empty", "orange"),
    "applied": Look("Applied", "check", "green"),
    "withdrawn": Look("Withdrawn", "undo", "gray"),
    "void": Look("Void", "cancel", "gray"),
    "expired": Look("Expired", "timer_off", "gray"),
    # jobs, and versions in a worker's memory
    "queued": Look("Queued", "schedule", "gray"),
    "running": Look("Running", "autorenew", "blue"),
    "succeeded": Look("Succeeded", "check", "green"),
    "failed": Look("Failed", "close", "red"),
    "loading": Look("Loading", "autorenew", "blue"),
    "ready": Look("Ready", "check", "green"),
}


def badge(state: str, word: str | None = None) -> str:
    """Markdown of a state: symbol, word and colour. A state without a look shows its own name."""
    look = LOOKS.get(str(state), Look(str(state).replace("_", " ").capitalize(), "help", "gray"))
    return f":{look.colour}-badge[:material/{look.icon}: {word or look.word}]"


def readiness_badge(readiness: Readiness) -> str:
    """Markdown of the way back: is there one, and how warm is it."""
    if readiness.target is None:
        return badge(readiness.state, "No way back yet")
    return badge(
        readiness.state,
        f"Back to {readiness.target}: {readiness.warm} of {readiness.replicas} warm",
    )


def plain(text: str) -> str:
    """Text that people typed, safe inside markdown: nothing in it formats, links or loads."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>$:~-])", r"\\\1", text)


def ago(moment: datetime, now: datetime) -> str:
    """Distance in the largest unit that is at least one: ``12 s ago``, ``in 3 h``."""
    distance = now - moment
    words = _span(abs(distance))
    if words == "0 s":
        return "just now"
    return f"{words} ago" if distance >= timedelta(0) else f"in {words}"


def _span(distance: timedelta) -> str:
    seconds = int(distance.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def when(moment: datetime) -> str:
    """A moment in the reader's own time zone, with the zone's name."""
    try:
        local = moment.astimezone(ZoneInfo(st.context.timezone or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        local = moment.astimezone(ZoneInfo("UTC"))
    return local.strftime("%-d %b %Y, %H:%M:%S %Z")


def clock(moment: datetime) -> str:
    """Only the time of day of ``when``."""
    return when(moment).split(", ")[1]


def page(title: str, question: str) -> None:
    """Head of every page: title, the question it answers, the last action's answer."""
    st.title(title, anchor=False)
    st.markdown(f":gray[{question}]")
    banner()
    rollback.open_dialog()


def banner() -> None:
    """What became of the last button, once."""
    answer = session.take_answer()
    if answer is None:
        return
    if answer.error is not None:
        hint = f"  \n{plain(answer.error.hint)}" if answer.error.hint else ""
        said = f"**{plain(answer.label)} did not happen.**"
        if isinstance(answer.error, BackendDown):
            said = f"**{plain(answer.label)}: not known whether it happened.**"
        st.error(f"{said} {plain(answer.error.message)}{hint}", icon=":material/error:")
    else:
        st.success(
            f"**{plain(answer.label)}.** {plain(answer.sentence)}", icon=":material/check_circle:"
        )


def stale(reading: session.Reading[Any]) -> None:
    """Say that a reading is old or missing, and since when; silent about a good one."""
    error = reading.error
    if error is None:
        return
    if not isinstance(error, BackendDown):
        st.error(f"**{plain(error.message)}** {plain(error.hint)}", icon=":material/error:")
    elif reading.at is None:
        st.error(
            "**Backend does not answer.** Nothing was read in this session yet, so nothing can be"
            " shown. Workers go on serving with the last routing they know.",
            icon=":material/cloud_off:",
        )
    else:
        st.warning(
            f"**Backend does not answer; last good reading {clock(reading.at)}.** What follows is"
            " from then. Workers go on serving.",
            icon=":material/cloud_off:",
        )


def empty(sentence: str, next_step: str) -> None:
    """Nothing here, said aloud, with what to do next."""
    with st.container(border=True):
        st.markdown(f"**{sentence}**  \n:gray[{next_step}]")


rollback_panel = rollback.panel
