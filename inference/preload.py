"""What every worker needs, imported once before the supervisor forks them.

Two kinds are left to the workers: ONNX Runtime, which begins a thread at its import, and whatever
makes counters, which belong to a slot.
"""

import gc
import importlib

MODULES = (
    "fastapi", "httptools", "httpx2", "numpy", "orjson", "prometheus_client.multiprocess",
    "psycopg", "redis.asyncio", "uuid_utils", "uvicorn.lifespan.on", "uvloop",
    "backend_api.schemas", "inference.artefacts", "inference.catalogue", "inference.errors",
    "inference.exchange", "inference.fallback", "inference.request_schema",
    "inference.runtimes.python", "inference.spool", "inference.turns", "shared.trust",
)  # fmt: skip


def preload() -> None:
    """Import them, and keep the collector from writing into pages that workers share."""
    for name in MODULES:
        importlib.import_module(name)
    settle()


def settle() -> None:
    """Take what is there by now out of the garbage collector's rounds: it lives as long as we do.

    In a worker a full round over all imported code keeps every answer waiting for some 70 ms, and a
    load that makes many objects sets one off.
    """
    gc.collect()
    gc.freeze()
