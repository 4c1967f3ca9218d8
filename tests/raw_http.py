"""HTTP by hand on a plain socket, for what no client library would send."""

import json
import socket
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reply:
    """One answer; ``headers`` by name in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def problem(self) -> dict[str, Any]:
        """The body, which must have the one shape of errors."""
        found: dict[str, Any] = json.loads(self.body)
        assert set(found) == {"error", "message", "hint", "details"}
        assert found["message"]
        return found


def post(path: str, body: dict[str, Any], *headers: str) -> bytes:
    """A whole request."""
    content = json.dumps(body).encode()
    head = [
        f"POST {path} HTTP/1.1", "Host: test", "Content-Type: application/json",
        f"Content-Length: {len(content)}", *headers,
    ]  # fmt: skip
    return "\r\n".join([*head, "", ""]).encode() + content


class Wire:
    """A connection to a service."""

    def __init__(self, port: int, seconds: float = 20, window: int | None = None) -> None:
        self._socket = socket.socket()
        self._socket.settimeout(seconds)
        if window is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self._socket.connect(("127.0.0.1", port))
        self._rest = b""

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """All of it; ``OSError`` when the other side has closed."""
        self._socket.sendall(data)

    def reply(self) -> Reply:
        """The next answer; ``EOFError`` when there is none."""
        head, _, self._rest = self._until(b"\r\n\r\n").partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = int(headers.get("content-length", 0))
        while len(self._rest) < length:
            self._more()
        body, self._rest = self._rest[:length], self._rest[length:]
        return Reply(int(first.split()[1]), headers, body)

    def ask(self, data: bytes) -> Reply:
        """Send, and read one answer."""
        self.send(data)
        return self.reply()

    def ended(self) -> bool:
        """Wait for the other side's end; ``ConnectionResetError`` if it was a reset."""
        assert self._rest == b""
        return self._socket.recv(1) == b""

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._rest:
            self._more()
        return self._rest

    def _more(self) -> None:
        data = self._socket.recv(65_536)
        if not data:
            raise EOFError("the connection has ended")
        self._rest += data
