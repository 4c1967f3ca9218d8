"""One worker process: started by the supervisor on the socket that all workers share."""

import os
import signal
import socket
import threading

import uvicorn

from inference.counts import Counts
from inference.door import Server
from inference.handover import CONNECTIONS, LAST_WORDS_SECONDS, LIFELINE, SLOT, SOCKET, logs
from inference.main import create_app
from inference.settings import InferenceSettings

KEEP_ALIVE_SECONDS = 75


def _hold(lifeline: int, seconds: float) -> None:
    """End this process when the supervisor is gone: gently, and past the time at once."""

    def watch() -> None:
        # The supervisor never writes; the end of file is its death.
        os.read(lifeline, 1)
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(seconds)
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def main() -> None:
    """Serve until SIGTERM."""
    settings = InferenceSettings()
    _hold(int(os.environ[LIFELINE]), settings.drain_seconds + LAST_WORDS_SECONDS)
    logs()
    slot = int(os.environ[SLOT])
    config = uvicorn.Config(
        create_app(settings, slot),
        loop="uvloop", http="httptools", ws="none", lifespan="on", interface="asgi3",
        access_log=False, log_level="warning", timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=round(settings.drain_seconds),
    )  # fmt: skip
    listener = socket.socket(fileno=int(os.environ[SOCKET]))
    counts = Counts(settings.metrics_folder / CONNECTIONS, settings.workers)
    Server(config, listener, counts, slot).run()


if __name__ == "__main__":
    main()
