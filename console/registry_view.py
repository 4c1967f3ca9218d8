"""What the Registry page shows of versions; acting on them is in ``registry_actions``."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from backend_api.schemas import Criterion, Gate, Job, Transition, Version, VersionDetail
from backend_api.states import GateState, Health, JobState, PromotionStatus, VersionStatus
from console import charts, choice, parts, session

V = VersionStatus
UNDER_WAY = (JobState.QUEUED, JobState.RUNNING)
TABLE_PX = 246
HOLDS: dict[str, Callable[[float, float], bool]] = {
    ">": lambda value, limit: value > limit,
    "<": lambda value, limit: value < limit,
    ">=": lambda value, limit: value >= limit,
    "<=": lambda value, limit: value <= limit,
}


def candidate(versions: list[Version]) -> str:
    """The version to look at first: the one closest to production, else what serves."""
    for status in (V.CANARY, V.VALIDATED, V.STAGING, V.REGISTERED, V.PRODUCTION):
        for version in versions:
            if version.status == status:
                return version.version
    return versions[0].version


def held_back(gates: list[Gate]) -> list[Gate]:
    """The gates in the way: failed, or not measurable."""
    return [g for g in gates if g.state in (GateState.FAIL, GateState.UNKNOWN)]


def _titles(gates: list[Gate]) -> str:
    return ", ".join(gate.title for gate in gates)


def answer(detail: VersionDetail) -> tuple[Health, str]:
    """The page's question, answered for one version: may it, and if not, what is missing."""
    version, request = detail.version, detail.promotion
    name, held = version.version, held_back(detail.gates)
    failed = [g for g in held if g.state == GateState.FAIL]
    if version.status == V.VALIDATED and request and request.status == PromotionStatus.PENDING:
        return Health.UNKNOWN, f"{name} waits for the approval of a lead other than its requester."
    if failed and version.status in (V.REGISTERED, V.STAGING, V.VALIDATED):
        return Health.DEGRADED, f"{name} may not go to production: {_titles(failed)} failed."
    if held and version.status == V.VALIDATED:
        return Health.DEGRADED, f"{name} may not yet: {_titles(held)} could not be measured."
    if version.status == V.VALIDATED:
        return Health.OK, f"{name} may go to production: no gate holds it back. Ask for it below."
    sentences = {
        V.REGISTERED: f"{name} is not ready: stage it, so that workers load it.",
        V.STAGING: f"{name} is not ready: validate it on the staged copy.",
        V.CANARY: f"{name} is the canary now. Its share is set under Deployments.",
        V.PRODUCTION: f"{name} is in production now.",
        V.ARCHIVED: f"{name} served before. To promote it again, stage and validate it first.",
        V.ROLLED_BACK: f"{name} was rolled back. To try it again, stage and validate it first.",
        V.REJECTED: f"{name} was refused for good and can never be promoted.",
    }
    bad = {V.REJECTED, V.ROLLED_BACK}
    state = Health.DEGRADED if version.status in bad else Health.UNKNOWN
    return (Health.OK if version.status == V.PRODUCTION else state), sentences[version.status]


def verdict(detail: VersionDetail) -> None:
    """The answer, first thing on the page."""
    state, sentence = answer(detail)
    box = {Health.OK: st.success, Health.DEGRADED: st.warning}.get(state, st.info)
    icon = {Health.OK: "check_circle", Health.DEGRADED: "pan_tool"}.get(state, "hourglass_empty")
    box(f"**{parts.plain(sentence)}**", icon=f":material/{icon}:")


def held_against(value: float | None, criterion: Criterion) -> str:
    """A metric with its verdict in a word and a mark."""
    if value is None:
        return "– not logged"
    met = HOLDS[criterion.op](value, criterion.threshold)
    return f"✓ {value:.4g}" if met else f"✗ {value:.4g} missed"


def table(model: str, versions: list[Version], criteria: list[Criterion], chosen: str) -> None:
    """All versions, newest first; choosing a row shows that version below."""
    statuses = [str(status) for status in V]
    columns: dict[str, list[Any]] = {
        "Version": [v.version for v in versions],
        "Status": [[str(v.status)] for v in versions],
    }
    for c in criteria:
        title = f"{c.label} {c.op} {c.threshold:g}"
        columns[title] = [held_against(v.metrics.get(c.metric), c) for v in versions]
    columns["Registered"] = [v.created_at for v in versions]
    columns["By"] = [v.registered_by for v in versions]
    columns["Description"] = [v.description for v in versions]
    row = next(i for i, v in enumerate(versions) if v.version == chosen)
    key = f"versions.{model}.{chosen}"

    def pick() -> None:
        rows = st.session_state[key].selection.rows
        if rows:
            choice.show("version", model, versions[rows[0]].version)

    st.dataframe(
        columns,
        key=key,
        hide_index=True,
        height=min(TABLE_PX, 36 * (len(versions) + 1) + 2),
        on_select=pick,
        selection_mode="single-row",
        selection_default={"selection": {"rows": [row]}},
        alt=f"Versions of {model}, newest first, with their status and metrics.",
        column_config={
            "Version": st.column_config.TextColumn(pinned=True),
            "Status": st.column_config.MultiselectColumn(
                options=statuses,
                color=[parts.LOOKS[s].colour for s in statuses],
                format_func=lambda s: parts.LOOKS[s].word,
            ),
            "Registered": st.column_config.DatetimeColumn(
                format="D MMM YYYY, HH:mm z", timezone=st.context.timezone or "UTC"
            ),
        },
    )


def gates(found: list[Gate]) -> None:
    """Every gate: state word, sentence, and what it was decided on."""
    st.subheader("Gates", anchor=False)
    for gate in found:
        with st.container(gap=None):
            st.markdown(
                f"{parts.badge(gate.state)} **{parts.plain(gate.title)}**  \n"
                f"{parts.plain(gate.sentence)}"
            )
            if gate.evidence:
                with st.expander(f"Evidence: {gate.title}", type="compact"):
                    st.json(gate.evidence)


def criteria(found: list[Criterion]) -> None:
    """Each criterion with its value, its line and by how much it is missed."""
    st.subheader("Acceptance criteria", anchor=False)
    rows: dict[str, list[str]] = {"Metric": [], "Value": [], "Must be": [], "Verdict": []}
    for c in found:
        rows["Metric"].append(parts.plain(c.label))
        rows["Value"].append("not logged" if c.value is None else f"{c.value:.4g}")
        rows["Must be"].append(parts.plain(f"{c.op} {c.threshold:g}"))
        missed = "Missed" if c.value is None else f"Missed by {abs(c.threshold - c.value):.3g}"
        rows["Verdict"].append(
            parts.badge("pass", "Met") if c.passed else parts.badge("fail", missed)
        )
    st.table(rows, hide_index=True, border="horizontal")


def against(detail: VersionDetail, production: Version | None) -> None:
    """The version's metrics beside production's, as a picture."""
    name = detail.version.version
    other = production if production and production.version != name else None
    st.subheader("Against production", anchor=False)
    if other is None:
        serving = "This version is in production" if production else "Nothing is in production"
        st.caption(f"{serving}, so there is no other version to compare with.")
    beside = other.metrics if other else {}
    measures = [
        charts.Measure(c.label, c.op, c.threshold, c.value, beside.get(c.metric))
        for c in detail.criteria
    ]
    rival = other.version if other else None
    st.plotly_chart(
        charts.comparison(name, rival, measures),
        key=f"comparison.{detail.version.model_name}.{name}",
        config={"displayModeBar": False},
        alt=charts.comparison_words(name, rival, measures),
    )


def facts(version: Version) -> None:
    """Where the version came from."""
    st.subheader("Origin", anchor=False)
    lines = {
        "Registered": f"{parts.when(version.created_at)} by {parts.plain(version.registered_by)}",
        "Description": parts.plain(version.description),
        "MLflow": f"version {version.mlflow_version}, run `{version.run_id}`",
        "Artefact": f"`{version.artifact_digest}`" if version.artifact_digest else "no digest",
        "Tags": ", ".join(f"{parts.plain(k)} = {parts.plain(v)}" for k, v in version.tags.items()),
        "In production since": parts.when(version.deployed_at) if version.deployed_at else "",
        "Seen good on all workers": parts.when(version.verified_at) if version.verified_at else "",
        "Rolled back": parts.when(version.aborted_at) if version.aborted_at else "",
    }
    st.markdown("  \n".join(f":gray[{k}] {v}" for k, v in lines.items() if v))


def history(moves: list[Transition]) -> None:
    """Who moved the version where, newest first."""
    st.subheader("History", anchor=False)
    rows: dict[str, list[str]] = {"When": [], "Became": [], "From": [], "By": []}
    for move in reversed(moves):
        rows["When"].append(parts.when(move.at))
        rows["Became"].append(parts.badge(move.to_status))
        before = parts.LOOKS[move.from_status].word if move.from_status else "new"
        rows["From"].append(before)
        rows["By"].append(parts.plain(move.actor))
    st.table(rows, hide_index=True, border="horizontal")


def job(found: Job | None) -> None:
    """How far the version's newest job is; watched while it is under way."""
    if found is None:
        return
    if found.state in UNDER_WAY:
        st.fragment(run_every=2.0)(_watched)(found)
        return
    ended = f", {parts.when(found.finished_at)}" if found.finished_at else ""
    st.markdown(
        f"{parts.badge(found.state)} Last {parts.plain(found.kind)}{ended}:"
        f" {parts.plain(found.message) or 'no message'}"
    )


def _watched(began: Job) -> None:
    reading = session.read(f"job:{began.id}", lambda: session.backend().job(began.id))
    parts.stale(reading)
    now = reading.value or began
    words = f"{parts.LOOKS[now.state].word}: {now.kind}. {now.message}"
    st.progress(now.progress, text=parts.plain(words))
    if now.state not in UNDER_WAY:
        st.rerun()
