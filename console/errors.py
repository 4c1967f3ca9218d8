"""What may go wrong between console and backend.

BackendError          the backend answered with an error
└── BackendDown       the backend did not answer
"""

from typing import Any, NoReturn

import httpx2
from pydantic import ValidationError

from backend_api.schemas import ErrorBody


class BackendError(Exception):
    """The backend's answer to what it will not or cannot do."""

    def __init__(
        self,
        status: int,
        error: str,
        message: str,
        hint: str = "",
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.message = message
        self.hint = hint
        self.details = details or {}


class BackendDown(BackendError):
    """No answer at all; whether a write was carried out is not known."""

    def __init__(self, cause: str) -> None:
        super().__init__(
            0,
            "BackendDown",
            "The backend does not answer.",
            "Workers go on with the last routing they know. Try again: a repeat is safe.",
            {"cause": cause},
        )


def refuse(answer: httpx2.Response) -> NoReturn:
    """Raise what the backend answered, in its own words where it has some."""
    try:
        body = ErrorBody.model_validate_json(answer.content)
    except ValidationError:
        raise BackendError(
            answer.status_code,
            "UnreadableAnswer",
            f"The backend answered {answer.status_code} without saying why.",
            "Its log has the request; a proxy between it and the console may have answered.",
        ) from None
    raise BackendError(answer.status_code, body.error, body.message, body.hint, body.details)
