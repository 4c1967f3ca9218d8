"""Training of the four models: data, networks, gates, and the pure code that serves them."""

from shared import TELEMETRY_OFF  # noqa: F401
