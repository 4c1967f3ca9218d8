"""Speed, as ratios against a floor that is measured in the same run."""

from shared import TELEMETRY_OFF  # noqa: F401
