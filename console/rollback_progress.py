"""After the order: which workers serve the old version by now, and after how many seconds."""

from datetime import UTC, datetime

import streamlit as st

from backend_api.schemas import Deployment, Observed, Outcome
from console import session
from console.markdown import plain

EVERY_SECONDS = 1.0


def forget() -> None:
    """Another rollback begins."""
    st.session_state.pop("rollback_done", None)


def show(outcome: Outcome, seen: Deployment, ordered_at: datetime) -> None:
    """The order's sentence, then each worker until all have arrived; looks every second."""
    st.fragment(run_every=EVERY_SECONDS)(_live)(outcome, seen, ordered_at)


def everyone(count: int) -> str:
    """All of so many live workers, as the beginning of a sentence."""
    few = {1: "The one live worker serves", 2: "Both workers serve"}
    return few.get(count, f"All {count} workers serve")


def arrived(worker: Observed, outcome: Outcome) -> bool:
    """Whether the worker acknowledged the order, or one after it."""
    return worker.agrees and worker.epoch >= (outcome.epoch or 0)


def took(worker: Observed, start: datetime) -> float:
    """Seconds from the order to the worker's acknowledgement, by the database's clock."""
    return max(0.0, (worker.acknowledged_at - start).total_seconds())


def _live(outcome: Outcome, seen: Deployment, ordered_at: datetime) -> None:
    done: Deployment | None = st.session_state.get("rollback_done")
    state = done or _now(seen.model_name)
    if state is None:
        return
    start = state.desired.changed_at if state.desired else ordered_at
    live = [worker for worker in state.observed if worker.live]
    there = [worker for worker in live if arrived(worker, outcome)]
    waited = (datetime.now(UTC) - ordered_at).total_seconds()
    if not live:
        st.warning(
            f"The order is written, but no worker is live. Each takes {outcome.version} up as it"
            f" comes back; {waited:.0f} s so far.",
            icon=":material/hourglass_empty:",
        )
    elif len(there) == len(live):
        st.session_state["rollback_done"] = state
        longest = max(took(worker, start) for worker in there)
        st.success(
            f"**{everyone(len(live))} {outcome.version} after {longest:.1f} s.**"
            " A lead lifts the hold once the cause is mended.",
            icon=":material/check_circle:",
        )
    else:
        served = f"{len(there)} of {len(live)} workers serve {outcome.version}"
        st.progress(len(there) / len(live), text=f"{served}; {waited:.0f} s so far")
    st.markdown("  \n".join(line(worker, outcome, start) for worker in live))


def line(worker: Observed, outcome: Outcome, start: datetime) -> str:
    """One worker, in markdown."""
    name = f"`{worker.host}:{worker.pid}`"
    if arrived(worker, outcome):
        seconds = took(worker, start)
        return f":material/check: {name} serves **{worker.production}** after {seconds:.1f} s"
    trouble = f": {plain(worker.error)}" if worker.error else ""
    return f":material/autorenew: {name} still serves {worker.production or 'nothing'}{trouble}"


def _now(model: str) -> Deployment | None:
    reading = session.read(f"deployment:{model}", lambda: session.backend().deployment(model))
    if reading.error is not None:
        st.warning(
            "The backend does not answer; workers carry the order out all the same.",
            icon=":material/cloud_off:",
        )
    return reading.value
