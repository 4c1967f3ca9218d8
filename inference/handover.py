"""What the supervisor hands to each worker, by name; kept apart since neither imports the other."""

import logging
import sys

import structlog

SOCKET, LIFELINE = "INFERENCE_SOCKET_FD", "INFERENCE_LIFELINE_FD"
SLOT = "INFERENCE_SLOT"
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# Open connections by slot; beside the counters, in the folder that goes with each start.
CONNECTIONS = "connections"
# Past the drain, for the farewell and the last delivery.
LAST_WORDS_SECONDS = 6.0


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
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
