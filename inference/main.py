"""create_app(settings): the only place that builds the data plane's application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from inference import errors, openapi
from inference.dialect import Plain
from inference.predict import Predict
from inference.routes import router
from inference.service import Service
from inference.v2.infer import V2
from inference.v2.routes import router as v2_router


class Application:
    """Predictions go straight to their own path; all else to FastAPI."""

    def __init__(self, predict: Predict, rest: FastAPI) -> None:
        self._predict, self._rest = predict, rest
        self._plain, self._v2 = Plain(), V2()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI call."""
        path = scope["path"] if scope["type"] == "http" else ""
        if path.startswith(Plain.PREFIX):
            await self._predict(self._plain, scope, receive, send)
        elif path.startswith(V2.PREFIX) and path.endswith(V2.SUFFIX):
            await self._predict(self._v2, scope, receive, send)
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
        # Not by include_router: it makes every route again, at the first request.
        routes=[*router.routes, *v2_router.routes],
    )
    app.state.service = service
    errors.install(app)

    def document() -> dict[str, Any]:
        return openapi.document(app, service.entries, service.rotation.snapshot)

    app.openapi = document  # type: ignore[method-assign]
    return app


def create_app(service: Service) -> Application:
    """The application of one worker; touches the network only once it is started."""
    predict = Predict(
        service.settings, service.entries, service.rotation, service.kept, service.gate,
        service.store, service.admission, service.shadows,
    )  # fmt: skip
    return Application(predict, _rest(service))
