"""What a dry run found, in sentences; no I/O."""

from datetime import timedelta

from backend_api.rules.rollout_plan import Plan
from backend_api.schemas import DryRunCatch, DryRunResult
from backend_api.states import DryRunOutcome


def span(minutes: float) -> str:
    """A length of time as people say it."""
    if minutes < 120:
        return f"{minutes:.0f} min"
    size, unit = (60, "h") if minutes < 2 * 1440 else (1440, "d")
    return f"{round(minutes / size, 1):g} {unit}"


def told(found: DryRunResult, plan: Plan) -> str:
    """The whole result."""
    name = found.model_name
    if found.outcome == DryRunOutcome.NO_TRAFFIC:
        if not found.requests:
            return f"Nobody called {name} in the last {found.days} days: nothing can be replayed."
        return (
            f"None of {found.requests:,} requests to {name} named a user, so stable would have"
            " answered all of them: a canary would get nothing to do."
        )
    if not found.steps:
        return "The plan has no share below 100 %: it compares nothing, and is over at once."
    begin = f"On the traffic of the last {span((found.until - found.since) / timedelta(minutes=1))}"
    return f"{begin} {_end(found, plan)}{_stalled(found)}{_keyless(found)}"


def _end(found: DryRunResult, plan: Plan) -> str:
    took, last = span(found.minutes or 0), found.steps[-1]
    if found.outcome == DryRunOutcome.COMPLETED:
        each = ", ".join(
            f"{s.share} % {span((s.until - s.since) / timedelta(minutes=1))}"
            for s in found.steps
            if s.until is not None
        )
        return f"the plan would have taken {took} ({each})."
    if found.outcome == DryRunOutcome.GAVE_UP:
        return (
            f"the plan would have ended after {took}, at {last.share} %:"
            f" {span(plan.patience / timedelta(minutes=1))} without answers of both arms, and the"
            " share goes back."
        )
    if last.until is not None:
        return f"the log ends with the step at {last.share} %, after {took}."
    left = span(plan.each / timedelta(minutes=1) - last.minutes)
    lacking = (
        f"one arm has fewer than {plan.least:,} users' minutes"
        if last.least_at is None
        else f"{left} with answers of both are lacking"
    )
    return f"the plan would not have come to its end: at {last.share} %, {lacking}."


def _stalled(found: DryRunResult) -> str:
    minutes = sum(step.stalled_minutes for step in found.steps)
    if not minutes:
        return ""
    stalls = "one stall" if len(found.stalls) == 1 else f"{len(found.stalls)} stalls"
    return f" For {span(minutes)} of that nothing could be compared ({stalls})."


def _keyless(found: DryRunResult) -> str:
    if not found.keyless:
        return ""
    return (
        f" {found.keyless:,} of {found.requests:,} requests named no user: stable answers these,"
        " and they are not compared."
    )


def caught(found: DryRunCatch) -> str:
    """What would have become of the assumed bad canary."""
    rise = f"A canary whose errors are {found.errors_to:.2%} where stable's are"
    rise += f" {found.errors_from:.2%}"
    people = (
        f"{found.people:,} people would have got it and {found.people_hit:,.0f} met a failure that"
        " stable does not give"
    )
    if found.caught_at is None:
        return f"{rise} would not be expected to be seen in this plan: {people}."
    return (
        f"{rise} would be expected to go back after {span(found.minutes)}, at {found.share} %;"
        f" {people}."
    )
