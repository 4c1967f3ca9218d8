"""Counters of all workers together: each writes its own file, any of them sums all files."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import prometheus_client.values
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from inference.handover import METRICS_FOLDER, SLOT

# Room for thousands of series in each kind of file.
FILE_BYTES = 1 << 20
FILES = ("counter", "histogram", "gauge_mostrecent")


def _reserve(folder: Path, slot: str) -> None:
    """Take the room for the counters now: one on a page that a full disk lacks kills the worker."""
    for kind in FILES:
        with (folder / f"{kind}_{slot}.db").open("ab") as handle:
            os.posix_fallocate(handle.fileno(), 0, FILE_BYTES)


if METRICS_FOLDER in os.environ:
    _slot = os.environ[SLOT]
    _reserve(Path(os.environ[METRICS_FOLDER]), _slot)
    # By slot and not by pid, so that a worker's next life goes on counting in the same file.
    prometheus_client.values.ValueClass = prometheus_client.values.MultiProcessValue(  # type: ignore[no-untyped-call]
        lambda: _slot
    )

REGISTRY = CollectorRegistry()
BY_ARM = ("model", "version", "arm")
# 0.2 is the runbook's latency target, so the share of slow answers is exact.
BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

PREDICTIONS = Counter(
    "ml_predictions", "Predictions answered, the failed ones too.", BY_ARM, registry=REGISTRY
)
LATENCY = Histogram(
    "ml_prediction_latency_seconds", "From the whole request to the whole answer.",
    BY_ARM, buckets=BUCKETS, registry=REGISTRY,
)  # fmt: skip
ERRORS = Counter(
    "ml_errors", "Predictions that failed through our fault.", BY_ARM, registry=REGISTRY
)
REJECTED = Counter(
    "ml_rejected", "Requests refused with 4xx, by the status.", ("model", "status"),
    registry=REGISTRY,
)  # fmt: skip
CONNECTIONS_ENDED = Counter(
    "ml_connections_ended", "Connections that we ended: what was waited for, or room for others.",
    ("reason",), registry=REGISTRY,
)  # fmt: skip
EXAMPLE_MOVED = Counter(
    "ml_example_moved", "Loads of a version that answers its example otherwise than at first.",
    ("model",), registry=REGISTRY,
)  # fmt: skip
UNKEYED = Counter(
    "ml_unkeyed", "Predictions without an entity key, which stable answers.", ("model",),
    registry=REGISTRY,
)  # fmt: skip
LOG_DELIVERED = Counter("ml_log_delivered", "Records taken by PostgreSQL.", registry=REGISTRY)
LOG_LOST = Counter(
    "ml_log_lost", "Records not kept: spool full, disk full, torn or refused by PostgreSQL.",
    ("reason",), registry=REGISTRY,
)  # fmt: skip
SPOOL_LIMIT = Gauge(
    "ml_spool_limit_bytes", "Most that undelivered records may take.", registry=REGISTRY,
    multiprocess_mode="mostrecent",
)  # fmt: skip
SPOOL_BYTES = Gauge(
    "ml_spool_bytes", "Undelivered records on disk.", registry=REGISTRY,
    multiprocess_mode="mostrecent",
)  # fmt: skip
FEATURE_READS = Counter(
    "ml_feature_reads", "Reads from the feature store, by outcome.", ("outcome",),
    registry=REGISTRY,
)  # fmt: skip
SHADOW_DROPPED = Counter(
    "ml_shadow_dropped", "Requests that should have been mirrored, and were not for lack of time.",
    ("model",), registry=REGISTRY,
)  # fmt: skip
RESPONSES = Counter(
    "ml_response_cache", "Requests to models whose answers are kept: hit or miss.",
    ("model", "outcome"), registry=REGISTRY,
)  # fmt: skip
MEMORY = Gauge(
    "ml_worker_memory_bytes", "Memory that a worker holds; pid is its slot.", registry=REGISTRY,
    multiprocess_mode="all",
)  # fmt: skip
FEATURES = Counter(
    "ml_features", "Fields that callers left out: from_store, missing or stale there.",
    ("model", "state"), registry=REGISTRY,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Meters:
    """One arm's counters, looked up once."""

    predictions: Counter
    errors: Counter
    latency: Histogram


@lru_cache(maxsize=4096)
def meters(model: str, version: str, arm: str) -> Meters:
    """The counters of one arm; they exist at zero from then on."""
    labels = (model, version, arm)
    return Meters(PREDICTIONS.labels(*labels), ERRORS.labels(*labels), LATENCY.labels(*labels))


def exposition() -> bytes:
    """All workers' counters in Prometheus' text format."""
    if METRICS_FOLDER not in os.environ:
        return generate_latest(REGISTRY)
    summed = CollectorRegistry()
    MultiProcessCollector(summed)  # type: ignore[no-untyped-call]
    return generate_latest(summed)
