"""The certificates that this machine trusts, read once per process: each reading takes 40 ms."""

import ssl
from functools import cache

import httpx2


@cache
def certificates() -> ssl.SSLContext:
    """What an HTTP client's ``verify`` takes; threads may share it."""
    return httpx2.create_ssl_context()
