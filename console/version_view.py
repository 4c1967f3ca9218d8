"""One version up close: its metrics against the criteria and production, its past, its origin."""

from datetime import UTC, datetime

import streamlit as st

from backend_api.schemas import Criterion, Transition, Version, VersionDetail
from console import badges, charts, times
from console.markdown import grid, plain, say

DIGEST_SHOWN = 19


def criteria(detail: VersionDetail, production: Version | None) -> None:
    """Each criterion with its line, this version's value and production's, then the picture."""
    st.header("Acceptance criteria", anchor=False)
    name = detail.version.version
    rival = production if production and production.version != name else None
    headings = ["Metric", name, "Must be", "Verdict"]
    if rival:
        headings.insert(2, f"{rival.version} (production)")
    grid(headings, [_criterion(c, rival) for c in detail.criteria])
    if rival is None:
        serving = f"{name} is in production" if production else "Nothing is in production"
        st.caption(f"{serving}, so there is no other version to compare with.")
    _picture(detail, rival)


def _value(value: float | None) -> str:
    return "not logged" if value is None else f"{value:.4g}"


def _criterion(c: Criterion, rival: Version | None) -> list[str]:
    missed = "Missed" if c.value is None else f"Missed by {abs(c.threshold - c.value):.3g}"
    verdict = badges.badge("pass", "Met") if c.passed else badges.badge("fail", missed)
    cells = [plain(c.label), _value(c.value), plain(f"{c.op}\u00a0{c.threshold:g}"), verdict]
    if rival:
        cells.insert(2, _value(rival.metrics.get(c.metric)))
    return cells


def _picture(detail: VersionDetail, rival: Version | None) -> None:
    name, other = detail.version.version, rival.version if rival else None
    beside = rival.metrics if rival else {}
    measures = tuple(
        charts.Measure(c.label, c.op, c.threshold, c.value, beside.get(c.metric))
        for c in detail.criteria
    )
    st.plotly_chart(
        charts.comparison(name, other, measures),
        key=f"comparison.{detail.version.model_name}.{name}",
        config={"displayModeBar": False},
        alt=charts.comparison_words(name, other, measures),
    )


def facts(version: Version) -> None:
    """Where the version came from, and how far it got."""
    st.header("Origin", anchor=False)
    now = datetime.now(UTC)
    digest = version.artifact_digest
    lines = {
        "Registered": f"{times.since(version.created_at, now)} by {plain(version.registered_by)}",
        "Description": plain(version.description),
        "MLflow": f"version {version.mlflow_version}, run `{version.run_id}`",
        "Artefact": _digest(digest) if digest else "no digest",
        "Dataset": f"no. {version.dataset_id}" if version.dataset_id is not None else "",
        "Tags": ", ".join(f"{plain(k)} = {plain(v)}" for k, v in version.tags.items()),
    }
    moments = {
        "In production since": version.deployed_at,
        "Seen good on all workers": version.verified_at,
        "Rolled back": version.aborted_at,
    }
    lines |= {label: times.since(at, now) for label, at in moments.items() if at}
    say("  \n".join(f":gray[{label}] {value}" for label, value in lines.items() if value))


def _digest(digest: str) -> str:
    return f'<code title="{digest}">{digest[:DIGEST_SHOWN]}…</code>'


def history(moves: list[Transition]) -> None:
    """Who moved the version where, newest first."""
    st.header("Past", anchor=False)
    now = datetime.now(UTC)
    grid(
        ("Became", "By", "When"),
        [
            (
                badges.badge(move.to_status),
                f"{plain(move.actor)}{badges.by_hand(move.actor)}",
                times.since(move.at, now),
            )
            for move in reversed(moves)
        ],
    )
