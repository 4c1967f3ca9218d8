from shared import TELEMETRY_OFF  # noqa: F401
