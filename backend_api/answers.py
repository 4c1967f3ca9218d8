"""How the application answers: one shape for every error, an id and a log line per request."""

import json
import time
from typing import Any
from uuid import uuid4

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend_api import db
from backend_api.errors import (
    BadRequest,
    ConsoleError,
    Forbidden,
    NotFound,
    PayloadTooLarge,
    Unauthenticated,
)
from backend_api.operations.order import refusal

MAX_BODY_BYTES = 1024 * 1024
BY_STATUS: dict[int, type[ConsoleError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    413: PayloadTooLarge,
}
log = structlog.get_logger()


def answer(error: ConsoleError, status: int | None = None) -> JSONResponse:
    """An error on the wire."""
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthenticated) else None
    return JSONResponse(
        json.loads(json.dumps(error.body, default=str)), status or error.status, headers=headers
    )


def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ConsoleError)
    return answer(error)


def _payload(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problems = []
    for found in error.errors():
        place = ".".join(str(part) for part in found["loc"] if part not in ("body", "query"))
        if found["type"] == "json_invalid":
            place = f"body, character {place}"
        problems.append(f"{place or 'body'}: {found['msg']}")
    return answer(
        BadRequest(
            "The request cannot be understood: " + "; ".join(problems) + ".",
            "Mend the named fields; /docs shows an example of each request.",
            fields=problems,
        )
    )


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    kind = BY_STATUS.get(error.status_code, BadRequest)
    hints = {
        404: "See /docs for what there is.",
        405: "Use another method; /docs shows which.",
    }
    message = f"{request.method} {request.url.path}: {error.detail}."
    return answer(kind(message, hints.get(error.status_code, "")), error.status_code)


def _database(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, IntegrityError):
        return answer(refusal(error))
    if isinstance(error, OperationalError | PoolTimeout):
        return answer(db.unavailable(error))
    if isinstance(error, DataError):
        said = getattr(getattr(error.orig, "diag", None), "message_primary", None)
        return answer(BadRequest(f"A value cannot be stored: {said}.", "Mend it and send again."))
    return _unknown(request.url.path, error)


def _unknown(path: str, error: Exception) -> JSONResponse:
    log.error("request.failed", path=path, exc_info=error)
    return answer(
        ConsoleError(
            "Something went wrong here, and nothing was changed.",
            "The log has the cause under the request id of this answer.",
        )
    )


def _unfit(scope: Scope) -> ConsoleError | None:
    """What is wrong with a request, seen before its body is read."""
    length = dict(scope["headers"]).get(b"content-length", b"0")
    if length.isdigit() and int(length) > MAX_BODY_BYTES:
        return PayloadTooLarge(
            f"The body has {int(length)} bytes; at most {MAX_BODY_BYTES} are read.", "Send less."
        )
    if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
        return BadRequest("The address holds a zero byte.", "Leave it out.")
    return None


def _counted(receive: Receive) -> Receive:
    """``receive`` that ends the request once a body without a stated length grows too large."""
    seen = 0

    async def counting() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MAX_BODY_BYTES:
            # FastAPI lets only its own kind of error pass while it reads a body.
            raise HTTPException(413, f"the body has more than {MAX_BODY_BYTES} bytes")
        return message

    return counting


class RequestLog:
    """Gives each request an id, bounds its body, and writes one line about its answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")[:64]
        request_id = sent or uuid4().hex
        begun, status = time.perf_counter(), 0

        async def labelled(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                label = (b"x-request-id", request_id.encode("latin-1"))
                message["headers"] = [*message["headers"], label]
            await send(message)

        with structlog.contextvars.bound_contextvars(request=request_id):
            try:
                unfit = _unfit(scope)
                await (answer(unfit) if unfit else self._app)(scope, _counted(receive), labelled)
            except Exception as error:
                # Half an answer cannot be taken back: the server then cuts the connection.
                if status:
                    raise
                await _unknown(scope["path"], error)(scope, receive, labelled)
            finally:
                log.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    ms=round((time.perf_counter() - begun) * 1000, 1),
                )


def install(app: FastAPI) -> None:
    """Put handlers and the request log on the application."""
    handlers: dict[Any, Any] = {
        ConsoleError: _ours,
        RequestValidationError: _payload,
        HTTPException: _http,
        DBAPIError: _database,
        PoolTimeout: _database,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
    app.add_middleware(RequestLog)
