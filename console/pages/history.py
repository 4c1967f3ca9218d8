"""Who did what, when, and why?"""

from datetime import UTC, datetime, timedelta

import streamlit as st

from backend_api.schemas import LedgerEntry, LedgerProof
from console import parts, session
from console.client import BackendError

PAGE = 50
EVERY = "All models"
WORDS = {
    "version.register": "Registered",
    "version.stage": "Staged",
    "version.validate.ordered": "Ordered validation",
    "version.validate": "Validated",
    "version.reject": "Rejected",
    "promotion.request": "Requested promotion",
    "promotion.approve": "Approved promotion",
    "promotion.rejected": "Rejected promotion",
    "promotion.withdrawn": "Withdrew promotion",
    "promotion.break_glass": "Broke the glass",
    "model.promote": "Promoted",
    "model.roll_back": "Rolled back",
    "canary.start": "Started canary",
    "hold.lift": "Lifted hold",
    "mirror.repair": "Repaired MLflow's copy",
}


def models() -> list[str]:
    """Names for the filter."""
    reading = session.read(
        "overview", lambda: session.backend().overview(), within=timedelta(minutes=1)
    )
    return sorted(m.model_name for m in reading.value.models) if reading.value else []


def verify() -> None:
    """Walk the chain and keep what was found for this run."""
    try:
        st.session_state["proof"] = session.backend().verify_ledger()
    except BackendError as error:
        st.session_state["proof"] = error


def show_proof() -> None:
    """What the last walk found, once."""
    proof: LedgerProof | BackendError | None = st.session_state.pop("proof", None)
    if isinstance(proof, BackendError):
        st.error(f"**Not verified.** {parts.plain(proof.message)}", icon=":material/error:")
    elif proof is not None and proof.intact:
        head = f" Head `{proof.head}`." if proof.head else ""
        st.success(f"{parts.plain(proof.sentence)}{head}", icon=":material/verified:")
    elif proof is not None:
        st.error(f"**{parts.plain(proof.sentence)}**", icon=":material/gpp_bad:")


def narrow() -> None:
    """A new filter begins at the newest row."""
    st.session_state["history_before"] = []


def newer_page() -> None:
    """Back towards the newest row."""
    st.session_state["history_before"].pop()


def subject(entry: LedgerEntry) -> str:
    """Model and version, if the row has them."""
    return " ".join(part for part in (entry.model_name, entry.version) if part)


def row(entry: LedgerEntry, now: datetime) -> None:
    """One row of the ledger; what it was decided on opens with a click."""
    action = WORDS.get(entry.action, entry.action.replace(".", " ").replace("_", " "))
    of = f" {parts.plain(subject(entry))}" if subject(entry) else ""
    title = f"**{parts.plain(action)}**{of}"
    with st.expander(f"{title} :gray[by {parts.plain(entry.actor)}, {parts.ago(entry.at, now)}]"):
        if entry.reason:
            st.markdown(f"> {parts.plain(entry.reason)}")
        st.markdown(f":gray[Row {entry.seq}, {parts.when(entry.at)}]")
        if entry.evidence:
            st.json(entry.evidence, expanded=2)
        st.caption(
            f"Hash {entry.hash}" + (f", request {entry.request_id}" * bool(entry.request_id))
        )


parts.page("History", "Who did what, when, and why?")
before: list[int] = st.session_state.setdefault("history_before", [])
left, right = st.columns([3, 1], vertical_alignment="bottom")
chosen = left.selectbox("Model", [EVERY, *models()], key="history_model", on_change=narrow)
right.button(
    "Verify the chain",
    icon=":material/verified:",
    on_click=verify,
    width="stretch",
    help="Each row holds the hash of the one before it; this finds the first altered row.",
)
show_proof()
model = None if chosen == EVERY else chosen
cursor = before[-1] if before else None
reading = session.read(
    f"ledger:{model}:{cursor}",
    lambda: session.backend().ledger(before=cursor, model=model, limit=PAGE),
)
parts.stale(reading)
if reading.value is not None:
    if not reading.value.entries:
        parts.empty("Nothing has been done yet.", "Registering a version makes the first row.")
    with st.container(gap="xsmall"):
        for entry in reading.value.entries:
            row(entry, reading.at or datetime.now(UTC))
    newer, older = st.columns(2)
    if before:
        newer.button("Newer", icon=":material/arrow_back:", on_click=newer_page)
    if reading.value.next_before is not None:
        older.button(
            "Older",
            icon=":material/arrow_forward:",
            on_click=before.append,
            args=(reading.value.next_before,),
        )
