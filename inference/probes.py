"""Looks at the parts beside us every few seconds, so that no request waits for a dead one."""

import threading

import httpx2

from inference.features import FeatureStore
from shared.trust import certificates

PAUSE_SECONDS = 5.0


class Prober(threading.Thread):
    """``feature_store`` and ``mlflow`` are what the newest look found."""

    def __init__(self, store: FeatureStore, tracking_uri: str) -> None:
        super().__init__(name="prober", daemon=True)
        self.feature_store = self.mlflow = False
        self._store = store
        self._address = f"{tracking_uri.rstrip('/')}/health"
        # A connection kept over the pause may have been closed by the server in the meantime.
        fresh = httpx2.Limits(max_keepalive_connections=0)
        self._http = httpx2.Client(
            timeout=2.0, trust_env=False, limits=fresh, verify=certificates()
        )
        self._stopping = threading.Event()

    def run(self) -> None:
        """Look until told to stop."""
        while not self._stopping.is_set():
            self.feature_store = self._store.connected()
            self.mlflow = self._answers()
            self._stopping.wait(PAUSE_SECONDS)

    def stop(self) -> None:
        """End after the present look."""
        self._stopping.set()

    def _answers(self) -> bool:
        try:
            return self._http.get(self._address).status_code == 200
        except (httpx2.HTTPError, httpx2.InvalidURL):
            return False
