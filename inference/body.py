"""What a caller sent: read within bounds, and understood or refused with the reason."""

import json
import math
from collections.abc import Iterable
from typing import Any

import orjson
from starlette.types import Receive

from inference.errors import BadRequest, PayloadTooLarge

Headers = Iterable[tuple[bytes, bytes]]


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


def header(headers: Headers, name: bytes) -> bytes | None:
    """Value of a header by its name in lower case."""
    return next((value for found, value in headers if found == name), None)


async def read(receive: Receive, headers: Headers, limit: int) -> bytes:
    """The whole body.

    Raises:
        PayloadTooLarge: it has more bytes than ``limit``; the rest is not read.
        ClientGone: the caller left before it was whole.
    """
    length = header(headers, b"content-length")
    if length is not None and length.isdigit() and int(length) > limit:
        raise _too_large(int(length), limit)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(size, limit)
        if not message.get("more_body"):
            return b"".join([*parts, part]) if parts else part
        parts.append(part)


def _too_large(size: int, limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"The body has {size:,} bytes or more; at most {limit:,} are read.", "Send less."
    )


def row(body: bytes) -> dict[str, Any]:
    """The request in a body.

    Raises:
        BadRequest: it is not JSON, not an object, or holds what no model and no log can.
    """
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _not_json(body, error) from error
    if not isinstance(found, dict):
        raise BadRequest(
            f"The body is a JSON {type(found).__name__}; send an object with the model's fields.",
            "/docs shows an example.",
        )
    if b"\\u0000" in body:
        for field, value in found.items():
            if _holds_nul(field) or _holds_nul(value):
                raise BadRequest(
                    f"{field[:60]!r} holds the character NUL, which cannot be stored; remove it.",
                    field=field[:60],
                )
    return found


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(map(_holds_nul, (*value, *value.values())))
    return isinstance(value, list) and any(map(_holds_nul, value))


def _not_json(body: bytes, error: Exception) -> BadRequest:
    """Python's own parser takes NaN and Infinity, so it can say which field holds one."""
    try:
        row = json.loads(body)
    except (ValueError, RecursionError):
        row = None
    for field, value in row.items() if isinstance(row, dict) else ():
        if isinstance(value, float) and not math.isfinite(value):
            return BadRequest(
                f"{field[:60]} is {value}, which is not a number that JSON knows;"
                " send a finite number or leave it out.",
                "/docs shows an example.", field=field[:60],
            )  # fmt: skip
    return BadRequest(f"The body is not JSON: {error}.", "/docs shows an example.")
