"""Is there a way back, does every place say what was decided, and what to do if not."""

from fastapi import APIRouter

from backend_api import db, truth
from backend_api.operations import rehearsal, repair, rollback
from backend_api.routes.edge import ERRORS, Ctx, OnCall, Reader, Reading, write
from backend_api.schemas import Explain, Outcome, Truth

router = APIRouter(tags=["deployments"], responses=ERRORS)  # type: ignore[arg-type]


@router.post("/models/{name}/rehearse", status_code=202)
def rehearse(name: str, body: Explain, ctx: Ctx, caller: OnCall) -> Outcome:
    """Put on the queue: every worker answers by the rollback's target, and no user gets that."""
    ctx.catalog.get(name)
    return write(ctx, caller, f"rehearse {name}", body, lambda s, o: rehearsal.rehearse(s, o, name))


@router.get("/models/{name}/truth")
def read_truth(name: str, ctx: Ctx, session: Reading, caller: Reader) -> Truth:
    """The decision beside MLflow, each worker and the realised share; each difference named."""
    ctx.catalog.get(name)
    return truth.truth(session, name, db.now(), ctx.settings.replica_timeout_seconds)


@router.post("/models/{name}/mirror/repair", status_code=202)
def repair_mirror(name: str, body: Explain, ctx: Ctx, caller: OnCall) -> Outcome:
    """Write our decision to MLflow again, over whatever somebody changed there."""
    ctx.catalog.get(name)
    return write(ctx, caller, f"repair {name}", body, lambda s, o: repair.mirror(s, o, name))


@router.post("/models/{name}/workers/reload", status_code=202)
def reload_workers(name: str, body: Explain, ctx: Ctx, caller: OnCall) -> Outcome:
    """Ask every worker to read the decision again and to load its versions anew."""
    ctx.catalog.get(name)
    return write(ctx, caller, f"reload {name}", body, lambda s, o: repair.reload(s, o, name))


@router.post("/models/{name}/hold")
def raise_hold(name: str, body: Explain, ctx: Ctx, caller: OnCall) -> Outcome:
    """Let nothing promote a model until a lead lifts the hold; what serves goes on."""
    ctx.catalog.get(name)
    return write(ctx, caller, f"hold {name}", body, lambda s, o: rollback.raise_hold(s, o, name))
