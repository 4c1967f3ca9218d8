"""Is anything wrong now?"""

import streamlit as st

from backend_api.schemas import Measured, ModelSummary, Overview, Traffic
from backend_api.states import Health
from console import badges, choice, parts, rollback, session, times
from console.markdown import grid, plain, say

EVERY_SECONDS = 10.0
WRONG = (Health.DOWN, Health.DEGRADED)


def answer(overview: Overview) -> str:
    """The page's question, answered in one sentence."""
    states = [(m.title, m.state) for m in overview.models]
    states += [(s.name, s.state) for s in overview.services]
    wrong = [name for name, state in states if state in WRONG]
    unknown = [name for name, state in states if state == Health.UNKNOWN]
    if overview.state in WRONG and len(wrong) == 1:
        return f"{wrong[0]} needs a look."
    if overview.state in WRONG:
        return f"{len(wrong)} things need a look: {', '.join(wrong)}."
    if unknown:
        return f"Nothing is known to be wrong. Not judged: {', '.join(unknown)}."
    return "Nothing is wrong."


def failed(traffic: Traffic) -> str:
    """Failed requests with their share."""
    if not traffic.errors:
        return "0" if traffic.requests else "–"
    return f"{traffic.errors:,} ({100 * traffic.errors / traffic.requests:.2f} %)"


def figures(model: ModelSummary) -> None:
    """What serves, where, and how it goes."""
    want, traffic = model.deployment.desired, model.traffic
    live = [worker for worker in model.deployment.observed if worker.live]
    agree = f"{sum(w.agrees for w in live)} of {len(live)} agree" if live and want else "–"
    canary = f"{want.canary} at {want.canary_share} %" if want and want.canary else "none"
    p95 = f"{traffic.p95_ms:,.0f} ms" if traffic.p95_ms is not None else "–"
    with st.container(horizontal=True, gap="small"):
        parts.figure("Production", (want.production if want else None) or "none")
        parts.figure("Canary", canary)
        parts.figure("Workers", agree)
        parts.figure(f"Requests in {traffic.minutes} min", f"{traffic.requests:,}")
        parts.figure("Failed", failed(traffic))
        if traffic.fallbacks:
            parts.figure("By rules", f"{traffic.fallbacks:,}")
        parts.figure("Latency p95", p95)


def measured(arms: list[Measured]) -> str:
    """What Prometheus says beside the log, arm by arm."""
    said = []
    for arm in arms:
        p95 = "" if arm.p95_ms is None else f", p95 {arm.p95_ms:,.0f} ms"
        said.append(
            f"{arm.arm} {arm.version} {arm.requests_per_second:,.1f}/s,"
            f" {100 * arm.error_rate:.2f} % failed{p95}"
        )
    return f"Prometheus, last {arms[0].minutes} min: {'; '.join(said)}"


def _state(model: ModelSummary) -> str:
    want = model.deployment.desired
    idle = want is None or want.production is None
    return badges.badge(model.state, "Not serving" if idle else None)


def card(model: ModelSummary) -> None:
    """One model: what is the matter, the figures, the way back, and where to go next."""
    name, waiting = model.model_name, model.pending_promotions
    with st.container(border=True, key=f"card-{name}"):
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            say(f"{_state(model)} **{plain(model.title)}**  \n{plain(model.sentence)}")
            with st.container(horizontal=True, width="content", gap="small"):
                if waiting:
                    said = "1 request waits" if waiting == 1 else f"{waiting} requests wait"
                    choice.link("registry", said, "approval", model=name)
                else:
                    choice.link("registry", "Registry", "inventory_2", model=name)
                choice.link("deployments", "Deployments", "lan", model=name)
                if model.incidents:
                    choice.link("accuracy", "Open incident", "notifications_active", model=name)
        figures(model)
        if model.measured:
            say(f":small[:gray[{plain(measured(model.measured))}]]")
        ready = model.deployment.readiness
        say(" ".join([badges.readiness(ready), f":small[:gray[{rollback.facts(ready)}]]"]))
        if ready.target and ready.state != Health.OK:
            say(f":small[{plain(ready.sentence)}]")


def services(overview: Overview) -> None:
    """Every process and server with the time it was last heard."""
    rows = []
    for found in overview.services:
        heard = "never yet"
        if found.last_good_at:
            heard = times.since(found.last_good_at, overview.at)
        rows.append((plain(found.name), badges.badge(found.state), plain(found.detail), heard))
    grid(("Service", "State", "Detail", "Last heard"), rows)


@st.fragment(run_every=EVERY_SECONDS)
def live() -> None:
    """The part that keeps itself up to date."""
    reading = session.overview()
    parts.stale(reading)
    found = reading.value
    if found is None:
        return
    parts.verdict(found.state, answer(found), then=reading.error is not None)
    parts.read_at(reading, EVERY_SECONDS)
    st.header("Models", anchor=False)
    if not found.models:
        parts.empty("No model is known.", "Describe one in models.yaml, then restart the backend.")
    for model in found.models:
        card(model)
    st.header("Services", anchor=False)
    services(found)


parts.page("Overview", "Is anything wrong now?")
live()
