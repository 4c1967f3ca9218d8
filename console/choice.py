"""Which model, and which of its versions, a page is about; the address says it too."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import streamlit as st

from backend_api.schemas import Deployment, Overview, Version, VersionDetail
from console import parts, session
from console.markdown import plain

PAGES = Path(__file__).parent / "pages"
# As many as the backend lists of a model's versions.
LISTED = 500


def link(page: str, label: str, icon: str, *, model: str) -> None:
    """A way to a page about the model: ``page`` is its file's name without the ending."""
    st.page_link(
        PAGES / f"{page}.py", label=label, icon=f":material/{icon}:", query_params={"model": model}
    )


def known(reading: session.Reading[Overview]) -> list[Deployment]:
    """Every model by its title; where there is none to choose, the page says why."""
    if reading.value is None:
        parts.stale(reading)
        return []
    if not reading.value.models:
        parts.empty("No model is known.", "Describe one in models.yaml, then restart the backend.")
    return [m.deployment for m in sorted(reading.value.models, key=lambda m: m.title)]


def model(deployments: list[Deployment]) -> Deployment:
    """The model that the address names or the reader picks, else the first that serves."""
    by_name = {d.model_name: d for d in deployments}
    words = {name: d.title for name, d in by_name.items()}
    serving = [d.model_name for d in deployments if d.desired and d.desired.production]
    default = serving[0] if serving else deployments[0].model_name
    return by_name[_pick("Model", "model", list(by_name), words, default)]


def versions(model: str, serving: str | None) -> session.Reading[list[Version]]:
    """The newest versions, and the one that serves or that the address asks for if it is older."""
    reading = session.read(f"versions:{model}", lambda: session.backend().versions(model))
    if reading.value is None or len(reading.value) < LISTED:
        return reading
    listed = {one.version for one in reading.value}
    wanted = dict.fromkeys(
        name for name in (serving, st.query_params.get("version")) if name and name not in listed
    )
    older = [found for name in wanted if (found := read_version(model, name).value)]
    return replace(reading, value=[*reading.value, *(found.version for found in older)])


def read_version(model: str, name: str) -> session.Reading[VersionDetail]:
    """One version with its gates, history and newest request."""
    return session.read(f"version:{model}:{name}", lambda: session.backend().version(model, name))


def version(names: Sequence[str], words: dict[str, str], default: str, of: str) -> str:
    """The version that the address names or the reader picks, else ``default``."""
    return _pick("Version", "version", list(names), words, default, of)


def option(
    label: str, field: str, names: list[str], words: dict[str, str], default: str, of: str = ""
) -> str:
    """One of a few, as the address or the reader has it, else ``default``."""
    return _pick(label, field, names, words, default, of)


def show(field: str, of: str, name: str) -> None:
    """Choose from a callback, before the page is drawn."""
    st.session_state[f"choice.{field}.{of}"] = name


def _pick(
    label: str,
    field: str,
    names: list[str],
    words: dict[str, str],
    default: str,
    of: str = "",
) -> str:
    key = f"choice.{field}.{of}"
    asked = st.query_params.get(field)
    if key not in st.session_state or st.session_state[key] not in names:
        st.session_state[key] = asked if asked in names else default
        if asked and asked not in names:
            st.warning(
                f"There is no {field} {plain(asked)} here;"
                f" this is {plain(words[st.session_state[key]])}.",
                icon=":material/help:",
            )
    picked = st.selectbox(
        label,
        names,
        format_func=lambda name: words[name],
        key=key,
        on_change=_forget,
        args=(field,),
    )
    st.query_params[field] = picked
    return str(picked)


def _forget(field: str) -> None:
    """Another model has other versions: what the address says of the old one's is void."""
    if field == "model" and "version" in st.query_params:
        del st.query_params["version"]
