"""A closed-loop HTTP/1.1 client that costs little, so that the server is what is measured."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Answer:
    """One request: when it was sent and answered (monotonic seconds), status, and body."""

    sent: float
    answered: float
    status: int
    body: bytes


def requests_of(url: str, bodies: Sequence[dict[str, Any]]) -> list[bytes]:
    """Ready-made POST requests."""
    parts = urlsplit(url)
    made = []
    for body in bodies:
        content = json.dumps(body).encode()
        head = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        made.append(head.encode() + content)
    return made


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> Answer:
    sent = time.monotonic()
    writer.write(request)
    head = await reader.readuntil(HEAD_END)
    status = int(head[9:12])
    length = next(
        (
            int(line[15:])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        ),
        0,
    )
    body = await reader.readexactly(length)
    return Answer(sent, time.monotonic(), status, body)


async def _connection(
    host: str, port: int, requests: list[bytes], until: Callable[[], bool], seen: list[Answer]
) -> None:
    """Send one request after the other; a broken connection is an answer with status 0."""
    number = id(seen) % len(requests)
    while not until():
        sent = time.monotonic()
        try:
            reader, writer = await asyncio.open_connection(host, port)
            try:
                while not until():
                    seen.append(await _exchange(reader, writer, requests[number % len(requests)]))
                    number += 1
            finally:
                writer.close()
        except (OSError, asyncio.IncompleteReadError):
            seen.append(Answer(sent, time.monotonic(), 0, b""))
            await asyncio.sleep(0.01)


async def load(
    url: str,
    bodies: Sequence[dict[str, Any]],
    connections: int,
    until: Callable[[], bool],
) -> list[Answer]:
    """Keep ``connections`` busy until told to stop; every answer in the order of its arrival."""
    parts = urlsplit(url)
    requests = requests_of(url, bodies)
    seen: list[list[Answer]] = [[] for _ in range(connections)]
    await asyncio.gather(
        *(_connection(parts.hostname or "", parts.port or 80, requests, until, own) for own in seen)
    )
    return sorted((a for own in seen for a in own), key=lambda a: a.answered)


def for_seconds(seconds: float) -> Callable[[], bool]:
    """True once the time is over."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end
