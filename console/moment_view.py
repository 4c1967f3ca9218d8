"""Who was live at a moment, on the History page: the form, and what it finds."""

import json
from datetime import UTC, date, datetime, time

import streamlit as st

from backend_api.schemas import Approval, Moment
from console import badges, parts, record_words, session, times
from console.markdown import grid, plain, say

KEY = "moment"
EVERY = "All models"
FIRST, LAST = date(1971, 1, 1), date(2199, 12, 31)


def asked() -> datetime | None:
    """The moment that the address names; UTC where it says no zone."""
    found = st.query_params.get("at")
    if not found:
        return None
    at = _parsed(found)
    if at is None:
        st.warning(
            f"{plain(found[:60])} is no moment. Write it like {plain('2026-03-03T14:05:00Z')}, or"
            " choose one below.",
            icon=":material/help:",
        )
    return at


def _parsed(found: str) -> datetime | None:
    try:
        # A plus sign in an address means a blank.
        at = datetime.fromisoformat(found.replace(" ", "+") if "T" in found else found)
    except ValueError:
        return None
    if not FIRST.year < at.year < LAST.year:
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def form(models: list[str], at: datetime | None) -> None:
    """Which moment, of which model."""
    shown = at or datetime.now(UTC)
    if st.session_state.get(f"{KEY}.of") != str(at):
        # Another address, another moment: the fields follow it.
        st.session_state[f"{KEY}.of"] = str(at)
        st.session_state[f"{KEY}.day"] = shown.date()
        st.session_state[f"{KEY}.time"] = shown.time().replace(microsecond=0, second=0)
        named = st.query_params.get("model")
        st.session_state[f"{KEY}.model"] = named if named in models else EVERY
    with st.form(KEY):
        st.markdown("**Who was live at a moment?**")
        st.selectbox("Which model", [EVERY, *models], key=f"{KEY}.model")
        left, right = st.columns(2)
        left.date_input("Day (UTC)", key=f"{KEY}.day", min_value=FIRST, max_value=LAST)
        right.time_input("Time (UTC)", key=f"{KEY}.time", step=60)
        st.form_submit_button("Show who was live", icon=":material/history:", on_click=_go)


def _go() -> None:
    day, clock = st.session_state[f"{KEY}.day"], st.session_state[f"{KEY}.time"]
    at = datetime.combine(day, clock or time(0), UTC)
    model = st.session_state[f"{KEY}.model"]
    st.query_params.from_dict(
        {"at": f"{at:%Y-%m-%dT%H:%M:%SZ}"} | ({} if model == EVERY else {"model": model})
    )
    st.session_state[f"{KEY}.of"] = str(at)


def found(at: datetime) -> None:
    """What the record says of the moment, with its evidence to take away."""
    model = st.query_params.get("model")
    reading = session.read(f"moment:{model}:{at}", lambda: session.backend().history(at, model))
    parts.stale(reading)
    if reading.value is None:
        return
    now = datetime.now(UTC)
    st.markdown(f"#### At {times.utc(at, now)}")
    for one in reading.value:
        with st.container(border=True):
            _one(one, now)
    parts.evidence(
        json.dumps([one.model_dump(mode="json") for one in reading.value], indent=2),
        f"live-{at:%Y%m%dT%H%M%SZ}.json",
    )


def _one(one: Moment, now: datetime) -> None:
    st.markdown(f":gray[{plain(one.model_name)}]  \n**{plain(one.sentence)}**")
    rows = [
        (
            word, plain(record_words.what(decided)),
            plain(record_words.since(decided, now)), plain(record_words.until(decided, now)),
            f"{plain(decided.by)}{badges.by_hand(decided.by)}",
            plain(record_words.why(decided)),
        )
        for word, decided in record_words.parts(one)
    ]  # fmt: skip
    if rows:
        grid(("Part", "What", "Since", "Until", "On whose word", "Why"), rows)
    for note in (one.degraded, one.agreement.sentence if one.agreement else None):
        if note:
            st.caption(plain(note))
    for _, decided in record_words.parts(one):
        if decided.doubt:
            st.error(f"**{plain(decided.doubt)}** One was altered.", icon=":material/gpp_bad:")
    for version in record_words.unapproved(one):
        st.caption(f":material/info: Nobody had approved {plain(version)} by then.")
    for approval in record_words.approvals(one):
        evidence(approval, now)


def evidence(approval: Approval, now: datetime) -> None:
    """An approval and the gates as they were signed."""
    promotion = approval.promotion
    glass = " by break-glass" if promotion.break_glass else ""
    title = (
        f"Evidence for **{plain(promotion.version)}**, approved{glass} by"
        f" {plain(promotion.decided_by or '')}"
    )
    with st.expander(title, icon=":material/verified_user:"):
        say(plain(record_words.signed(approval, now)))
        for who, words in (
            (promotion.requested_by, promotion.reason),
            (promotion.decided_by, promotion.decision_reason),
            (promotion.reviewed_by, promotion.review),
        ):
            if who and words:
                st.markdown(f"> {plain(words)}  \n> :gray[{plain(who)}]")
        gates = promotion.evidence.get("gates", {})
        grid(
            ("Gate", "As it was signed", "Why"),
            [
                (plain(name.capitalize()), badges.badge(gate["state"]), plain(gate["sentence"]))
                for name, gate in gates.items()
            ],
        )
        digest = promotion.evidence.get("artifact_digest")
        st.caption(f"Hash `{promotion.evidence_hash}`  \nArtefact `{digest}`")
