"""One worker process: forked by the supervisor, on the socket that all workers share."""

import faulthandler
import os
import resource
import signal
import socket
import sys
import threading

import uvicorn

from inference.connection import Limits
from inference.counts import Counts
from inference.door import Place, Server
from inference.handover import CONNECTIONS, LAST_WORDS_SECONDS, LIFELINE, SLOT, SOCKET, logs
from inference.main import create_app
from inference.preload import settle
from inference.service import build
from inference.settings import InferenceSettings

KEEP_ALIVE_SECONDS = 75
# How long a thread beside the event loop may keep it waiting, several times for each answer: a
# fiftieth of Python's own 5 ms.
SWITCH_SECONDS = 0.0001


def _hold(lifeline: int, seconds: float) -> None:
    """End this process when the supervisor is gone: gently, and past the time at once."""

    def watch() -> None:
        # The supervisor never writes; the end of file is its death.
        os.read(lifeline, 1)
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(seconds)
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def _descriptors() -> None:
    """As many open files as the machine allows: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main() -> None:
    """Serve until SIGTERM."""
    settings = InferenceSettings()
    _hold(int(os.environ[LIFELINE]), settings.drain_seconds + LAST_WORDS_SECONDS)
    _descriptors()
    sys.setswitchinterval(SWITCH_SECONDS)
    # The supervisor asks a hung worker where it hangs.
    faulthandler.register(signal.SIGUSR1)
    logs()
    slot = int(os.environ[SLOT])
    service = build(settings, slot)
    config = uvicorn.Config(
        create_app(service),
        loop="uvloop", http="httptools", ws="none", lifespan="on", interface="asgi3",
        access_log=False, log_level="warning", proxy_headers=False, server_header=False,
        timeout_graceful_shutdown=round(settings.drain_seconds),
    )  # fmt: skip
    place = Place(
        listener=socket.socket(fileno=int(os.environ[SOCKET])),
        counts=Counts(settings.metrics_folder / CONNECTIONS, settings.workers),
        slot=slot,
        connections=settings.connections,
    )
    limits = Limits(
        head_bytes=settings.head_bytes, head_seconds=settings.head_seconds,
        body_bytes=settings.body_limit_bytes, body_seconds=settings.body_seconds,
        idle_seconds=KEEP_ALIVE_SECONDS, farewell_seconds=settings.drain_seconds / 3,
    )  # fmt: skip
    settle()
    Server(config, place, limits, service.admission).run()
