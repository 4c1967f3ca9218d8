"""Do the workers serve what was decided, has a version proved good, and is anything wrong?"""

from datetime import datetime, timedelta

from backend_api.schemas import Desired, Hold, Mirror, Observed, Traffic
from backend_api.states import GateState, Health

# Runbook, SLO/SLA Targets: alert thresholds.
ERROR_RATE_ALERT = 0.01
P95_ALERT_MS = 500.0
MIN_REQUESTS = 20


def agrees(desired: Desired, observed: Observed) -> bool:
    """Whether one worker serves exactly the desired state at its epoch.

    Where rules answer, no version has to be in memory: they are chosen just when none can be.
    """
    if desired.fallback:
        return observed.fallback and observed.epoch == desired.epoch
    return (
        observed.error is None
        and not observed.fallback
        and observed.epoch == desired.epoch
        and observed.production == desired.production
        and observed.canary == desired.canary
        and observed.canary_share == desired.canary_share
    )


def is_live(heartbeat: datetime, stopped: datetime | None, now: datetime, timeout: float) -> bool:
    """A worker is live while it beats within ``timeout`` seconds and has not said goodbye."""
    return stopped is None and now - heartbeat <= timedelta(seconds=timeout)


def breach(traffic: Traffic) -> str | None:
    """Which alert threshold the answers are over, in words; few answers are over none."""
    if traffic.requests < MIN_REQUESTS:
        return None
    rate = traffic.errors / traffic.requests
    if rate > ERROR_RATE_ALERT:
        return f"{rate:.1%} of {traffic.requests} requests failed."
    if (traffic.p95_ms or 0) > P95_ALERT_MS:
        return f"p95 is {traffic.p95_ms or 0:.0f} ms, over {P95_ALERT_MS:.0f} ms."
    return None


def proved(traffic: Traffic, served: float, quiet: float) -> tuple[GateState, str]:
    """Did a version prove good, having served in production on every worker for ``served`` seconds?

    Enough answers within the alert thresholds prove it. With few answers, none of them an error,
    ``quiet`` seconds do, or a model without traffic would never have a way back.
    """
    over = breach(traffic)
    if over is not None:
        return GateState.FAIL, over
    if traffic.requests >= MIN_REQUESTS:
        return GateState.PASS, f"{traffic.requests} requests were answered within the limits."
    if served >= quiet and traffic.errors == 0:
        return (
            GateState.PASS,
            f"It served for {served:.0f} s without an error, with little traffic.",
        )
    return GateState.UNKNOWN, f"{traffic.requests} requests are too few to tell."


def condition(
    desired: Desired | None,
    observed: list[Observed],
    hold: Hold | None,
    mirror: Mirror,
    traffic: Traffic,
) -> tuple[Health, str]:
    """Worst state of a model and the sentence that explains it; the first match is the worst."""
    live = [o for o in observed if o.live]
    behind = [o for o in live if not o.agrees]
    over = breach(traffic)
    if desired is not None and desired.fallback:
        word = "all workers" if not behind else f"{len(live) - len(behind)} of {len(live)} workers"
        return Health.DEGRADED, f"Rules answer on {word}, since somebody decided so."
    if desired is None or desired.production is None:
        return Health.UNKNOWN, "Nothing is in production yet."
    ruled = [o for o in live if o.fallback]
    findings: list[tuple[bool, Health, str]] = [
        (not live, Health.DOWN, "No inference worker is live."),
        (over is not None, Health.DOWN, over or ""),
        (desired.degraded is not None, Health.DEGRADED, f"Degraded: {desired.degraded}."),
        (
            bool(ruled),
            Health.DEGRADED,
            f"Rules answer on {len(ruled)} of {len(live)} workers: no version is loaded there.",
        ),
        (
            bool(behind),
            Health.DEGRADED,
            f"{len(behind)} of {len(live)} workers"
            f" {'does' if len(behind) == 1 else 'do'} not serve the desired state"
            + (f": {behind[0].error}" if behind and behind[0].error else " yet."),
        ),
        (
            mirror.difference is not None,
            Health.DEGRADED,
            f"MLflow disagrees: {mirror.difference}",
        ),
        (hold is not None, Health.DEGRADED, "On hold after a rollback; a lead can lift it."),
    ]
    for applies, health, sentence in findings:
        if applies:
            return health, sentence
    return Health.OK, f"{desired.production} serves on {len(live)} of {len(live)} workers."
