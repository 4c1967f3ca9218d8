"""How the console sends a request to the backend and reads the answer.

Knows nothing of Streamlit. An outage is an error, never an empty list.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import quote

import httpx2
from pydantic import BaseModel, TypeAdapter, ValidationError

from backend_api.schemas import Outcome
from console.errors import BackendDown, BackendError, refuse

T = TypeVar("T")
TIMEOUT = httpx2.Timeout(20.0, connect=3.0)


class Transport:
    """``token`` is asked at each request, so that a renewed sign-in counts at once."""

    def __init__(
        self, base_url: str, token: Callable[[], str], http: httpx2.Client | None = None
    ) -> None:
        self._base = base_url.rstrip("/")
        self._token = token
        self._http = http or httpx2.Client(timeout=TIMEOUT)

    def _call(
        self,
        method: str,
        path: tuple[str, ...],
        shape: type[T],
        body: BaseModel | bytes | None = None,
        **params: Any,
    ) -> T:
        token = self._token()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        content: str | bytes | None = None
        if isinstance(body, bytes):
            headers["Content-Type"], content = "text/csv", body
        elif body is not None:
            headers["Content-Type"], content = "application/json", body.model_dump_json()
        try:
            answer = self._http.request(
                method,
                "/".join([self._base, *(quote(part, safe="") for part in path)]),
                params={k: v for k, v in params.items() if v is not None},
                content=content,
                headers=headers,
            )
        except httpx2.TransportError as error:
            raise BackendDown(f"{type(error).__name__}: {error}") from error
        if answer.status_code >= 400:
            refuse(answer)
        try:
            return TypeAdapter(shape).validate_json(answer.content)
        except ValidationError as error:
            raise BackendError(
                502,
                "UnexpectedAnswer",
                "The backend's answer has a shape that the console does not know.",
                "Console and backend are of different versions; deploy the same one.",
                {"cause": str(error)},
            ) from error

    def _stream(self, *path: str, **params: Any) -> Iterator[bytes]:
        """An answer that may be larger than memory, piece by piece."""
        address = "/".join([self._base, *(quote(part, safe="") for part in path)])
        given = {k: v for k, v in params.items() if v is not None}
        headers = {"Authorization": f"Bearer {self._token()}"}
        try:
            with self._http.stream("GET", address, params=given, headers=headers) as answer:
                if answer.status_code >= 400:
                    answer.read()
                    refuse(answer)
                yield from answer.iter_bytes()
        except httpx2.TransportError as error:
            raise BackendDown(f"{type(error).__name__}: {error}") from error

    def _get(self, shape: type[T], *path: str, **params: Any) -> T:
        return self._call("GET", path, shape, **params)

    def _post(self, body: BaseModel, *path: str) -> Outcome:
        return self._call("POST", path, Outcome, body)
