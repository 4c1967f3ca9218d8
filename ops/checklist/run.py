"""All checks, in the order of the runbook."""

from ops.checklist import files, machine, servers
from ops.checklist.finding import Finding
from ops.settings import OpsSettings
from ops.stack.environment import real
from ops.stack.home import Home
from ops.stack.record import Record


def everything(settings: OpsSettings, home: Home, record: Record) -> list[Finding]:
    """Check everything; nothing is changed but the folders of the home made."""
    outside = real(settings, record)
    return [
        machine.python(),
        machine.locked(),
        machine.docker(),
        machine.disk(home),
        machine.ports(settings, record),
        servers.variables(settings),
        servers.postgres(home, outside),
        servers.feature_store(outside),
        servers.mlflow(outside),
        machine.monitoring(),
        files.models(settings),
        files.compose(),
        files.rules(),
        servers.migrations(record),
        servers.models(settings, record),
    ]
