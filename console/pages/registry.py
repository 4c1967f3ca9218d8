"""Which version may go to production next, and why (not)?"""

import streamlit as st

from backend_api.schemas import Version
from console import badges, choice, parts, promotion_view, session, version_view
from console import registry_actions as acting
from console import registry_view as view


def draw() -> None:
    """The page, from the answer down to what it rests on."""
    parts.page("Registry", "Which version may go to production next, and why (not)?")
    reading = session.overview()
    deployments = choice.known(reading)
    if not deployments:
        return
    parts.stale(reading)
    left, right = st.columns(2)
    with left:
        deployment = choice.model(deployments)
    name = deployment.model_name
    serving = deployment.desired.production if deployment.desired else None
    versions = choice.versions(name, serving)
    if reading.error is None or versions.value is None:
        parts.stale(versions)
    if versions.value:
        with right:
            chosen = _version(name, versions.value)
        _detail(name, serving, versions.value, chosen)
    elif versions.value is not None:
        parts.empty(
            f"{deployment.title} has no version yet.",
            f"Train one (nivesh train {name}) or register a run's model below.",
        )
    acting.register(name)


def _version(model: str, versions: list[Version]) -> str:
    words = {v.version: f"{v.version} · {badges.LOOKS[v.status].word}" for v in versions}
    return choice.version(list(words), words, view.candidate(versions), model)


def _detail(name: str, serving: str | None, versions: list[Version], chosen: str) -> None:
    reading = choice.read_version(name, chosen)
    detail = reading.value
    if detail is None:
        parts.stale(reading)
        return
    production = next((v for v in versions if v.version == serving), None)
    view.verdict(detail, then=reading.error is not None)
    view.job(detail.job)
    promotion_view.last_request(detail.promotion)
    view.table(name, versions, detail.criteria, chosen)
    left, right = parts.beside(3, 2)
    with left:
        view.gates(detail.gates)
        version_view.criteria(detail, production)
    with right:
        acting.actions(detail, serving)
        version_view.history(detail.transitions)
        version_view.facts(detail.version)


draw()
