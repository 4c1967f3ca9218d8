"""What answered a request, on the History page: the form, and what it finds."""

from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from backend_api.schemas import Answered, Pair
from backend_api.states import Permission
from console import badges, forms, parts, session, times
from console.markdown import grid, plain

KEY = "answered"
PAGE = Path(__file__).parent / "pages" / "history.py"


def asked() -> str | None:
    """The prediction that the address names."""
    return st.query_params.get("prediction") or None


def form(prediction: str | None) -> None:
    """Which request."""
    if st.session_state.get(f"{KEY}.of") != prediction:
        st.session_state[f"{KEY}.of"] = prediction
        st.session_state[f"{KEY}.id"] = prediction or ""
    with st.form(KEY):
        st.markdown("**What answered a request?**")
        st.text_input(
            "Prediction id", key=f"{KEY}.id", placeholder="01980c5e-7a54-7cc1-9f0e-3b8f5c0f2a11",
            help="Each answer carries it as prediction_id.",
        )  # fmt: skip
        st.form_submit_button("Show what answered", icon=":material/search:", on_click=_go)


def _go() -> None:
    typed = str(st.session_state[f"{KEY}.id"]).strip()
    st.session_state[f"{KEY}.of"] = typed or None
    st.query_params.from_dict({"prediction": typed} if typed else {})


def found(prediction: str) -> None:
    """What the log says of the request."""
    reading = session.read(f"answered:{prediction}", lambda: session.backend().answered(prediction))
    parts.stale(reading)
    one = reading.value
    if one is None:
        return
    now = datetime.now(UTC)
    with st.container(border=True):
        st.markdown(f":gray[{plain(one.model_name)}]  \n**{plain(one.sentence)}**")
        grid(
            ("About it", "In the log"),
            [(f":gray[{name}]", value) for name, value in _facts(one, now)],
        )
        if one.withheld:
            forms.barred("Reading what was asked and answered", Permission.READ_PREDICTIONS)
        else:
            _content(one)
        if one.pair is not None:
            _pair(one.pair)
        st.page_link(
            PAGE, label="Who was live then", icon=":material/history:",
            query_params={"at": one.at.astimezone(UTC).isoformat(), "model": one.model_name},
        )  # fmt: skip
    parts.evidence(one.model_dump_json(indent=2), f"prediction-{one.prediction_id}.json")


def _facts(one: Answered, now: datetime) -> list[tuple[str, str]]:
    decided = plain(one.decided.sentence)
    if one.decided.epoch is not None:
        decided += f" :gray[Epoch {one.decided.epoch}]"
    facts = [
        ("When", plain(times.utc(one.at, now))),
        ("Version", f"{plain(one.version)} {badges.badge(one.arm)}"),
        ("Status", badges.badge("failed" if one.status == "error" else one.status)),
        ("Took", f"{one.latency_ms:.1f} ms"),
        ("Confidence", "–" if one.confidence is None else f"{one.confidence:.3f}"),
        ("Decided then", decided),
    ]
    if one.entity_key is not None:
        facts.append(("Entity key", plain(one.entity_key)))
    if one.label is not None:
        facts.append(("Label, since known", plain(str(one.label))))
    if one.twin_id is not None:
        facts.append(("Answered instead by", f"`{one.twin_id}`"))
    return facts


def _content(one: Answered) -> None:
    left, right = st.columns(2)
    left.caption("What was asked")
    left.json(one.input if one.input is not None else {}, expanded=True)
    right.caption("What was answered")
    if one.error is not None:
        right.markdown(plain(one.error))
    right.json(one.output if one.output is not None else {}, expanded=True)


def _pair(pair: Pair) -> None:
    agreed = {True: "agreed with it", False: "did not agree with it", None: "failed on it"}
    sure = "" if pair.confidence is None else f", confidence {pair.confidence:.3f}"
    st.markdown(
        f"{badges.badge('shadow')} {plain(pair.version)} was asked too and {agreed[pair.agrees]}:"
        f" {pair.latency_ms:.1f} ms{sure}, `{pair.prediction_id}`."
    )
    if pair.output is not None:
        st.json(pair.output, expanded=False)
