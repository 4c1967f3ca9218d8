"""What the Registry page shows of versions; acting on them is in ``registry_actions``."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from backend_api.schemas import Criterion, Gate, Job, Version, VersionDetail
from backend_api.states import GateState, Health, JobState, PromotionStatus, VersionStatus
from console import badges, choice, parts, session, times
from console.markdown import grid, plain, say

V = VersionStatus
UNDER_WAY = (JobState.QUEUED, JobState.RUNNING)
TABLE_PX, FEW = 318, 3
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
        if detail.moved:
            return Health.DEGRADED, f"{name} waits for approval, but its evidence has moved."
        return Health.UNKNOWN, f"{name} waits for the approval of a lead other than its requester."
    if failed and version.status in (V.REGISTERED, V.STAGING, V.VALIDATED):
        return Health.DEGRADED, f"{name} may not go to production. Failed: {_titles(failed)}."
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


def verdict(detail: VersionDetail, *, then: bool) -> None:
    """The answer, first thing on the page; ``then`` marks one of an earlier reading."""
    state, sentence = answer(detail)
    icons = {Health.DEGRADED: "pan_tool", Health.UNKNOWN: "hourglass_empty"}
    parts.verdict(state, sentence, icons.get(state, ""), then=then)


def held_against(value: float | None, criterion: Criterion) -> str:
    """A metric with its verdict in a word and a mark."""
    if value is None:
        return "– not logged"
    met = HOLDS[criterion.op](value, criterion.threshold)
    return f"✓ {value:.4g}" if met else f"✗ {value:.4g} missed"


def met(version: Version, criteria: list[Criterion]) -> str:
    """How many criteria a version meets, where there are too many for a column each."""
    values = [(version.metrics.get(c.metric), c) for c in criteria]
    held = sum(v is not None and HOLDS[c.op](v, c.threshold) for v, c in values)
    mark = "✓" if held == len(criteria) else "✗"
    return f"{mark} {held} of {len(criteria)} met"


def table(model: str, versions: list[Version], criteria: list[Criterion], chosen: str) -> None:
    """All versions, newest first; choosing a row shows that version below."""
    statuses = [str(status) for status in V]
    columns: dict[str, list[Any]] = {
        "Version": [v.version for v in versions],
        "Status": [[str(v.status)] for v in versions],
    }
    if len(criteria) > FEW:
        columns["Criteria"] = [met(v, criteria) for v in versions]
    else:
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
        height=min(TABLE_PX, 35 * (len(versions) + 1) + 3),
        on_select=pick,
        selection_mode="single-row",
        selection_default={"selection": {"rows": [row]}},
        alt=f"Versions of {model}, newest first, with their status and metrics.",
        column_config={
            "Version": st.column_config.TextColumn(pinned=True),
            "Status": st.column_config.MultiselectColumn(
                options=statuses,
                color=[badges.LOOKS[s].colour for s in statuses],
                format_func=lambda s: badges.LOOKS[s].word,
            ),
            "Registered": st.column_config.DatetimeColumn(
                format="D MMM YYYY, HH:mm z", timezone=st.context.timezone or "UTC"
            ),
        },
    )


def gates(found: list[Gate]) -> None:
    """Every gate: state word, sentence, and what it was decided on."""
    st.header("Gates", anchor=False)
    grid(
        ("State", "Gate", "Why"),
        [(badges.badge(g.state), plain(g.title), plain(g.sentence)) for g in found],
    )
    evidence = {gate.title: gate.evidence for gate in found if gate.evidence}
    if evidence:
        with st.expander("What they were decided on", type="compact"):
            st.json(evidence, expanded=1)


def job(found: Job | None) -> None:
    """How far the version's newest job is; watched while it is under way."""
    if found is None:
        return
    if found.state in UNDER_WAY:
        st.fragment(run_every=2.0)(_watched)(found)
        return
    ended = ""
    if found.finished_at:
        ended = f", {times.since(found.finished_at, datetime.now(UTC))}"
    say(
        f"{badges.badge(found.state)} Last {plain(found.kind)}{ended}:"
        f" {plain(found.message) or 'no message'}"
    )


def _watched(began: Job) -> None:
    reading = session.read(f"job:{began.id}", lambda: session.backend().job(began.id))
    parts.stale(reading)
    now = reading.value or began
    words = f"{badges.LOOKS[now.state].word}: {now.kind}. {now.message}"
    st.progress(now.progress, text=plain(words))
    if now.state not in UNDER_WAY:
        st.rerun()
