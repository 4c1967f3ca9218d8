"""The one file of the backend that speaks to inference workers."""

import time
from typing import Any

import httpx2

from backend_api.errors import Unavailable
from shared.trust import certificates


class InferenceClient:
    """Any worker behind ``url``; asks a staged version with the admin token."""

    def __init__(self, url: str, admin_token: str, http: httpx2.Client | None = None) -> None:
        self._http = http or httpx2.Client(base_url=url, timeout=5.0, verify=certificates())
        self._token = admin_token

    def predict(
        self, endpoint: str, request: dict[str, Any], version: str
    ) -> tuple[int, dict[str, Any], float]:
        """One answer of one version: status, body and milliseconds as the caller saw them.

        Raises:
            Unavailable: no worker answers.
        """
        begun = time.perf_counter()
        try:
            answer = self._http.post(
                endpoint,
                json=request,
                headers={"X-Nivesh-Version": version, "Authorization": f"Bearer {self._token}"},
            )
            body = answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise Unavailable(
                "No inference worker answers, so nothing could be measured.",
                "See `nivesh status`; run Validate again when workers are up.",
            ) from error
        return answer.status_code, body, (time.perf_counter() - begun) * 1000
