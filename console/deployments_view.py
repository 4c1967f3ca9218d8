"""What the Deployments page shows: the decision beside what each worker acknowledged."""

from datetime import UTC, datetime

import streamlit as st

from backend_api.schemas import Deployment, Desired, Mirror, Observed
from backend_api.states import Health
from console import charts, parts, session

LIVE_SECONDS = 2.0
FIGURE_PX = 160
EPOCH_HELP = "Counts the decisions about this model. A worker serves one when its epoch is equal."
MIRROR_WORDS = {
    Health.OK: "Equal",
    Health.UNKNOWN: "Not compared yet",
    Health.DEGRADED: "Differs",
    Health.DOWN: "Not reachable",
}


def signature(deployment: Deployment) -> tuple[object, ...]:
    """What the page's forms were drawn on; when it moves, they have to be drawn again."""
    want = deployment.desired
    return (
        want.epoch if want else None,
        deployment.hold,
        deployment.mirror.state,
        deployment.readiness.target,
    )


def live(drawn: Deployment) -> None:
    """The part that reads anew every two seconds, and redraws the page if a decision fell."""
    name = drawn.model_name
    reading = session.read(f"deployment:{name}", lambda: session.backend().deployment(name))
    parts.stale(reading)
    now = reading.value or drawn
    if reading.error is None and signature(now) != signature(drawn):
        st.rerun()
    state, sentence = agreement(now)
    box = {Health.OK: st.success, Health.UNKNOWN: st.info, Health.DEGRADED: st.warning}
    icon = parts.LOOKS[state].icon
    box.get(state, st.error)(f"**{parts.plain(sentence)}**", icon=f":material/{icon}:")
    if now.desired is None:
        return
    decision(now)
    workers(now.desired, now.observed)
    if reading.at is not None:
        st.caption(f"Read {parts.when(reading.at)}; anew every {LIVE_SECONDS:g} s.")


def agreement(deployment: Deployment) -> tuple[Health, str]:
    """The page's question, answered."""
    want = deployment.desired
    alive = [worker for worker in deployment.observed if worker.live]
    behind = [worker for worker in alive if not worker.agrees]
    if want is None or (want.production is None and want.canary is None):
        return Health.UNKNOWN, "Nothing is decided to serve yet."
    if not alive:
        return Health.DOWN, "No worker is live, so nobody is known to serve this decision."
    if want.degraded:
        return Health.DEGRADED, f"The decision is incomplete: {want.degraded}."
    if behind:
        do = "does" if len(behind) == 1 else "do"
        return Health.DEGRADED, (
            f"{len(behind)} of {len(alive)} live workers {do} not serve the decision"
            f" (epoch {want.epoch}) yet."
        )
    if len(alive) == 1:
        return Health.OK, "The one live worker serves what was decided."
    return Health.OK, f"All {len(alive)} live workers serve what was decided."


def decision(deployment: Deployment) -> None:
    """What was decided, by whom and when; and whether there is a way back."""
    want = deployment.desired
    if want is None:
        return
    share = want.canary_share if want.canary else 0
    figures = (
        ("Production", want.production or "none", f"{100 - share} % of requests", None),
        ("Canary", want.canary or "none", f"{share} % of requests", None),
        ("Staged", ", ".join(want.staging) or "none", "no traffic", None),
        ("Epoch", f"{want.epoch:,}", parts.ago(want.changed_at, datetime.now(UTC)), EPOCH_HELP),
    )
    with st.container(horizontal=True, gap="medium"):
        for label, value, below, explained in figures:
            st.metric(
                label, value, below, delta_color="off", delta_arrow="off", help=explained,
                width=FIGURE_PX,
            )  # fmt: skip
    st.markdown(
        f"{parts.readiness_badge(deployment.readiness)} Decided by"
        f" **{parts.plain(want.changed_by)}**, {parts.when(want.changed_at)}"
    )


def difference(want: Desired, worker: Observed) -> str:
    """What a worker does otherwise than decided, in words."""
    if worker.error:
        return worker.error
    pairs = (
        ("serves", worker.production or "none", want.production or "none"),
        ("canary", canary(worker), canary(want)),
        ("epoch", f"{worker.epoch}", f"{want.epoch}"),
    )
    told = [f"{what} {now}, decided {should}" for what, now, should in pairs if now != should]
    return "; ".join(told)


def canary(place: Desired | Observed) -> str:
    """A canary with its share, as decided or as served."""
    return f"{place.canary} at {place.canary_share} %" if place.canary else "none"


def loaded(worker: Observed) -> str:
    """Versions in a worker's memory with the state of each."""
    return ", ".join(f"{version} {held.state}" for version, held in sorted(worker.loaded.items()))


def workers(want: Desired, observed: list[Observed]) -> None:
    """Each worker of the last ten minutes; a silent one stays visible."""
    st.subheader("Workers", anchor=False)
    if not observed:
        parts.empty(
            "No worker was heard of in the last ten minutes.",
            "Start one (nivesh up, or python -m inference); it fetches the decision by itself.",
        )
        return
    now = datetime.now(UTC)
    columns = ("Worker", "Serves as decided", "Heartbeat", "Difference", "Production", "Canary",
               "Epoch", "In memory")  # fmt: skip
    rows: dict[str, list[str]] = {title: [] for title in columns}
    for worker in observed:
        verdict = parts.badge("ok", "Yes") if worker.agrees else parts.badge("degraded", "No")
        if not worker.live:
            verdict = parts.badge("down", "Silent")
        cells = (
            f"{parts.plain(worker.host)} · {worker.pid}",
            verdict,
            parts.ago(worker.heartbeat_at, now),
            parts.plain(difference(want, worker)) or "–",
            parts.plain(worker.production or "none"),
            parts.plain(canary(worker)),
            f"{worker.epoch}",
            parts.plain(loaded(worker)) or "–",
        )
        for title, cell in zip(columns, cells, strict=True):
            rows[title].append(cell)
    st.table(rows, hide_index=True, border="horizontal")
    if want.canary or any(worker.canary for worker in observed):
        _split(want, [worker for worker in observed if worker.live])


def _split(want: Desired, live_workers: list[Observed]) -> None:
    rows = [charts.Split("Decided", want.production, want.canary, want.canary_share)]
    rows += [
        charts.Split(f"{w.host} · {w.pid}", w.production, w.canary, w.canary_share)
        for w in live_workers
    ]
    st.plotly_chart(
        charts.split(rows),
        key=f"split.{want.model_name}",
        config={"displayModeBar": False},
        alt="; ".join(
            f"{r.place}: {r.production} {100 - r.share} %, {r.canary or 'no canary'} {r.share} %"
            for r in rows
        ),
    )


def mirror(found: Mirror) -> None:
    """Whether MLflow shows the same decision."""
    now = datetime.now(UTC)
    said = {
        Health.OK: "MLflow's alias and stage say the same as the decision.",
        Health.UNKNOWN: "The watch has not compared MLflow with the decision yet.",
        Health.DEGRADED: found.difference or "The decision is on its way to MLflow.",
        Health.DOWN: found.error or "MLflow does not answer.",
    }[found.state]
    checked = f"Compared {parts.ago(found.checked_at, now)}." if found.checked_at else ""
    equal = ""
    if found.equal_at and found.state != Health.OK:
        equal = f" Last equal {parts.ago(found.equal_at, now)}, {parts.when(found.equal_at)}."
    waiting = ""
    if found.pending:
        writes = "1 write waits" if found.pending == 1 else f"{found.pending} writes wait"
        waiting = f" {writes} to be delivered."
    st.markdown(
        f"{parts.badge(found.state, MIRROR_WORDS[found.state])} {parts.plain(said)}  \n"
        f":gray[{checked}{equal}{waiting} Predictions do not depend on MLflow.]"
    )
