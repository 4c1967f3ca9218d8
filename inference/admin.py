"""Who may use the admin endpoints: whoever holds the token."""

import hmac

from inference.errors import Unauthenticated


class Gate:
    """Compares ``Authorization: Bearer TOKEN`` with the one token."""

    def __init__(self, token: str) -> None:
        self._wanted = f"Bearer {token}".encode() if token else None

    def require(self, authorization: bytes | None) -> None:
        """Pass, or say what is missing.

        Raises:
            Unauthenticated: no token is configured, or another one was sent.
        """
        if self._wanted is None:
            raise Unauthenticated(
                "This needs the admin token, and none is configured.",
                "Set INFERENCE_ADMIN_TOKEN and restart the inference service.",
            )
        if authorization is None or not hmac.compare_digest(authorization, self._wanted):
            raise Unauthenticated(
                "This needs the admin token.",
                "Send `Authorization: Bearer $INFERENCE_ADMIN_TOKEN`; `nivesh env` prints it.",
            )
