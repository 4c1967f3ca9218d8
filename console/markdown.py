"""Streamlit's markdown: what people typed made harmless, ages with a hover, small tables."""

import re
from collections.abc import Iterable, Sequence

import streamlit as st


def plain(text: str) -> str:
    """Text that people typed, on one line and safe inside markdown: nothing in it formats."""
    line = re.sub(r"[ \t\r\n\f\v]+", " ", text).strip()
    return re.sub(r"([\\`*_{}\[\]()#+!|<>&$:~-])", r"\\\1", line)


def say(body: str) -> None:
    """Markdown in which ``times.since`` may stand."""
    st.markdown(body, unsafe_allow_html=True)


def grid(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A small table of markdown cells, in which ``times.since`` may stand."""
    lines = [headings, ["---"] * len(headings), *rows]
    say("\n".join(f"| {' | '.join(cells)} |" for cells in lines))
