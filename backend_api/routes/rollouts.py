"""Canaries on their way: how they do, pause and resume, and the price of a share."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from backend_api import db, dry_run, rollout_view
from backend_api.identity.dependencies import allowed
from backend_api.identity.verify import Caller
from backend_api.operations import rollout
from backend_api.routes.edge import ERRORS, Ctx, Reading, write
from backend_api.schemas import DryRun, DryRunResult, Outcome, PauseCanary, Price, Rollout
from backend_api.states import Permission

router = APIRouter(tags=["canary"], responses=ERRORS)  # type: ignore[arg-type]
Reader = Annotated[Caller, Depends(allowed(Permission.READ))]
Analyst = Annotated[Caller, Depends(allowed(Permission.READ_PREDICTIONS))]
OnCall = Annotated[Caller, Depends(allowed(Permission.ROLL_BACK))]
Approver = Annotated[Caller, Depends(allowed(Permission.APPROVE))]


@router.get("/models/{name}/rollout")
def read_rollout(name: str, ctx: Ctx, session: Reading, caller: Reader) -> Rollout:
    """The canary under way, else the last one, with its verdicts and counts."""
    return rollout_view.newest(session, name, ctx.catalog.get(name).rollout, db.now())


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
def pause(name: str, body: PauseCanary, ctx: Ctx, caller: OnCall) -> Outcome:
    """Let the canary stay at its share; a verdict against it still sends it back."""
    ctx.catalog.get(name)
    return write(
        ctx, caller, f"pause {name}", body,
        lambda s, o: rollout.pause(s, o, name, body.expected_share),
    )  # fmt: skip


@router.post("/models/{name}/rollout/resume")
def resume(name: str, body: PauseCanary, ctx: Ctx, caller: Approver) -> Outcome:
    """Let a paused canary go on by its plan, which raises its share."""
    ctx.catalog.get(name)
    return write(
        ctx, caller, f"resume {name}", body,
        lambda s, o: rollout.resume(s, o, name, body.expected_share),
    )  # fmt: skip
