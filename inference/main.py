"""create_app(settings): the only place that builds the data plane's application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from inference import errors, openapi
from inference.predict import PREFIX, Predict
from inference.routes import router
from inference.service import Service


class Application:
    """Predictions go straight to their own path; all else to FastAPI."""

    def __init__(self, predict: Predict, rest: FastAPI) -> None:
        self._predict, self._rest = predict, rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI call."""
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self._predict(scope, receive, send)
        else:
            await self._rest(scope, receive, send)


def _rest(service: Service) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await service.start()
        yield
        await service.stop()

    app = FastAPI(
        title="Nivesh inference",
        version="0.1.0",
        description="Predictions of the versions that were decided on.",
        lifespan=lifespan,
    )
    app.state.service = service
    errors.install(app)
    app.include_router(router)

    def document() -> dict[str, Any]:
        return openapi.document(app, service.entries, service.rotation.snapshot)

    app.openapi = document  # type: ignore[method-assign]
    return app


def create_app(service: Service) -> Application:
    """The application of one worker; touches the network only once it is started."""
    predict = Predict(
        service.settings, service.entries, service.rotation, service.kept, service.gate,
        service.store, service.admission,
    )  # fmt: skip
    return Application(predict, _rest(service))
