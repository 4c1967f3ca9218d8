"""The service that predicts: follows the routing, and needs nobody once it has loaded."""

from shared import TELEMETRY_OFF  # noqa: F401
