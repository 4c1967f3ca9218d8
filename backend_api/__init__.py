"""Control plane: the only writer of the registry, of deployments and of the ledger."""

from shared import TELEMETRY_OFF  # noqa: F401
