"""Is anything wrong now? And the ledger's pages."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend_api import db, deployment, incidents, ledger
from backend_api.context import Context
from backend_api.health import Prober, services
from backend_api.routes.edge import ERRORS, Ctx, Reader, Reading
from backend_api.rules.deployment import condition
from backend_api.rules.overview import whole
from backend_api.schemas import LedgerPage, LedgerProof, Measured, ModelSummary, Overview
from backend_api.states import Health, PromotionStatus, worst
from backend_api.tables import PromotionRow

router = APIRouter(tags=["overview"], responses=ERRORS)  # type: ignore[arg-type]
SHOWN = 10
ORDER = ["down", "degraded", "unknown", "ok"]


def _summary(session: Session, ctx: Context, name: str, measured: list[Measured]) -> ModelSummary:
    now = db.now()
    whole = deployment.deployment(
        session, ctx.catalog, name, now, ctx.settings.replica_timeout_seconds
    )
    answered = deployment.traffic(session, name, now)
    state, sentence = condition(whole.desired, whole.observed, whole.hold, whole.mirror, answered)
    pending = session.scalar(
        select(func.count())
        .select_from(PromotionRow)
        .where(PromotionRow.model_name == name, PromotionRow.status == PromotionStatus.PENDING)
    )
    found = incidents.listed(session, name, only_open=True, before=None, limit=SHOWN)
    if any(one.holds for one in found):
        state = worst([state, Health.DEGRADED])
        sentence = f"{sentence} {found[0].title}."
    return ModelSummary(
        model_name=name,
        title=whole.title,
        state=state,
        sentence=sentence,
        deployment=whole,
        traffic=answered,
        measured=measured,
        pending_promotions=pending or 0,
        incidents=found,
    )


@router.get("/overview")
def overview(request: Request, ctx: Ctx, session: Reading, caller: Reader) -> Overview:
    """Every model and every part, worst first."""
    prober: Prober = request.app.state.prober
    models = [
        _summary(session, ctx, name, prober.measured.get(name, [])) for name in ctx.catalog.models
    ]
    parts = services(session, ctx, prober, db.now())
    return Overview(
        state=whole([m.state for m in models], parts),
        models=sorted(models, key=lambda m: ORDER.index(m.state)),
        services=sorted(parts, key=lambda p: ORDER.index(p.state)),
        at=db.now(),
    )


@router.get("/ledger")
def read_ledger(
    session: Reading,
    caller: Reader,
    model: str | None = None,
    actor: str | None = None,
    action: str | None = None,
    before: int | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> LedgerPage:
    """Who did what, when and why; newest first, by keyset."""
    return ledger.page(session, model=model, actor=actor, action=action, before=before, limit=limit)


@router.get("/ledger/verify")
def verify_ledger(session: Reading, caller: Reader) -> LedgerProof:
    """Walk the whole chain; names the first altered row."""
    return ledger.verify(session)
