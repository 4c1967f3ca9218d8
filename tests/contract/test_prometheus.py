"""Rates and percentiles out of a real Prometheus, on a program with inference's metrics."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server

from backend_api import db
from backend_api.errors import Unavailable
from backend_api.prometheus import Prometheus
from backend_api.schemas import Measured
from inference.metrics import BUCKETS, BY_ARM
from ops.stack.ports import any_free
from tests.conftest import leave_out
from tests.makers import INTENT, wait_until

PRODUCTION, CANARY = (INTENT, "v1.0.0", "production"), (INTENT, "v1.1.0", "canary")
QUIET = (INTENT, "v0.9.0", "production")


class Metrics:
    """Counts as inference counts, so that a test decides what is scraped."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._predictions = Counter("ml_predictions", "", BY_ARM, registry=self.registry)
        self._errors = Counter("ml_errors", "", BY_ARM, registry=self.registry)
        self._latency = Histogram(
            "ml_prediction_latency_seconds", "", BY_ARM, buckets=BUCKETS, registry=self.registry
        )

    def answer(self, arm: tuple[str, str, str], count: int, errors: int, seconds: float) -> None:
        """So many answers, the first ones failed."""
        self._predictions.labels(*arm).inc(count)
        self._errors.labels(*arm).inc(errors)
        for _ in range(count):
            self._latency.labels(*arm).observe(seconds)


@pytest.fixture
def metrics() -> Metrics:
    """Nothing counted yet."""
    return Metrics()


@pytest.fixture
def url(metrics: Metrics, tmp_path: Path) -> Iterator[str]:
    """A Prometheus that scrapes the metrics every fifth of a second."""
    program = shutil.which("prometheus")
    if program is None:
        leave_out("prometheus is missing: apt-get install prometheus")
    target, port = any_free(), any_free()
    exporter, thread = start_http_server(target, addr="127.0.0.1", registry=metrics.registry)
    (tmp_path / "prometheus.yml").write_text(
        "global: {scrape_interval: 200ms}\n"
        "scrape_configs: [{job_name: inference, static_configs:"
        f" [{{targets: ['127.0.0.1:{target}']}}]}}]\n"
    )
    running = subprocess.Popen(
        [str(program), f"--config.file={tmp_path}/prometheus.yml",
         f"--storage.tsdb.path={tmp_path}/data", f"--web.listen-address=127.0.0.1:{port}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(20)
        exporter.shutdown()
        exporter.server_close()
        thread.join()


def is_ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/-/ready").status_code == 200
    except httpx2.HTTPError:
        return False


def test_each_arm_has_its_rate_errors_and_percentile(url: str, metrics: Metrics) -> None:
    prometheus = Prometheus(url)
    # A rate needs two looks: the first one sees where the counters begin.
    for arm in (PRODUCTION, CANARY, QUIET):
        metrics.answer(arm, 1, 0, 0.001)
    wait_until(lambda: is_ready(url), 30, "Prometheus is ready")
    scraped = f"{url}/api/v1/query?query=count_over_time(ml_predictions_total[1m])"
    wait_until(lambda: httpx2.get(scraped).json()["data"]["result"], 30, "it has scraped")
    metrics.answer(PRODUCTION, 90, 0, 0.004)
    metrics.answer(CANARY, 10, 5, 0.3)

    def seen() -> list[Measured]:
        return prometheus.measured(db.now()).get(INTENT, [])

    try:
        wait_until(lambda: len(seen()) == 2, 30, "both arms appear")
        stable, canary = seen()
    finally:
        prometheus.close()
    assert (stable.version, stable.arm, canary.version, canary.arm) == (
        *PRODUCTION[1:],
        *CANARY[1:],
    )
    assert stable.requests_per_second > canary.requests_per_second > 0
    # Prometheus extrapolates, and from zero less far.
    assert (stable.error_rate, canary.error_rate) == (0, pytest.approx(0.5, rel=0.2))
    assert stable.p95_ms is not None
    assert canary.p95_ms is not None
    assert stable.p95_ms <= 5 < 200 < canary.p95_ms


def test_an_outage_is_an_error_and_never_an_empty_answer() -> None:
    prometheus = Prometheus("http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="Prometheus does not answer"):
        prometheus.measured(db.now())
    prometheus.close()
