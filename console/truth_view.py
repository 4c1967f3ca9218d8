"""Does every place say what was decided? Each difference with the button that repairs it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import streamlit as st

from backend_api.schemas import Deployment, Difference, Explain, Outcome, Truth
from backend_api.states import Health, Permission, Repair
from console import badges, forms, parts, session, times
from console.client import Backend
from console.markdown import grid, plain, say

LIVE_SECONDS = 10.0
SHOWN = 10
# The page and its live part ask once for both.
SHARED = timedelta(seconds=3)
WORDS = {Health.OK: "Agrees", Health.UNKNOWN: "Not measured", Health.DEGRADED: "Differs",
         Health.DOWN: "Not reachable"}  # fmt: skip


class Cure(NamedTuple):
    """What a repair is called, what it does, and the call that orders it."""

    label: str
    effect: str
    icon: str
    example: str
    order: Callable[[Backend, str, Explain], Outcome]


CURES: dict[Repair, Cure] = {
    Repair.MIRROR: Cure(
        "Mirror again",
        "Writes the decision to MLflow, over whatever was changed there. Predictions do not depend"
        " on MLflow.",
        "build",
        "alias was moved by hand in MLflow", Backend.repair_mirror,
    ),
    Repair.RELOAD: Cure(
        "Ask workers to reload",
        "Every worker reads the decision again and loads its versions anew; what answers before"
        " goes on answering until that has succeeded.",
        "refresh", "a worker did not take the decision up", Backend.reload_workers,
    ),
    Repair.HOLD: Cure(
        "Raise a hold",
        "Nothing promotes the model until a lead lifts the hold; what serves goes on.",
        "front_hand", "the split is not what was set", Backend.raise_hold,
    ),
}  # fmt: skip


def draw(deployment: Deployment) -> None:
    """The comparison, kept up to date, and under it each difference."""
    st.header("Do all places say the same?", anchor=False)
    name = deployment.model_name
    reading = _read(name)
    st.fragment(run_every=LIVE_SECONDS)(_live)(name, reading)
    if reading.value is None or reading.error is not None:
        return
    groups: dict[tuple[str, Repair | None], list[Difference]] = {}
    for found in reading.value.differences:
        groups.setdefault((found.place, found.repair), []).append(found)
    for (place, repair), several in groups.items():
        lines = [_line(difference) for difference in several]
        more = len(lines) - SHOWN
        say("  \n".join(lines[:SHOWN]) + (f"  \nand {more} more." if more > 0 else ""))
        if repair is not None:
            _repair(name, place, repair)


def _read(model: str) -> session.Reading[Truth]:
    return session.read(f"truth:{model}", lambda: session.backend().truth(model), within=SHARED)


def _signature(truth: Truth | None) -> list[tuple[str, str, Repair | None]]:
    return [(d.place, d.name, d.repair) for d in truth.differences] if truth else []


def _live(model: str, drawn: session.Reading[Truth]) -> None:
    """All places; another set of differences draws the whole page again, for their forms."""
    reading = _read(model)
    parts.stale(reading)
    truth = reading.value
    if truth is None:
        return
    if reading.error is None and _signature(truth) != _signature(drawn.value):
        st.rerun()
    then = reading.error is not None
    say(f"{badges.badge(truth.state, 'At that time' if then else WORDS[truth.state])}"
        f" {plain(truth.sentence)}")  # fmt: skip
    now = datetime.now(UTC)
    grid(
        ("Place", "State", "Found", "Last good reading"),
        [
            (
                plain(place.title),
                badges.badge(place.state, WORDS[place.state]),
                plain(place.sentence),
                times.since(place.read_at, now) if place.read_at else "none",
            )
            for place in truth.places
        ],
    )
    parts.read_at(reading, LIVE_SECONDS)


def _line(found: Difference) -> str:
    said = found.sentence.removeprefix(f"{found.name}: ")
    return f"{badges.badge('degraded', plain(found.name))} {plain(said)}"


def _repair(model: str, place: str, repair: Repair) -> None:
    """The button for all differences of a place that the same repair mends."""
    if not session.can(Permission.ROLL_BACK):
        forms.barred("Repairing it", Permission.ROLL_BACK)
        return
    cure = CURES[repair]
    key = f"repair.{model}.{place}.{repair}"

    def verb(request_id: UUID, reason: str) -> Outcome:
        return cure.order(session.backend(), model, Explain(request_id=request_id, reason=reason))

    with st.expander(cure.label), st.form(key, border=False):
        st.caption(cure.effect)
        forms.reason(key, cure.example)
        forms.button(key, cure.label, verb, icon=cure.icon, kind="primary")
