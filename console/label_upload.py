"""Labels from a CSV file, with the lines that were left out."""

from typing import Any
from uuid import UUID

import streamlit as st

from backend_api.schemas import LabelsTaken
from backend_api.states import Permission
from console import forms, label_file, session
from console.errors import BackendError
from console.markdown import grid, plain

KEY = "labels"
EXAMPLE = "prediction_id,label\n01980c5e-7a54-7cc1-9f0e-3b8f5c0f2a11,loan_affordability\n"
SHOWN = 20


def panel(output: str) -> None:
    """The form, and under it what became of the last file."""
    st.header("Give labels", anchor=False)
    if not session.can(Permission.READ_PREDICTIONS):
        forms.barred("Giving labels", Permission.READ_PREDICTIONS)
        return
    st.caption(
        "A CSV file with the columns prediction_id and label (and labelled_at, if known)."
        f" A label says what {plain(output)} should have been. Good rows are taken, the others are"
        " named by their line; the same file may be sent again."
    )
    with st.form(KEY, border=True):
        st.file_uploader("CSV file", type=["csv"], key=f"{KEY}.file")
        forms.reason(KEY, "disputes closed in October")
        session.request_id(f"{KEY}.go")
        st.form_submit_button(
            "Take the labels", icon=":material/label:", type="primary", key=f"{KEY}.go",
            on_click=session.act, args=(_send, "Take the labels"),
        )  # fmt: skip
    st.download_button(
        "An example of the file", EXAMPLE, "labels.csv", "text/csv", icon=":material/download:",
        on_click="ignore", type="tertiary",
    )  # fmt: skip
    _report()


def _send() -> str:
    file = forms.value(KEY, "file")
    if file is None:
        return "No file was chosen, so nothing was sent."
    content = file.getvalue()  # type: ignore[attr-defined]
    reason = str(forms.value(KEY, "reason")).strip() or "labels from a file"
    first: UUID = session.request_id(f"{KEY}.go")

    def take(part: bytes, number: int) -> LabelsTaken:
        # The same part of the same file is the same request, however often it is sent.
        return session.backend().take_labels(part, UUID(int=first.int ^ number), reason)

    st.session_state.pop(f"{KEY}.report", None)
    try:
        found = label_file.send(content, take)
    except BackendError as refusal:
        # Of a file in which nothing fits, the lines come with the refusal.
        st.session_state[f"{KEY}.report"] = refusal.details
        raise
    st.session_state[f"{KEY}.report"] = found.model_dump()
    return found.sentence


def _report() -> None:
    found: dict[str, Any] = st.session_state.get(f"{KEY}.report") or {}
    refused, named = found.get("refused", 0), found.get("named", [])[:SHOWN]
    if not refused:
        return
    more = refused - len(named)
    st.warning(f"**{refused:,} rows were left out.**", icon=":material/rule:")
    grid(
        ("Line", "Prediction", "What is wrong"),
        [(f"{r['line']:,}", plain(r["prediction_id"]), plain(r["problem"])) for r in named],
    )
    if more > 0:
        st.caption(f"and {more:,} more.")
