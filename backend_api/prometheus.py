"""The one file that speaks to Prometheus."""

import math
from collections import defaultdict
from datetime import datetime
from typing import Any

from prometheus_api_client import PrometheusApiClientException, PrometheusConnect
from requests import RequestException
from urllib3.util import Retry

from backend_api.errors import Unavailable
from backend_api.schemas import Measured

WINDOW_MINUTES = 5
TIMEOUT_SECONDS = 2

_ARMS = f'{{arm=~"production|canary"}}[{WINDOW_MINUTES}m]'
_BY = "model, version, arm"
_QUERIES = {
    "requests": f"sum by ({_BY}) (rate(ml_predictions_total{_ARMS}))",
    "errors": f"sum by ({_BY}) (rate(ml_errors_total{_ARMS}))",
    "p95": "histogram_quantile(0.95, sum by (le, "
    f"{_BY}) (rate(ml_prediction_latency_seconds_bucket{_ARMS})))",
}
# (model, version, arm)
_Arm = tuple[str, str, str]


class Prometheus:
    """A Prometheus server that scrapes the inference workers."""

    def __init__(self, url: str) -> None:
        # Whoever asks, asks again in a few seconds; a page waits for nothing.
        self._server = PrometheusConnect(url=url, timeout=TIMEOUT_SECONDS, retry=Retry(0))

    def measured(self, now: datetime) -> dict[str, list[Measured]]:
        """What each model's arms did over the last minutes, by model; no traffic, no arm.

        Raises:
            Unavailable: Prometheus does not answer.
        """
        found: dict[_Arm, dict[str, float]] = defaultdict(dict)
        try:
            for name, query in _QUERIES.items():
                for series in self._server.custom_query(query, {"time": now.timestamp()}):
                    found[_arm(series["metric"])][name] = float(series["value"][1])
        except (PrometheusApiClientException, RequestException) as error:
            raise Unavailable(f"Prometheus does not answer: {type(error).__name__}.") from error
        models: dict[str, list[Measured]] = defaultdict(list)
        for (model, version, arm), values in sorted(found.items()):
            if values.get("requests"):
                models[model].append(_measured(version, arm, values))
        return dict(models)

    def close(self) -> None:
        """Give its connections back."""
        self._server.close()


def _arm(labels: dict[str, Any]) -> _Arm:
    return str(labels["model"]), str(labels["version"]), str(labels["arm"])


def _measured(version: str, arm: str, values: dict[str, float]) -> Measured:
    p95 = values.get("p95", math.nan)
    return Measured(
        version=version,
        arm=arm,
        minutes=WINDOW_MINUTES,
        requests_per_second=values["requests"],
        error_rate=values.get("errors", 0.0) / values["requests"],
        p95_ms=p95 * 1000 if math.isfinite(p95) else None,
    )
