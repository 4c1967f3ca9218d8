"""A rollout under way from a terminal: pause, resume, step, abort, another plan; the walk down."""

from typing import Annotated
from uuid import uuid4

import typer

from backend_api.operations import descent
from backend_api.schemas import Plan, Rollout, SetPlan, SteerRollout, WalkDown
from console.client import Backend, Steering
from ops import caller
from ops.commands import decision
from ops.commands.canary import canary
from ops.commands.promotion import Reason, arrive
from ops.commands.version import Model
from ops.errors import OpsError
from ops.terminal import say


def _seen(backend: Backend, model: str) -> Rollout:
    """What the caller decides on, said before it is acted upon."""
    found = backend.rollout(model)
    say(f"{found.canary} beside {found.stable}, {found.state} at {found.share} %")
    if found.latest is not None:
        say(f"  {found.latest.sentence}")
    if found.due_at is not None:
        say(f"  next step at {found.due_at:%H:%M} UTC at the earliest")
    return found


def _steer(model: str, verb: Steering, reason: str) -> None:
    with caller.backend() as backend:
        found = _seen(backend, model)
        body = SteerRollout(
            request_id=uuid4(), reason=reason, expected_share=found.share,
            expected_revision=found.revision,
        )  # fmt: skip
        outcome = backend.steer_rollout(model, verb, body)
        if outcome.epoch is None:
            say(outcome.sentence)
        else:
            arrive(backend, outcome)


def pause(model: Model, reason: Reason) -> None:
    """Keep a canary at its share; a verdict against it still sends it back."""
    _steer(model, "pause", reason)


def resume(model: Model, reason: Reason) -> None:
    """Let a paused canary go on by its plan."""
    _steer(model, "resume", reason)


@canary.command()
def step(model: Model, reason: Reason) -> None:
    """Give a canary its plan's next share now, and watch it reach every worker."""
    _steer(model, "step", reason)


@canary.command()
def promote(model: Model, reason: Reason) -> None:
    """Make a canary production now, and watch it reach every worker."""
    _steer(model, "promote", reason)


@canary.command()
def abort(model: Model, reason: Reason) -> None:
    """Take a canary's whole share away for good; a walk down is finished by it."""
    _steer(model, "abort", reason)


@canary.command()
def plan(
    model: Model,
    reason: Reason,
    steps: Annotated[
        str | None, typer.Option("--steps", help="Shares in per cent, as in 10,50,100.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", min=1, help="How long each is compared.")
    ] = None,
    least: Annotated[
        int | None, typer.Option("--least", min=1, help="Units that each arm must have given.")
    ] = None,
) -> None:
    """Give a rollout under way another plan; what is left out stays as it is."""
    with caller.backend() as backend:
        found = _seen(backend, model)
        changes = {"steps": steps, "minutes": minutes, "min_requests": least}
        given = {name: value for name, value in changes.items() if value is not None}
        if not given:
            raise OpsError("Nothing would change.", "Give --steps, --minutes or --least.")
        body = SetPlan(
            request_id=uuid4(), reason=reason, expected_share=found.share,
            expected_revision=found.revision,
            plan=Plan.model_validate({**found.plan.model_dump(), **given}),
        )  # fmt: skip
        say(backend.set_plan(model, body).sentence)


def walk_down(
    model: Annotated[str, typer.Argument(help="For example intent_classifier.")],
    reason: Reason,
    to: Annotated[
        str | None,
        typer.Option("--to", help="An archived, verified version; by default the last one."),
    ] = None,
    minutes: Annotated[
        float, typer.Option("--minutes", min=1, max=1440, help="Between two steps.")
    ] = 5,
) -> None:
    """Leave production step by step: 50 %, 10 %, nothing. The way back is production at once.

    Needs no approval, and works with the backend, the console, MLflow and Redis down; the later
    steps need the worker. `nivesh rollback` finishes it at once. It sets a hold on the model.
    """
    body = WalkDown(
        request_id=uuid4(), reason=reason, expected_production=None, to=to, minutes=minutes
    )
    decision.carry_out(
        model, f"walk down {model}", body,
        lambda s, o, entry: descent.walk_down(s, o, entry, model, body),
    )  # fmt: skip
