"""The way back on the Deployments page: each thing that a rollback needs, and its rehearsal."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import streamlit as st

from backend_api.schemas import Deployment, Explain, Outcome, Readiness, Rehearsal
from backend_api.states import GateState, Health, Permission
from console import badges, forms, rollback, session, times
from console.markdown import grid, plain, say

LIVE_SECONDS = 5.0
# The page's other live part reads the same.
SHARED = timedelta(seconds=2)
WORDS = {Health.OK: "Ready", Health.UNKNOWN: "Not measured", Health.DEGRADED: "Not quite",
         Health.DOWN: "Not ready"}  # fmt: skip


def draw(deployment: Deployment, read_at: datetime | None) -> None:
    """How ready the rollback is, its button, and the order for a rehearsal."""
    st.header("Way back", anchor=False)
    st.fragment(run_every=LIVE_SECONDS)(_live)(deployment, read_at)
    ready = deployment.readiness
    if ready.target is None:
        return
    rollback.button(deployment, "page", f"Roll back to {ready.target}")
    _rehearse(deployment, ready.target)


def _live(drawn: Deployment, read_at: datetime | None) -> None:
    """The badge, read anew every few seconds."""
    name = drawn.model_name
    reading = session.read(
        f"deployment:{name}", lambda: session.backend().deployment(name), within=SHARED
    )
    then = reading.error is not None
    ready = (reading.value or drawn).readiness
    if then:
        at = reading.at or read_at
        say(f":gray[As of {times.clock(at)}, the last good reading.]" if at else "")
    say(f"{badges.readiness(ready)} {plain(ready.sentence)}")
    if ready.items:
        grid(
            ("Needed", "State", "Found"),
            [(plain(i.title), badges.badge(i.state, WORDS[i.state]), plain(i.sentence))
             for i in ready.items],
        )  # fmt: skip
    told = times_of(ready)
    if told:
        say(f":small[:gray[{told}]]")
    if ready.rehearsal is not None and ready.rehearsal.workers:
        _workers(ready.rehearsal)


def times_of(ready: Readiness) -> str:
    """When the target was seen good, the model was rolled back, and a rehearsal was held."""
    now = datetime.now(UTC)
    found = (
        ("Seen good", ready.target_verified_at),
        ("Last rollback", ready.last_at),
        ("Last rehearsal", ready.rehearsal.asked_at if ready.rehearsal else None),
    )
    return " · ".join(f"{what} {times.since(at, now)}" for what, at in found if at is not None)


def _workers(last: Rehearsal) -> None:
    """What each worker made of the newest rehearsal."""
    with st.expander("Last rehearsal, worker by worker"):
        by = f"{plain(last.version)}, ordered by {plain(last.asked_by)}"
        say(f":gray[{by}; nobody got these answers.]")
        grid(
            ("Where", "Outcome", "Asked", "Failed", "p95", "Answered after"),
            [
                (
                    f"{plain(one.host)}\u00a0· {one.pid}",
                    badges.badge(_outcome(one.seconds, one.problem))
                    + (f"<br>:small[:gray[{plain(one.problem)}]]" if one.problem else ""),
                    f"{one.asked}",
                    f"{one.errors}",
                    "–" if one.p95_ms is None else f"{one.p95_ms:,.1f} ms",
                    "–" if one.seconds is None else f"{one.seconds:.1f} s",
                )
                for one in last.workers
            ],
        )


def _outcome(seconds: float | None, problem: str | None) -> str:
    if problem is None:
        return GateState.PASS
    return Health.UNKNOWN if seconds is None else GateState.FAIL


def _rehearse(deployment: Deployment, target: str) -> None:
    if not session.can(Permission.ROLL_BACK):
        forms.barred("Rehearsing the rollback", Permission.ROLL_BACK)
        return
    name, last = deployment.model_name, deployment.readiness.rehearsal
    key = f"rehearse.{name}.{target}.{last.asked_at.isoformat() if last else ''}"

    def verb(request_id: UUID, reason: str) -> Outcome:
        return session.backend().rehearse(name, Explain(request_id=request_id, reason=reason))

    with st.expander("Rehearse the rollback"), st.form(key, border=False):
        st.caption(
            f"Every worker answers the validation queries and some recent requests by {target}."
            " Users stay where they are, and nothing of it is logged or counted as traffic."
        )
        forms.reason(key, "before the release on Friday")
        forms.button(key, "Rehearse", verb, icon="theater_comedy")
