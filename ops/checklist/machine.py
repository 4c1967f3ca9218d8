"""Checks of the machine: Python, libraries, disk, ports, programs."""

import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ops.checklist.finding import BAD, GOOD, NOTE, Finding
from ops.errors import OpsError
from ops.settings import PROJECT, OpsSettings
from ops.stack import ports as choice
from ops.stack.home import Home
from ops.stack.launch import is_running
from ops.stack.prometheus import ALERTMANAGERS, program
from ops.stack.record import Record

LOCK = PROJECT / "requirements.lock"
PYTHON = (3, 11)
LEAST_DISK = 5 * 2**30
# The runbook's ports, and ours. Those that only Docker's services use are no hindrance.
PORTS = {
    5000: "MLflow", 6379: "Redis", 8000: "inference", 8080: "backend", 8501: "console",
    9090: "Prometheus", 3001: "Grafana (Docker only)",
}  # fmt: skip


def python() -> Finding:
    """The version that the locked libraries were made for."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] == PYTHON:
        return Finding("Python", GOOD, f"Python {found}.")
    return Finding(
        "Python", BAD, f"This is Python {found}; 3.11 is wanted.",
        "Debian: apt-get install python3.11 python3.11-venv, then make up.",
    )  # fmt: skip


def locked(lock: Path = LOCK) -> Finding:
    """Whether what is installed is what requirements.lock names."""
    if not lock.exists():
        return Finding("Libraries", NOTE, "There is no requirements.lock beside this installation.")
    pins = [line.split("==") for line in lock.read_text().splitlines() if "==" in line]
    wrong = [f"{name} {_installed(name)}" for name, pin in pins if _installed(name) != pin]
    if not wrong:
        return Finding("Libraries", GOOD, f"All {len(pins)} are as requirements.lock names them.")
    shown = ", ".join(wrong[:3]) + (" and others" if len(wrong) > 3 else "")
    return Finding(
        "Libraries", BAD, f"{len(wrong)} differ from requirements.lock: {shown}.",
        "Run `make clean up`, or `.venv/bin/pip install -r requirements.lock`.",
    )  # fmt: skip


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def disk(home: Home) -> Finding:
    """Room for data, artefacts and the prediction log."""
    free = shutil.disk_usage(home.path).free
    told = f"{free / 2**30:.0f} GiB are free below {home.path}."
    if free > LEAST_DISK:
        return Finding("Disk", GOOD, told)
    return Finding("Disk", BAD, told, "Make room, or set NIVESH_HOME to another disk.")


def ports(settings: OpsSettings, record: Record) -> Finding:
    """Whether a start would find its ports free."""
    if is_running(record):
        return Finding("Ports", GOOD, "The stack runs and holds its ports.")
    try:
        choice.choose(settings, record.ports)
    except OpsError as error:
        return Finding("Ports", BAD, error.message, error.hint)
    taken = [f"{port} ({name})" for port, name in PORTS.items() if not choice.is_free(port)]
    if not taken or settings.nivesh_ports == "auto":
        return Finding("Ports", GOOD, "All that a start wants are free.")
    return Finding(
        "Ports", NOTE, f"Taken: {', '.join(taken)}.",
        "`nivesh up` takes other ones for these and says which; Docker would not.",
    )  # fmt: skip


def docker() -> Finding:
    """Docker with Compose, which only docker-compose.yml needs."""
    found = program("docker")
    if found and subprocess.run([found, "compose", "version"], capture_output=True).returncode == 0:
        return Finding("Docker", GOOD, "Docker and Compose are here; docker-compose.yml can run.")
    return Finding(
        "Docker", NOTE, "Docker Compose is missing." if found else "Docker is not on PATH.",
        "`nivesh up` does without. For docker-compose.yml: install Docker with Compose.",
    )  # fmt: skip


def monitoring() -> Finding:
    """Prometheus and Alertmanager."""
    wanted = {"Prometheus": program("prometheus"), "Alertmanager": program(*ALERTMANAGERS)}
    missing = [name for name, found in wanted.items() if found is None]
    if not missing:
        return Finding("Monitoring", GOOD, "Prometheus and Alertmanager are on PATH.")
    return Finding(
        "Monitoring", NOTE, f"{' and '.join(missing)} not on PATH; everything else works.",
        "Debian: apt-get install prometheus prometheus-alertmanager.",
    )  # fmt: skip
