"""Do the requests still look like what the model was made for?"""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from backend_api.schemas import Drift, Version
from backend_api.states import Against
from console import (
    choice,
    drift_alarms,
    drift_comparison,
    drift_depth,
    incident_view,
    parts,
    retraining_view,
    session,
)
from console import drift_view as view


def picked(
    places: Sequence[DeltaGenerator], model: str, serving: str | None, versions: list[Version]
) -> tuple[str, int, Against]:
    """Version, days and what the window is held against, as the reader or the address has it."""
    words = {
        one.version: f"{one.version} (production)" if one.version == serving else one.version
        for one in versions
    }
    first, second, third = places
    with first:
        version = choice.version(list(words), words, serving or versions[0].version, model)
    with second:
        days = choice.option("Window", "days", list(view.WINDOWS), view.WINDOWS, "7")
    with third:
        held = {str(one): word for one, word in view.AGAINST.items()}
        against = choice.option("Held against", "against", list(held), held, "reference")
    return version, int(days), Against(against)


def show(found: Drift, *, then: bool) -> None:
    """From the answer down to what can be done."""
    parts.verdict(*view.answer(found), then=then)
    if found.incident is not None:
        incident_view.draw(found.incident)
        retraining_view.propose(found.incident, found.mend)
    view.cards(found)
    drift_alarms.standing(found)
    view.heat(found)
    view.odd(found)
    view.one(found)
    drift_comparison.panel(found)
    drift_depth.words(found)
    drift_depth.report(found)


def draw() -> None:
    """The page."""
    parts.page("Drift", "Do the requests still look like what the model was made for?")
    deployments = choice.known(session.overview())
    if not deployments:
        return
    place, *others = st.columns(4)
    with place:
        chosen = choice.model(deployments)
    model = chosen.model_name
    serving = chosen.desired.production if chosen.desired else None
    known = choice.versions(model, serving)
    if not known.value:
        parts.stale(known)
        if known.error is None:
            parts.empty(f"{chosen.title} has no version yet.", f"Train one: nivesh train {model}")
        return
    version, days, against = picked(others, model, serving, known.value)
    reading = view.read(model, version, against, days)
    if reading.error is not None and reading.error.status == 404:
        parts.empty(reading.error.message, reading.error.hint)
    else:
        parts.stale(reading)
    if reading.value is not None:
        show(reading.value, then=reading.error is not None)
    drift_alarms.results(model)


draw()
