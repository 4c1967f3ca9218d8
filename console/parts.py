"""Pieces that more than one page shows."""

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from backend_api.states import Health
from console import badges, rollback, session, times
from console.errors import BackendDown, BackendError
from console.markdown import plain

FIGURE_PX = 138
BOXES = {Health.OK: st.success, Health.UNKNOWN: st.info, Health.DEGRADED: st.warning}


def page(title: str, question: str) -> None:
    """Head of every page: title, the question it answers, the last action's answer."""
    st.title(title, anchor=False)
    st.markdown(f":gray[{question}]")
    banner()
    rollback.open_dialog()


def verdict(state: Health, sentence: str, icon: str = "", *, then: bool = False) -> None:
    """The page's question, answered in one sentence.

    ``then`` marks the answer of an earlier reading: what held then is not called fine now.
    """
    shown = f":material/{icon or badges.look(state).icon}:"
    if then:
        st.info(f"At that time: **{plain(sentence)}**", icon=":material/history:")
    else:
        BOXES.get(state, st.error)(f"**{plain(sentence)}**", icon=shown)


def beside(left: int, right: int) -> Sequence[DeltaGenerator]:
    """Two columns of these widths; one under the other where a screen is narrow."""
    with st.container(key="beside"):
        return st.columns([left, right], gap="large")


def read_at(reading: session.Reading[Any], every: float) -> None:
    """When a panel that keeps itself up to date was read; ``every`` in seconds."""
    if reading.at is not None and reading.error is None:
        st.caption(f"Read {times.clock(reading.at)}; anew every {every:g} s.")


def figure(label: str, value: str) -> None:
    """A small labelled figure in markdown, lighter than a metric."""
    st.markdown(f":small[:gray[{label}]]  \n**{value}**", width=FIGURE_PX)


def banner() -> None:
    """What became of the last button, once."""
    answer = session.take_answer()
    if answer is None:
        return
    label = plain(answer.label)
    if answer.error is None:
        st.success(f"**{label}.** {plain(answer.sentence)}", icon=":material/check_circle:")
        return
    hint = f"  \n{plain(answer.error.hint)}" if answer.error.hint else ""
    st.error(
        f"**{label}{_fate(answer.error)}** {plain(answer.error.message)}{hint}",
        icon=":material/error:",
    )


def _fate(error: BackendError) -> str:
    if isinstance(error, BackendDown):
        return ": not known whether it happened."
    if error.error == "StaleView":
        return " did not happen: things moved. Below is how they are now."
    return " did not happen."


def stale(reading: session.Reading[Any]) -> None:
    """Say that a reading is old or missing, and since when; silent about a good one."""
    error = reading.error
    if error is None:
        return
    down = isinstance(error, BackendDown)
    what = "Backend does not answer" if down else plain(error.message.rstrip("."))
    if reading.at is not None:
        st.warning(
            f"**{what}; last good reading {times.clock(reading.at)}.** What follows is from then."
            " Workers go on serving.",
            icon=":material/cloud_off:",
        )
    elif down:
        st.error(
            f"**{what}.** You have read nothing here before, so nothing can be shown. Workers go"
            " on serving with the last routing they know; `nivesh rollback` works without the"
            " backend.",
            icon=":material/cloud_off:",
        )
    else:
        st.error(f"**{what}.** {plain(error.hint)}", icon=":material/error:")


def evidence(content: str, name: str) -> None:
    """What was shown, as a JSON file to take away."""
    st.download_button(
        "Download the evidence as JSON", content, name, "application/json",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def empty(sentence: str, next_step: str) -> None:
    """Nothing here, said aloud, with what to do next."""
    with st.container(border=True):
        st.markdown(f"**{plain(sentence)}**  \n:gray[{plain(next_step)}]")
