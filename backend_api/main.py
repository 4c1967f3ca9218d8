"""create_app(settings): the only place that builds the control plane."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI

from backend_api import answers, catalog, db, logs, settings
from backend_api.context import Context
from backend_api.errors import ConsoleError
from backend_api.health import Prober
from backend_api.identity.dependencies import attach
from backend_api.inference_client import InferenceClient
from backend_api.mlflow_registry import MlflowRegistry
from backend_api.routes import (
    access,
    accuracy,
    deployments,
    drift,
    freezes,
    history,
    incidents,
    models,
    overview,
    promotions,
    readiness,
    retraining,
    rollouts,
)
from backend_api.settings import BackendSettings


def build(settings: BackendSettings) -> Context:
    """What a process of the control plane works with."""
    return Context(
        settings=settings,
        engine=db.create(settings.database_url),
        catalog=catalog.load(settings.models_file),
        inference=InferenceClient(settings.inference_url, settings.inference_admin_token),
        mlflow=MlflowRegistry(settings.mlflow_tracking_uri),
    )


@contextmanager
def refusals_said() -> Iterator[None]:
    """End the process in a sentence where it cannot start."""
    try:
        yield
    except ConsoleError as error:
        raise SystemExit(f"{error.message} {error.hint}".strip()) from None


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

    parts = (
        overview, history, models, promotions, deployments, readiness, rollouts, freezes, drift,
        accuracy, incidents, retraining, access,
    )  # fmt: skip
    app = FastAPI(
        title="Nivesh Console backend",
        version="0.1.0",
        description="Registry transitions, deployments and the ledger.",
        lifespan=lifespan,
        # Not by include_router: it makes every route again at the first request, a quarter second.
        routes=[route for part in parts for route in part.router.routes],
    )
    app.state.context, app.state.engine, app.state.prober = ctx, ctx.engine, prober
    answers.install(app)
    attach(app, settings)

    @app.get("/health", tags=["overview"])
    def health() -> dict[str, str]:
        """Whether this process is up; the overview says how the rest is."""
        return {"status": "healthy"}

    return app


def main() -> None:
    """Entry of ``python -m backend_api.main``: migrate, then serve."""
    logs.configure()
    given = settings.read()
    with refusals_said():
        app = create_app(given)
        db.migrate(app.state.engine)
    uvicorn.run(
        app,
        host=given.backend_host,
        port=given.backend_port,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
