"""Everything but predictions: health, what is loaded, metrics, and administration."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from inference import memory, metrics
from inference.errors import NotFound, Unavailable
from inference.service import Service

RELOAD_SECONDS = 60.0

router = APIRouter()
bearer = HTTPBearer(auto_error=False, description="INFERENCE_ADMIN_TOKEN")


def service(request: Request) -> Service:
    """The worker's parts."""
    built: Service = request.app.state.service
    return built


Parts = Annotated[Service, Depends(service)]


def administrator(request: Request, parts: Parts, _: Annotated[Any, Depends(bearer)]) -> None:
    """Let holders of the admin token pass."""
    header = request.headers.get("authorization")
    parts.gate.require(header.encode("latin-1") if header is not None else None)


ADMIN = [Depends(administrator)]


class HealthAnswer(BaseModel):
    """The runbook's answer. ``models_loaded`` counts models that have a version in production."""

    status: Literal["healthy", "degraded"]
    models_loaded: int
    feature_store_connected: bool
    mlflow_connected: bool


class Loaded(BaseModel):
    """One version in this worker's memory."""

    state: str
    digest: str | None
    error: str | None
    memory_bytes: int | None


class ModelAnswer(BaseModel):
    """What this worker serves of one model, beside what it should."""

    model_name: str
    endpoint: str
    epoch: int
    production: str | None
    canary: str | None
    canary_share: int
    fallback: bool
    target: str | None
    wanted_epoch: int
    wanted_production: str | None
    degraded: str | None
    loaded: dict[str, Loaded]
    error: str | None


class ModelsAnswer(BaseModel):
    """All models of this worker."""

    replica: str
    following: bool
    memory_bytes: int
    prediction_log: str
    models: list[ModelAnswer]


class Reloaded(BaseModel):
    """What answers after the reload."""

    status: Literal["reloaded"]
    model_name: str
    stage: str
    version: str
    epoch: int
    message: str


class Cleared(BaseModel):
    """What this worker no longer holds; others were asked too."""

    status: Literal["cleared"]
    evicted: list[str]
    kept: list[str]


class StoreStats(BaseModel):
    """The runbook's answer; figures are null while the store does not answer."""

    connected: bool
    user_features: int | None
    model_features: int | None
    total_keys: int | None
    used_memory: str | None
    uptime_seconds: int | None


@router.get("/health", tags=["health"])
async def health(parts: Parts) -> HealthAnswer:
    """Is this worker well? It predicts also when nothing beside it is."""
    acknowledged = [seen for _, seen in parts.rotation.report]
    loaded = all(a.error is None for a in acknowledged)
    well = loaded and parts.follower.connected and parts.kept.well
    return HealthAnswer(
        status="healthy" if well else "degraded",
        models_loaded=sum(a.production is not None for a in acknowledged),
        feature_store_connected=parts.prober.feature_store,
        mlflow_connected=parts.prober.mlflow,
    )


@router.get("/health/live", tags=["health"])
async def live() -> dict[str, str]:
    """Does the process answer?"""
    return {"status": "alive"}


@router.get("/health/ready", tags=["health"])
async def ready(parts: Parts) -> dict[str, str]:
    """Has this worker loaded what it should serve?"""
    if not parts.rotation.settled.is_set():
        raise Unavailable("Versions are still being loaded.", "Ask again in a moment.")
    return {"status": "ready"}


@router.get("/models", tags=["models"])
async def models(parts: Parts) -> ModelsAnswer:
    """What is loaded and what answers, by the worker that happens to take this request."""
    found = []
    for wanted, seen in parts.rotation.report:
        entry = parts.entries.get(seen.model)
        found.append(
            ModelAnswer(
                model_name=seen.model,
                endpoint=entry.endpoint if entry else f"/predict/{seen.model}",
                epoch=seen.epoch,
                production=seen.production,
                canary=seen.canary,
                canary_share=seen.share,
                fallback=seen.fallback,
                target=wanted.target.version if wanted.target else None,
                wanted_epoch=wanted.epoch,
                wanted_production=wanted.production.version if wanted.production else None,
                degraded=wanted.degraded,
                loaded={name: Loaded.model_validate(v) for name, v in seen.loaded.items()},
                error=seen.error,
            )
        )
    replica, following = parts.follower.replica, parts.follower.connected
    said = parts.kept.sentences
    return ModelsAnswer(
        replica=replica, following=following, memory_bytes=memory.resident(), prediction_log=said,
        models=found,
    )  # fmt: skip


@router.get("/metrics", tags=["health"])
def exposition() -> Response:
    """Counters of all workers of this host, for Prometheus."""
    return Response(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)


async def reload(parts: Service, model_name: str) -> None:
    """Verify and load a model's versions anew, here and in the other workers.

    Raises:
        NotFound: nothing is wanted of that model.  Unavailable: it takes too long.
    """
    served = {wanted.model_name for wanted, _ in parts.rotation.report}
    if model_name not in served:
        known = ", ".join(sorted(served)) or "none"
        raise NotFound(f"There is no model {model_name[:60]!r} here.", f"Served: {known}.")
    try:
        async with asyncio.timeout(RELOAD_SECONDS):
            # Others may wait for the same load, so the time-out does not cancel it.
            await asyncio.shield(asyncio.wrap_future(parts.follower.reload(model_name)))
    except TimeoutError as error:
        raise Unavailable(
            f"{model_name} was not loaded within {RELOAD_SECONDS:.0f} s; it still may be.",
            "GET /models shows how far it is; what answered before still answers.",
        ) from error


@router.post("/admin/reload-model", tags=["admin"], dependencies=ADMIN)
async def reload_model(
    parts: Parts,
    model_name: str,
    stage: Literal["Production", "Staging"] = "Production",
) -> Reloaded:
    """Verify and load a model's versions anew from disk, here and in the other workers.

    The routing is followed without this; it is for an artefact on disk that is in doubt.
    """
    await reload(parts, model_name)
    wanted, seen = next(pair for pair in parts.rotation.report if pair[1].model == model_name)
    staged = wanted.staged[-1] if wanted.staged else None
    version = seen.production
    if stage == "Staging":
        version = staged.version if staged is not None else None
    if version is None:
        raise NotFound(f"No version of {model_name} is in {stage}.", "See the Registry page.")
    if reason := seen.loaded[version]["error"]:
        raise Unavailable(
            f"{model_name} {version} was not loaded anew: {reason}.",
            "What answered before still answers.",
        )
    return Reloaded(
        status="reloaded", model_name=model_name, stage=stage, version=version, epoch=seen.epoch,
        message=f"{model_name} {version} was verified and loaded.",
    )  # fmt: skip


@router.delete("/admin/clear-cache", tags=["admin"], dependencies=ADMIN)
async def clear_cache(parts: Parts) -> Cleared:
    """Forget versions that no route needs, in memory and on disk."""
    done = await asyncio.wrap_future(parts.follower.clear())
    return Cleared(
        status="cleared",
        evicted=[f"{key.model} {key.version}" for key in done.evicted],
        kept=[f"{key.model} {key.version}" for key in done.kept],
    )


@router.get("/admin/feature-store/stats", tags=["admin"], dependencies=ADMIN)
def feature_store_stats(parts: Parts) -> StoreStats:
    """How full the feature store is."""
    return StoreStats.model_validate(parts.store.stats())


@router.get("/admin/feature-store/users/{user_id}", tags=["admin"], dependencies=ADMIN)
async def user_features(parts: Parts, user_id: str) -> dict[str, str]:
    """A user's features as predictions would see them, within the same 5 ms."""
    found = await parts.store.user(user_id)
    if found is None:
        raise Unavailable(
            "The feature store did not answer within 5 ms.", "Predictions go on without it."
        )
    return found
