"""Desired and observed state; rollback, share, rules, shadow and hold."""

from fastapi import APIRouter

from backend_api import db, deployment
from backend_api.identity.verify import require
from backend_api.operations import fallback, rollback, shadow, traffic
from backend_api.routes.edge import ERRORS, Approver, Ctx, OnCall, Reader, Reading, write
from backend_api.schemas import (
    Deployment,
    Explain,
    Outcome,
    RollBack,
    SetFallback,
    SetShadow,
    ShiftTraffic,
)
from backend_api.states import Permission

router = APIRouter(tags=["deployments"], responses=ERRORS)  # type: ignore[arg-type]


@router.get("/deployments")
def list_deployments(ctx: Ctx, session: Reading, caller: Reader) -> list[Deployment]:
    """Every model's desired and observed state."""
    timeout = ctx.settings.replica_timeout_seconds
    return [
        deployment.deployment(session, ctx.catalog, name, db.now(), timeout)
        for name in ctx.catalog.models
    ]


@router.get("/deployments/{name}")
def read_deployment(name: str, ctx: Ctx, session: Reading, caller: Reader) -> Deployment:
    """One model's desired and observed state, worker by worker."""
    timeout = ctx.settings.replica_timeout_seconds
    return deployment.deployment(session, ctx.catalog, name, db.now(), timeout)


@router.post("/models/{name}/rollback")
def roll_back(name: str, body: RollBack, ctx: Ctx, caller: OnCall) -> Outcome:
    """Send all traffic back to the last verified version; needs no approval and no MLflow."""
    entry = ctx.catalog.get(name)
    return write(
        ctx,
        caller,
        f"roll back {name}",
        body,
        lambda s, o: rollback.roll_back(
            s,
            o,
            name,
            entry.endpoint,
            expected_production=body.expected_production,
            to=body.to,
        ),
    )


@router.post("/models/{name}/traffic")
def shift_traffic(name: str, body: ShiftTraffic, ctx: Ctx, caller: OnCall) -> Outcome:
    """Set the canary's share. On-call may lower it; raising it is a lead's."""
    entry = ctx.catalog.get(name)
    if body.share > body.expected_share or body.share == 100:
        require(caller, Permission.APPROVE)
    return write(
        ctx,
        caller,
        f"traffic {name}",
        body,
        lambda s, o: traffic.shift(s, o, entry, name, body, ctx.settings.replica_timeout_seconds),
    )


@router.post("/models/{name}/fallback")
def choose_fallback(name: str, body: SetFallback, ctx: Ctx, caller: OnCall) -> Outcome:
    """Have rules answer, or versions again; needs no approval and no MLflow."""
    entry = ctx.catalog.get(name)
    return write(
        ctx, caller, f"fallback {name}", body,
        lambda s, o: fallback.choose(s, o, entry, name, body.on),
    )  # fmt: skip


@router.post("/models/{name}/shadow")
def set_shadow(name: str, body: SetShadow, ctx: Ctx, caller: OnCall) -> Outcome:
    """Mirror requests to a version. On-call may lower the share or end it; the rest is a lead's."""
    ctx.catalog.get(name)
    if body.share > body.expected_share or (body.share and body.version != body.expected_version):
        require(caller, Permission.APPROVE)
    return write(ctx, caller, f"shadow {name}", body, lambda s, o: shadow.put(s, o, name, body))


@router.post("/models/{name}/hold/lift")
def lift_hold(name: str, body: Explain, ctx: Ctx, caller: Approver) -> Outcome:
    """Let promotions through again after a rollback."""
    ctx.catalog.get(name)
    return write(
        ctx, caller, f"lift hold {name}", body, lambda s, o: rollback.lift_hold(s, o, name)
    )
