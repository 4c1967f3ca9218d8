"""The parts beside us: who answers, and when each was last heard."""

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import httpx2
from sqlalchemy import text
from sqlalchemy.orm import Session

from backend_api import db
from backend_api.context import Context
from backend_api.errors import Unavailable
from backend_api.prometheus import Prometheus
from backend_api.rules.overview import OPTIONAL
from backend_api.schemas import Measured, Service
from backend_api.states import Health
from shared.trust import certificates

PROBE_SECONDS = 5.0
LAST_LOOK_SECONDS = 3.0


@dataclass(frozen=True)
class Probe:
    """What one look at a part gave."""

    state: Health
    detail: str


def http_probe(url: str) -> Probe:
    """A GET that must answer 200 within two seconds."""
    try:
        answer = httpx2.get(url, timeout=2.0, verify=certificates())
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        return Probe(Health.DOWN, f"no answer: {type(error).__name__}")
    if answer.status_code != 200:
        return Probe(Health.DEGRADED, f"answers {answer.status_code}")
    return Probe(Health.OK, urlsplit(url).netloc)


def port_probe(host: str, port: int) -> Probe:
    """A TCP connection within two seconds."""
    try:
        with socket.create_connection((host, port), timeout=2.0):
            return Probe(Health.OK, f"{host}:{port}")
    except OSError as error:
        return Probe(Health.DOWN, f"no answer: {error.strerror or error}")


class Prober(threading.Thread):
    """Looks at the outside parts every few seconds, so that no page waits for a dead one."""

    def __init__(self, ctx: Context) -> None:
        super().__init__(name="prober", daemon=True)
        settings = ctx.settings
        self._looks: dict[str, Callable[[], Probe]] = {
            "MLflow": lambda: http_probe(f"{settings.mlflow_tracking_uri}/health"),
            "Redis feature store": lambda: port_probe(settings.redis_host, settings.redis_port),
            "Inference": lambda: http_probe(f"{settings.inference_url}/health/live"),
            "Prometheus": self._measure,
        }
        self._prometheus = Prometheus(settings.prometheus_url)
        self._prometheus_host = urlsplit(settings.prometheus_url).netloc
        self.measured: dict[str, list[Measured]] = {}
        """By model, what Prometheus said at the last look; nothing while it is down."""
        self._seen: dict[str, Service] = {}
        self._ended = threading.Event()

    def run(self) -> None:
        """Look until told to stop."""
        while True:
            for name, look in self._looks.items():
                self._note(name, look())
            if self._ended.wait(PROBE_SECONDS):
                return

    def _note(self, name: str, probe: Probe) -> None:
        at = db.now()
        before = self._seen.get(name)
        good = at if probe.state == Health.OK else (before.last_good_at if before else None)
        if name in OPTIONAL and good is None:
            probe = Probe(Health.UNKNOWN, "never answered; it may not be installed")
        self._seen[name] = Service(
            name=name, state=probe.state, detail=probe.detail, checked_at=at, last_good_at=good
        )

    def _measure(self) -> Probe:
        try:
            self.measured = self._prometheus.measured(db.now())
        except Unavailable as outage:
            self.measured = {}
            # Nothing that serves or decides needs it.
            return Probe(Health.DEGRADED, f"{outage.message} The log's own counts go on.")
        return Probe(Health.OK, self._prometheus_host)

    def stop(self) -> None:
        """End after the present look."""
        self._ended.set()
        self.join(LAST_LOOK_SECONDS)
        self._prometheus.close()

    def seen(self, now: datetime) -> list[Service]:
        """The newest look at each part; one never looked at is unknown."""
        return [
            self._seen.get(
                name,
                Service(
                    name=name,
                    state=Health.UNKNOWN,
                    detail="not looked at yet",
                    checked_at=now,
                    last_good_at=None,
                ),
            )
            for name in self._looks
        ]


def services(session: Session, ctx: Context, prober: Prober, now: datetime) -> list[Service]:
    """PostgreSQL (it answered just now), the worker's heartbeat, and the probed parts."""
    beat: datetime | None = session.scalar(
        text("SELECT at FROM heartbeats WHERE process = 'worker'")
    )
    fresh = beat is not None and (now - beat).total_seconds() < 10 * ctx.settings.watch_seconds
    parts = [
        Service(
            name="PostgreSQL", state=Health.OK, detail="answers", checked_at=now, last_good_at=now
        ),
        Service(
            name="Worker",
            state=Health.OK if fresh else Health.DOWN,
            detail="watching" if fresh else "the watch is silent; jobs and mirrors wait",
            checked_at=now,
            last_good_at=beat,
        ),
    ]
    return parts + prober.seen(now)
