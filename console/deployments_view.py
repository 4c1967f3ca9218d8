"""What the Deployments page shows: the decision beside what each worker acknowledged."""

from datetime import UTC, datetime

import streamlit as st

from backend_api.schemas import Deployment, Desired, Mirror, Observed
from backend_api.states import Health
from console import badges, charts, parts, rollback_progress, session, shadow, times
from console.markdown import grid, plain, say

LIVE_SECONDS = 2.0
MEGABYTE = 1_000_000
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
        deployment.fallback,
        deployment.mirror.state,
        deployment.readiness.target,
    )


def live(drawn: Deployment, drawn_at: datetime | None) -> None:
    """The part that reads anew every two seconds, and redraws the page if a decision fell."""
    name = drawn.model_name
    reading = session.read(f"deployment:{name}", lambda: session.backend().deployment(name))
    if reading.value is None:
        reading = session.Reading(drawn, drawn_at, reading.error)
    parts.stale(reading)
    now = reading.value or drawn
    if reading.error is None and signature(now) != signature(drawn):
        st.rerun()
    parts.verdict(*agreement(now), then=reading.error is not None)
    if now.desired is None:
        return
    decision(now.desired)
    workers(now.desired, now.observed)
    shadow.told(now.shadow)
    parts.read_at(reading, LIVE_SECONDS)


def agreement(deployment: Deployment) -> tuple[Health, str]:
    """The page's question, answered."""
    want = deployment.desired
    alive = [worker for worker in deployment.observed if worker.live]
    behind = [worker for worker in alive if not worker.agrees]
    if want is not None and want.fallback and alive:
        ruled = sum(worker.agrees for worker in alive)
        return Health.DEGRADED, f"Rules answer on {ruled} of {len(alive)} live workers, as decided."
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
    return Health.OK, f"{rollback_progress.everyone(len(alive))} what was decided."


def decision(want: Desired) -> None:
    """What was decided, by whom and when."""
    share = want.canary_share if want.canary else 0
    none = "no requests" if want.fallback else None
    figures = (
        ("Production", want.production or "none", none or f"{100 - share} % of requests", None),
        ("Canary", want.canary or "none", none or f"{share} % of requests", None),
        ("Staged", ", ".join(want.staging) or "none", "no requests", None),
        ("Epoch", f"{want.epoch:,}", "the decision's number", EPOCH_HELP),
    )
    with st.container(horizontal=True, gap="medium"):
        for label, value, below, explained in figures:
            st.metric(
                label, value, below, delta_color="off", delta_arrow="off", help=explained,
                width=FIGURE_PX,
            )  # fmt: skip
    by, at = plain(want.changed_by), times.since(want.changed_at, datetime.now(UTC))
    say(f":gray[Decided by] **{by}**{badges.by_hand(want.changed_by)} :gray[{at}]")


def difference(want: Desired, worker: Observed) -> str:
    """What a worker does otherwise than decided, in words."""
    if worker.error:
        return worker.error
    pairs = (
        ("answers by", source(worker), source(want)),
        ("serves", worker.production or "none", want.production or "none"),
        ("canary", canary(worker), canary(want)),
        ("epoch", f"{worker.epoch}", f"{want.epoch}"),
    )
    told = [f"{what} {now}, decided {should}" for what, now, should in pairs if now != should]
    return "; ".join(told)


def source(place: Desired | Observed) -> str:
    """Whether rules answer, as decided or as observed."""
    return "rules" if place.fallback else "versions"


def canary(place: Desired | Observed) -> str:
    """A canary with its share, as decided or as served."""
    return f"{place.canary} at {place.canary_share}\u00a0%" if place.canary else "none"


def loaded(worker: Observed) -> str:
    """Versions in a worker's memory, each with its state unless it is ready."""
    return ", ".join(
        version if held.state == "ready" else f"{version} ({held.state})"
        for version, held in sorted(worker.loaded.items())
    )


def memory(worker: Observed) -> str:
    """What a worker's process holds altogether, as a second line; empty while it is unknown."""
    if worker.memory_bytes is None:
        return ""
    each = "; ".join(
        f"{version} about {held.memory_bytes / MEGABYTE:.0f}"
        for version, held in sorted(worker.loaded.items())
        if held.memory_bytes
    )
    beside = f" ({plain(each)})" if each else ""
    return f"<br>:small[:gray[{worker.memory_bytes / MEGABYTE:,.0f} MB{beside}]]"


def workers(want: Desired, observed: list[Observed]) -> None:
    """The decision, and under it each worker of the last ten minutes; a silent one stays."""
    st.header("Decided and observed", anchor=False)
    if not observed:
        parts.empty(
            "No worker was heard of in the last ten minutes.",
            "Start one (nivesh up, or python -m inference); it fetches the decision by itself.",
        )
        return
    headings = ("Where", "State", "Production", "Canary", "Epoch", "In memory", "Heard")
    decided = ("**Decided**", "", f"**{plain(want.production or 'none')}**",
               f"**{plain(canary(want))}**", f"**{want.epoch}**", "", "")  # fmt: skip
    now = datetime.now(UTC)
    grid(headings, [decided, *(_row(want, worker, now) for worker in observed)])
    if want.canary or any(worker.canary for worker in observed):
        _split(want, [worker for worker in observed if worker.live])


def _row(want: Desired, worker: Observed, now: datetime) -> tuple[str, ...]:
    state = badges.badge("ok", "As decided")
    if not worker.live:
        state = badges.badge("down", "Silent")
    elif not worker.agrees:
        state = badges.badge("degraded", "Differs")
        state += f"<br>:small[:gray[{plain(difference(want, worker))}]]"
    if worker.fallback:
        state += f" {badges.badge('fallback')}"
    return (
        f"{plain(worker.host)}\u00a0· {worker.pid}",
        state,
        plain(worker.production or "none"),
        plain(canary(worker)),
        f"{worker.epoch}",
        f"{plain(loaded(worker)) or '–'}{memory(worker)}",
        times.since(worker.heartbeat_at, now),
    )


def splits(want: Desired, live_workers: list[Observed]) -> list[charts.Split]:
    """The decision's split, then each split that was observed with the workers that have it."""
    having: dict[tuple[str | None, str | None, int], list[str]] = {}
    for worker in live_workers:
        split = (worker.production, worker.canary, worker.canary_share)
        having.setdefault(split, []).append(f"{worker.host} · {worker.pid}")
    rows = [charts.Split("Decided", want.production, want.canary, want.canary_share)]
    for split, names in having.items():
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        rows.append(charts.Split(f"{names[0]}{others}", *split))
    return rows


def _split(want: Desired, live_workers: list[Observed]) -> None:
    rows = splits(want, live_workers)
    st.plotly_chart(
        charts.split(tuple(rows)),
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
    told = []
    if found.checked_at:
        told.append(f"Compared {times.since(found.checked_at, now)}.")
    if found.equal_at and found.state != Health.OK:
        told.append(f"Last equal {times.since(found.equal_at, now)}.")
    if found.pending:
        told.append("1 write waits." if found.pending == 1 else f"{found.pending} writes wait.")
    told.append("Predictions do not depend on MLflow.")
    say(
        f"{badges.badge(found.state, MIRROR_WORDS[found.state])} {plain(said)}  \n"
        f":gray[{' '.join(told)}]"
    )
