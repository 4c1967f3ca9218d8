"""Does it answer?"""

import http.client
from urllib.parse import urlsplit

# What says of each server of the stack whether it answers.
HEALTH = {
    "backend": "/health",
    "inference": "/health/live",
    "console": "/_stcore/health",
    "mlflow": "/health",
    "prometheus": "/-/ready",
    "alertmanager": "/-/ready",
}


def is_healthy(name: str, port: int) -> bool:
    """Whether a server of the stack answers on its port."""
    return answers(f"http://127.0.0.1:{port}{HEALTH[name]}")


def answers(url: str, timeout: float = 2.0) -> bool:
    """Whether a GET is answered with 200, straight and not through any proxy."""
    return status(url, timeout) == 200


def status(url: str, timeout: float = 2.0) -> int | None:
    """Status of a GET, ``None`` when nothing answers."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request("GET", parts.path or "/", headers={"Connection": "close"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
