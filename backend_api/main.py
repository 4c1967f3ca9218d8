"""create_app(settings): the only place that builds the control plane."""

import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
import uvicorn
from fastapi import FastAPI

from backend_api import answers, catalog, db
from backend_api.context import Context
from backend_api.health import Prober
from backend_api.identity.dependencies import attach
from backend_api.inference_client import InferenceClient
from backend_api.routes import deployments, models, overview, promotions
from backend_api.settings import BackendSettings


def logs() -> None:
    """One JSON object per line on standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def build(settings: BackendSettings) -> Context:
    """What a process of the control plane works with."""
    return Context(
        settings=settings,
        engine=db.create(settings.database_url),
        catalog=catalog.load(settings.models_file),
        inference=InferenceClient(settings.inference_url, settings.inference_admin_token),
    )


def create_app(settings: BackendSettings) -> FastAPI:
    """The application; touches the network only once it is started."""
    ctx = build(settings)
    prober = Prober(ctx)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        prober.start()
        yield
        prober.stop()
        ctx.engine.dispose()

    app = FastAPI(
        title="Nivesh Console backend",
        version="0.1.0",
        description="Registry transitions, deployments and the ledger.",
        lifespan=lifespan,
    )
    app.state.context, app.state.engine, app.state.prober = ctx, ctx.engine, prober
    answers.install(app)
    for part in (overview, models, promotions, deployments):
        app.include_router(part.router)
    attach(app, settings)

    @app.get("/health", tags=["overview"])
    def health() -> dict[str, str]:
        """Whether this process is up; the overview says how the rest is."""
        return {"status": "healthy"}

    return app


def app() -> FastAPI:
    """Factory for ``uvicorn --factory backend_api.main:app``."""
    logs()
    settings = BackendSettings()  # type: ignore[call-arg]
    return create_app(settings)


def main() -> None:
    """Entry of ``python -m backend_api.main``: migrate, then serve."""
    settings = BackendSettings()  # type: ignore[call-arg]
    engine = db.create(settings.database_url)
    db.migrate(engine)
    engine.dispose()
    uvicorn.run(
        "backend_api.main:app",
        factory=True,
        host=settings.backend_host,
        port=settings.backend_port,
        access_log=False,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
