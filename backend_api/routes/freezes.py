"""Times at which nothing is promoted."""

from uuid import UUID

from fastapi import APIRouter

from backend_api import db, freezes
from backend_api.operations import freeze
from backend_api.routes.edge import ERRORS, Approver, Ctx, Reader, Reading, write
from backend_api.schemas import Explain, FreezeWindow, NewFreeze, Outcome

router = APIRouter(tags=["freezes"], responses=ERRORS)  # type: ignore[arg-type]


@router.get("/freezes")
def list_freezes(session: Reading, caller: Reader) -> list[FreezeWindow]:
    """Every window that holds, and whether it is shut now."""
    return freezes.shown(session, db.now())


@router.post("/freezes", status_code=201)
def make_freeze(body: NewFreeze, ctx: Ctx, caller: Approver) -> Outcome:
    """Shut promotions at these times; a rollback is never shut."""
    if body.model_name is not None:
        ctx.catalog.get(body.model_name)
    return write(
        ctx, caller, f"make freeze {body.name}", body, lambda s, o: freeze.make(s, o, body)
    )


@router.post("/freezes/{window_id}/lift")
def lift_freeze(window_id: UUID, body: Explain, ctx: Ctx, caller: Approver) -> Outcome:
    """Let a window hold no longer."""
    return write(
        ctx, caller, f"lift freeze {window_id}", body, lambda s, o: freeze.lift(s, o, window_id)
    )
