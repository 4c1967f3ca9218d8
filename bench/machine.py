"""What figures are worth without: the machine that gave them, and what else it did."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import psutil


def sentence() -> str:
    """Processor, cores, memory, system, date, and the load before the run."""
    cpu = next(
        (line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
         if line.startswith("model name")),
        platform.machine(),
    )  # fmt: skip
    gigabytes = psutil.virtual_memory().total / 1e9
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    return (
        f"{cpu}, {os.cpu_count()} cores, {gigabytes:.0f} GB, Linux {platform.release()}, Python"
        f" {platform.python_version()}; {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, load average"
        f" before the run {load}. Client, PostgreSQL and servers share the cores."
    )
