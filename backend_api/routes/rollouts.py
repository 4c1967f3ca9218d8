"""Rollouts on their way: how they do, what may be done to them, and the price of a share."""

from typing import Annotated

from fastapi import APIRouter, Query

from backend_api import db, dry_run, rollout_view
from backend_api.operations import descent, steering
from backend_api.routes.edge import ERRORS, Analyst, Approver, Ctx, OnCall, Reader, Reading, write
from backend_api.schemas import (
    DryRun,
    DryRunResult,
    Outcome,
    Price,
    Rollout,
    SetPlan,
    SteerRollout,
    WalkDown,
)

router = APIRouter(tags=["canary"], responses=ERRORS)  # type: ignore[arg-type]


@router.get("/models/{name}/rollout")
def read_rollout(name: str, ctx: Ctx, session: Reading, caller: Reader) -> Rollout:
    """The rollout under way, else the last one, with its verdicts, counts and timeline."""
    ctx.catalog.get(name)
    return rollout_view.newest(session, name, db.now())


@router.get("/models/{name}/rollout/price")
def price(
    name: str, ctx: Ctx, session: Reading, caller: Reader,
    share: Annotated[int, Query(ge=1, le=99)],
) -> Price:  # fmt: skip
    """What a share would cost and could show."""
    return rollout_view.priced(session, name, ctx.catalog.get(name), share, db.now())


@router.post("/models/{name}/rollout/dry-run")
def try_plan(
    name: str, body: DryRun, ctx: Ctx, session: Reading, caller: Analyst
) -> DryRunResult:  # fmt: skip
    """Walk a plan through the log of the last days. Nothing is changed or kept."""
    return dry_run.run(session, ctx.catalog.get(name), name, body, db.now())


@router.post("/models/{name}/rollout/pause")
def pause(name: str, body: SteerRollout, ctx: Ctx, caller: OnCall) -> Outcome:
    """Let the canary stay at its share; a verdict against it still sends it back."""
    entry = ctx.catalog.get(name)
    return write(
        ctx, caller, f"pause {name}", body, lambda s, o: steering.pause(s, o, entry, name, body)
    )


@router.post("/models/{name}/rollout/resume")
def resume(name: str, body: SteerRollout, ctx: Ctx, caller: Approver) -> Outcome:
    """Let a paused canary go on by its plan, which raises its share."""
    entry = ctx.catalog.get(name)
    return write(
        ctx, caller, f"resume {name}", body, lambda s, o: steering.resume(s, o, entry, name, body)
    )


@router.post("/models/{name}/rollout/step")
def step(name: str, body: SteerRollout, ctx: Ctx, caller: Approver) -> Outcome:
    """Give the canary its plan's next share now; every gate must be passed."""
    entry, timeout = ctx.catalog.get(name), ctx.settings.replica_timeout_seconds
    return write(
        ctx, caller, f"step {name}", body,
        lambda s, o: steering.step(s, o, entry, name, body, timeout),
    )  # fmt: skip


@router.post("/models/{name}/rollout/promote")
def promote(name: str, body: SteerRollout, ctx: Ctx, caller: Approver) -> Outcome:
    """Make the canary production now; every gate must be passed."""
    entry, timeout = ctx.catalog.get(name), ctx.settings.replica_timeout_seconds
    return write(
        ctx, caller, f"promote {name}", body,
        lambda s, o: steering.promote(s, o, entry, name, body, timeout),
    )  # fmt: skip


@router.post("/models/{name}/rollout/abort")
def abort(name: str, body: SteerRollout, ctx: Ctx, caller: OnCall) -> Outcome:
    """Take the whole share away for good; a walk down is finished by it at once."""
    entry, timeout = ctx.catalog.get(name), ctx.settings.replica_timeout_seconds
    return write(
        ctx, caller, f"abort {name}", body,
        lambda s, o: steering.abort(s, o, entry, name, body, timeout),
    )  # fmt: skip


@router.post("/models/{name}/rollout/plan")
def replan(name: str, body: SetPlan, ctx: Ctx, caller: Approver) -> Outcome:
    """Give the rollout under way another plan; what it has compared so far counts on."""
    entry = ctx.catalog.get(name)
    return write(
        ctx, caller, f"plan {name}", body, lambda s, o: steering.replan(s, o, entry, name, body)
    )


@router.post("/models/{name}/walk-down")
def walk_down(name: str, body: WalkDown, ctx: Ctx, caller: OnCall) -> Outcome:
    """Leave production step by step; the way back is production at once, and a hold is set."""
    entry = ctx.catalog.get(name)
    return write(
        ctx, caller, f"walk down {name}", body,
        lambda s, o: descent.walk_down(s, o, entry, name, body),
    )  # fmt: skip
