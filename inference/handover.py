"""What the supervisor hands to each worker, by name; kept apart since neither imports the other."""

import logging
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog

SOCKET, LIFELINE = "INFERENCE_SOCKET_FD", "INFERENCE_LIFELINE_FD"
SLOT = "INFERENCE_SLOT"
# How a worker is called in `ps -o comm`; its command line is the supervisor's.
COMM = "nivesh-worker"
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# Open connections by slot; beside the counters, in the folder that goes with each start.
CONNECTIONS = "connections"
# Past the drain, for the farewell and the last delivery.
LAST_WORDS_SECONDS = 6.0


class _Lasting:
    """A stream whose disk may be full: a line is lost then, and never the thread that says it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: str) -> int:
        """All of it, or nothing."""
        with suppress(OSError):
            return self._stream.write(line)
        return len(line)

    def flush(self) -> None:
        """As far as there is room."""
        with suppress(OSError):
            self._stream.flush()


def logs() -> None:
    """One JSON object per line on standard error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Lasting(sys.stderr))),
        cache_logger_on_first_use=True,
    )
