"""The Open Inference Protocol's own questions, and its extension for a model repository.

What is loaded follows from what was decided; so ``load`` verifies and loads anew what a model's
routes need, and ``unload`` lets go of what no route needs.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from inference.errors import Conflict, NotFound, Unavailable
from inference.routes import ADMIN, Parts, reload
from inference.service import Service
from inference.v2 import metadata

router = APIRouter(prefix="/v2", tags=["v2"])


class IndexRequest(BaseModel):
    """``ready`` leaves out what cannot answer."""

    ready: bool = False


@router.get("")
async def server(parts: Parts) -> dict[str, Any]:
    """Name and extensions."""
    return {"name": "nivesh", "version": "0.1.0", "extensions": metadata.EXTENSIONS}


@router.get("/health/live")
async def live() -> dict[str, bool]:
    """Does the process answer?"""
    return {"live": True}


@router.get("/health/ready")
async def ready(parts: Parts) -> dict[str, bool]:
    """Has this worker loaded what it should serve?"""
    if not parts.rotation.settled.is_set():
        raise Unavailable("Versions are still being loaded.", "Ask again in a moment.")
    return {"ready": True}


def _known(parts: Service, model: str) -> None:
    if model not in parts.entries and model not in parts.rotation.snapshot.routes:
        known = ", ".join(sorted(parts.entries))
        raise NotFound(f"There is no model {model[:60]!r}.", f"Models: {known}.")


@router.get("/models/{model}")
@router.get("/models/{model}/versions/{version}")
async def describe(parts: Parts, model: str, version: str | None = None) -> dict[str, Any]:
    """What a model takes and gives, by its production version or the named one."""
    _known(parts, model)
    snapshot = parts.rotation.snapshot
    arm = metadata.chosen(snapshot, parts.rotation.standbys.get(model), model, version)
    if arm is None:
        raise NotFound(
            f"{model} {version[:40]} is not loaded here."
            if version
            else f"No version of {model} is loaded.",
            "POST /v2/repository/index lists what is.",
        )
    return metadata.describe(model, sorted(snapshot.direct.get(model, {})), arm.model)


@router.get("/models/{model}/ready")
@router.get("/models/{model}/versions/{version}/ready")
async def model_ready(parts: Parts, model: str, version: str | None = None) -> dict[str, Any]:
    """Can it answer now?"""
    _known(parts, model)
    rotation = parts.rotation
    arm = metadata.chosen(rotation.snapshot, rotation.standbys.get(model), model, version)
    if arm is None or arm.model.trouble is not None:
        reason = "no version is loaded" if arm is None else arm.model.trouble
        raise Unavailable(f"{model} cannot answer now: {reason}.", "GET /models says more.")
    return {"name": model, "ready": True}


@router.post("/repository/index")
async def index(parts: Parts, body: IndexRequest | None = None) -> list[dict[str, str]]:
    """All versions that are or should be in memory, with their states."""
    found = [row for _, seen in parts.rotation.report for row in metadata.index(seen)]
    only_ready = body is not None and body.ready
    return [row for row in found if row["state"] == "READY" or not only_ready]


@router.post("/repository/models/{model}/load", dependencies=ADMIN)
async def load(parts: Parts, model: str) -> dict[str, Any]:
    """Verify and load anew, in every worker, what a model's routes need."""
    await reload(parts, model)
    return {}


@router.post("/repository/models/{model}/unload", dependencies=ADMIN)
async def unload(parts: Parts, model: str) -> dict[str, Any]:
    """Forget a model's versions that no route needs, in every worker."""
    _known(parts, model)
    done = await asyncio.wrap_future(parts.follower.clear(model))
    if done.kept:
        raise Conflict(
            f"{model} stays loaded: its routes need {_names([k.version for k in done.kept])}."
            + (f" Let go: {_names([k.version for k in done.evicted])}." if done.evicted else ""),
            "What serves is decided on the Deployments page.",
        )
    return {}


def _names(versions: Sequence[str]) -> str:
    return ", ".join(versions)
