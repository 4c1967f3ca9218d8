"""Who did what, when, and why? What was live then, and what answered?"""

import streamlit as st

from console import answered_view, ledger_view, moment_view, parts, session

PAGE = 50
EVERY, ANYTHING = "All models", "Everything"


def models() -> list[str]:
    """Names for the filter."""
    reading = session.overview()
    return sorted(m.model_name for m in reading.value.models) if reading.value else []


def narrow() -> None:
    """A new filter begins at the newest row."""
    st.session_state["history_before"] = []


def word(action: str) -> str:
    """An action in the filter's list."""
    return action if action == ANYTHING else ledger_view.deed(action).word


def filters() -> ledger_view.Filter:
    """Which rows to show."""
    left, middle, right = st.columns(3)
    model = left.selectbox("Model", [EVERY, *models()], key="history_model", on_change=narrow)
    action = middle.selectbox(
        "Action", [ANYTHING, *ledger_view.DEEDS], format_func=word, key="history_action",
        on_change=narrow,
    )  # fmt: skip
    who = right.text_input(
        "Who", key="history_actor", placeholder="anybody", on_change=narrow,
        help="The whole name, such as asha, watch, token:nightly or sql:nivesh.",
    )  # fmt: skip
    return ledger_view.Filter(
        model=None if model == EVERY else model,
        actor=who.strip() or None,
        action=None if action == ANYTHING else action,
    )


def tools(chosen: ledger_view.Filter) -> None:
    """Proof and export."""
    with st.container(horizontal=True):
        st.button(
            "Verify the chain", icon=":material/verified:", on_click=ledger_view.verify,
            help="Each row holds the hash of the one before it; this finds the first altered row.",
        )  # fmt: skip
        st.download_button(
            "Download as CSV", lambda: ledger_view.as_csv(chosen), "ledger.csv", "text/csv",
            icon=":material/download:", on_click="ignore",
            help=f"The rows that the filter lets through, newest first,"
            f" at most {ledger_view.CSV_ROWS:,}.",
        )  # fmt: skip


def newer() -> None:
    """Back towards the newest row."""
    st.session_state["history_before"].pop()


def turn(before: list[int], older: int | None) -> None:
    """To newer and older rows."""
    with st.container(horizontal=True):
        if before:
            st.button("Newer", icon=":material/arrow_back:", on_click=newer)
        if older is not None:
            st.button(
                "Older", icon=":material/arrow_forward:", on_click=before.append, args=(older,)
            )


def past() -> None:
    """A moment and a request to ask about, and the answer; the address holds the question."""
    at, prediction = moment_view.asked(), answered_view.asked()
    left, right = parts.beside(1, 1)
    with left:
        moment_view.form(models(), at)
    with right:
        answered_view.form(prediction)
    if prediction is not None:
        answered_view.found(prediction)
    if at is not None:
        moment_view.found(at)


def draw() -> None:
    """The page."""
    parts.page("History", "What was live then, what answered, and who did what, when, and why?")
    past()
    st.header("Ledger", anchor=False)
    before: list[int] = st.session_state.setdefault("history_before", [])
    chosen = filters()
    tools(chosen)
    ledger_view.show_proof()
    cursor = before[-1] if before else None
    reading = session.read(
        f"ledger:{chosen}:{cursor}", lambda: ledger_view.fetch(chosen, cursor, PAGE)
    )
    parts.stale(reading)
    if reading.value is None:
        return
    entries, older = reading.value
    if not entries and chosen == ledger_view.Filter(None, None, None):
        parts.empty("Nothing has been done yet.", "Registering a version makes the first row.")
    elif not entries:
        parts.empty("No row fits the filter.", "Widen it: another model, action or name.")
    ledger_view.days(entries)
    turn(before, older)


draw()
