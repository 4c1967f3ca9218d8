"""Is anything wrong now?"""

from datetime import timedelta

import streamlit as st

from backend_api.schemas import ModelSummary, Overview, Service
from backend_api.states import Health
from console import parts, session


def say(overview: Overview) -> None:
    """The answer, in one sentence."""
    wrong = [m.title for m in overview.models if m.state in (Health.DOWN, Health.DEGRADED)]
    wrong += [s.name for s in overview.services if s.state in (Health.DOWN, Health.DEGRADED)]
    unknown = [m.title for m in overview.models if m.state == Health.UNKNOWN]
    unknown += [s.name for s in overview.services if s.state == Health.UNKNOWN]
    if wrong:
        things = "thing needs" if len(wrong) == 1 else "things need"
        answer = f"{len(wrong)} {things} a look: {', '.join(wrong)}."
    elif unknown:
        answer = f"Nothing is known to be wrong, but {', '.join(unknown)} could not be judged."
    else:
        answer = "Nothing is wrong."
    st.markdown(f"{parts.badge(overview.state)} **{answer}** :gray[{parts.clock(overview.at)}]")


def figure(label: str, value: str) -> None:
    """A small labelled figure; lighter than a metric."""
    st.markdown(f":small[:gray[{label}]]  \n**{value}**", width=135)


def serving(model: ModelSummary) -> str:
    """Version in production, and the canary beside it."""
    desired = model.deployment.desired
    if desired is None or desired.production is None:
        return "nothing yet"
    canary = f" + {desired.canary} at {desired.canary_share} %" if desired.canary else ""
    return f"{desired.production}{canary}"


def workers(model: ModelSummary) -> str:
    """How many live workers serve what was decided."""
    live = [w for w in model.deployment.observed if w.live]
    return f"{sum(w.agrees for w in live)} of {len(live)} agree" if live else "none live"


def line(model: ModelSummary) -> None:
    """One model: what is the matter, then the figures."""
    traffic = model.traffic
    with st.container(border=True):
        head, way_back = st.columns([3, 1.3], vertical_alignment="center")
        head.markdown(
            f"{parts.badge(model.state)} **{model.title}**  \n{parts.plain(model.sentence)}"
        )
        way_back.markdown(
            parts.readiness_badge(model.deployment.readiness),
            help=model.deployment.readiness.sentence,
        )
        p95 = f"{traffic.p95_ms:,.0f} ms" if traffic.p95_ms is not None else "no traffic"
        answered = f"{traffic.requests:,} · {traffic.errors:,} failed"
        with st.container(horizontal=True, gap="small"):
            figure("Production", serving(model))
            figure("Workers", workers(model))
            figure(
                f"Requests, last {traffic.minutes} min",
                answered if traffic.requests else "no traffic",
            )
            figure("Latency p95", p95)
            figure("Promotions waiting", str(model.pending_promotions))


def services(found: list[Service], overview: Overview) -> None:
    """Every process and server with the time it was last heard."""
    rows = ["| Service | State | Detail | Last heard |", "|---|---|---|---|"]
    for service in found:
        heard = (
            parts.ago(service.last_good_at, overview.at) if service.last_good_at else "never yet"
        )
        rows.append(
            f"| {service.name} | {parts.badge(service.state)}"
            f" | {parts.plain(service.detail)} | {heard} |"
        )
    st.markdown("\n".join(rows))


@st.fragment(run_every=timedelta(seconds=10))
def live() -> None:
    """The part that keeps itself up to date."""
    reading = session.read(
        "overview", lambda: session.backend().overview(), within=timedelta(seconds=3)
    )
    parts.stale(reading)
    if reading.value is None:
        return
    say(reading.value)
    st.subheader("Models", anchor=False)
    if not reading.value.models:
        parts.empty("No models are known.", "Name them in models.yaml and restart backend_api.")
    for model in reading.value.models:
        line(model)
    st.subheader("Services", anchor=False)
    services(reading.value.services, reading.value)


parts.page("Overview", "Is anything wrong now?")
live()
