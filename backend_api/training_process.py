"""A process of training's, followed line by line: the backend imports none of its code."""

import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, Queue
from typing import IO, Any

from backend_api.context import Context
from backend_api.errors import Unavailable
from backend_api.jobs import Interrupted

DEADLINE_SECONDS = 3_600.0
LAST_WORDS = 20
# From the end of what it says to the end of it.
FAREWELL_SECONDS = 60.0

Heard = Callable[[dict[str, Any]], None]


def run(
    context: Context, module: str, arguments: list[str], stop: threading.Event,
    heard: Heard | None = None,
) -> dict[str, Any]:  # fmt: skip
    """``python -m module``; the last object of JSON that it writes, each on a line of its own.

    ``heard`` is told every one. A process that watches its standard input ends when we do.

    Raises:
        Unavailable: it failed or took too long; the message is its own last word.
        Interrupted: ``stop`` was set.
    """
    env = {
        **os.environ, "MLFLOW_TRACKING_URI": context.settings.mlflow_tracking_uri,
        "MODELS_FILE": str(context.settings.models_file.resolve()),
        "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        complaints: deque[str] = deque(maxlen=LAST_WORDS)
        listener = threading.Thread(
            target=_drain, args=(process.stderr, complaints.append), daemon=True
        )
        listener.start()
        try:
            last = _followed(process, stop, heard)
        finally:
            process.kill()
            listener.join(FAREWELL_SECONDS)
    if last is None or process.returncode != 0:
        told = complaints[-1] if complaints else "it said nothing"
        if process.returncode < 0:
            told = f"it was ended by signal {-process.returncode}"
        raise Unavailable(f"{module} failed: {told[:300].rstrip('.')}.")
    return last


def _drain(stream: IO[str] | None, take: Callable[[str], None]) -> None:
    for line in stream or ():
        if line.strip():
            take(line.strip())


def _followed(
    process: "subprocess.Popen[str]", stop: threading.Event, heard: Heard | None
) -> dict[str, Any] | None:
    lines: Queue[str | None] = Queue()

    def listen() -> None:
        _drain(process.stdout, lines.put)
        lines.put(None)

    threading.Thread(target=listen, daemon=True).start()
    deadline, last = time.monotonic() + DEADLINE_SECONDS, None
    while True:
        if stop.is_set():
            raise Interrupted
        if time.monotonic() > deadline:
            raise Unavailable(f"It took longer than {DEADLINE_SECONDS / 60:.0f} minutes.")
        try:
            line = lines.get(timeout=0.3)
        except Empty:
            continue
        if line is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(FAREWELL_SECONDS)
            return last
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict):
            last = said
            if heard is not None:
                heard(said)
