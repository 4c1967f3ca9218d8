"""Messages between a worker and the process of a Python version: a length, then JSON."""

import socket
import struct
from typing import Any

import orjson

_LENGTH = struct.Struct("=Q")


class Ended(Exception):
    """The other side has closed its end, or is gone."""


def send(end: socket.socket, message: Any) -> None:
    """Send one message; ``OSError`` when the other side is gone."""
    content = orjson.dumps(message)
    end.sendall(_LENGTH.pack(len(content)) + content)


def receive(end: socket.socket) -> Any:
    """The next message.

    Raises:
        Ended: there will be none.  TimeoutError: none came in the socket's time.
    """
    (length,) = _LENGTH.unpack(_exactly(end, _LENGTH.size))
    return orjson.loads(_exactly(end, length))


def _exactly(end: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        try:
            part = end.recv(min(size - len(parts), 1 << 20))
        except ConnectionError as error:
            raise Ended from error
        if not part:
            raise Ended
        parts += part
    return bytes(parts)
