"""Every error that the service answers with, in the shape that the backend uses too.

ServiceError 500
├── BadRequest 400        ├── Unauthenticated 401   ├── NotFound 404
├── MethodNotAllowed 405  ├── RequestTimeout 408    ├── PayloadTooLarge 413
├── Overloaded 429        ├── HeadTooLarge 431      ├── ModelFailed 500
├── Conflict 409          └── Unavailable 503
"""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from shared.errors import ShapedError

log = structlog.get_logger()


class ServiceError(ShapedError):
    """Base of the tree; ``headers`` go with its answer."""

    headers: tuple[tuple[bytes, bytes], ...] = ()


class BadRequest(ServiceError):
    """The payload cannot be understood or is out of range."""

    status = 400


class Unauthenticated(ServiceError):
    """No token, or not the right one."""

    status = 401
    headers = ((b"www-authenticate", b"Bearer"),)


class NotFound(ServiceError):
    """No such model, version or path."""

    status = 404


class MethodNotAllowed(ServiceError):
    """The path is there, but not for this method."""

    status = 405


class Conflict(ServiceError):
    """What was asked would take away what serves."""

    status = 409


class RequestTimeout(ServiceError):
    """The request was not whole in time."""

    status = 408


class PayloadTooLarge(ServiceError):
    """The body exceeds the limit."""

    status = 413


class Overloaded(ServiceError):
    """More requests than can be answered in time."""

    status = 429
    headers = ((b"retry-after", b"1"),)


class HeadTooLarge(ServiceError):
    """Address and headers exceed the limit."""

    status = 431


class ModelFailed(ServiceError):
    """A version was asked and broke; it is counted and logged against that version."""

    status = 500


class Unavailable(ServiceError):
    """No version is loaded, or something outside is not answering."""

    status = 503


BY_STATUS: dict[int, type[ServiceError]] = {404: NotFound, 405: MethodNotAllowed}


def spoken(error: ServiceError) -> dict[str, Any]:
    """The Open Inference Protocol's shape: ``error`` is a sentence; the rest is as elsewhere."""
    return {**error.body, "error": f"{error.message} {error.hint}".strip()}


def answer(request: Request, error: ServiceError, status: int | None = None) -> JSONResponse:
    """An error on the wire."""
    body = spoken(error) if request.url.path.startswith("/v2") else error.body
    headers = {name.decode(): value.decode() for name, value in error.headers}
    return JSONResponse(body, status or error.status, headers=headers)


def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ServiceError)
    return answer(request, error)


def _arguments(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problems = [
        f"{'.'.join(str(part) for part in found['loc'][1:]) or 'body'}: {found['msg']}"
        for found in error.errors()
    ]
    message = "The request cannot be understood: " + "; ".join(problems) + "."
    return answer(request, BadRequest(message, "/docs shows an example.", fields=problems))


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    kind = BY_STATUS.get(error.status_code, BadRequest)
    message = f"{request.method} {request.url.path}: {error.detail}."
    return answer(request, kind(message, "/docs shows what there is."), error.status_code)


def _unknown(request: Request, error: Exception) -> JSONResponse:
    log.error("request.failed", path=request.url.path, exc_info=error)
    return answer(
        request, ServiceError("Something went wrong here.", "The service's log has the cause.")
    )


def install(app: FastAPI) -> None:
    """Put the handlers on the application."""
    app.add_exception_handler(ServiceError, _ours)
    app.add_exception_handler(RequestValidationError, _arguments)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unknown)
