"""How fast the log path takes records: into the spool, and from there into PostgreSQL."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ops.settings import PROJECT

COUNT = 50_000
# More a second than it can do, so that it does what it can.
PER_SECOND = 1_000_000


@dataclass(frozen=True)
class Delivery:
    """Records per second kept while PostgreSQL takes them, and delivered in the end."""

    kept: float
    delivered: float


def measure(database_url: str, folder: Path) -> Delivery:
    """One process writes and delivers as fast as it can."""
    command = [sys.executable, "-m", "bench.records", "0", "0", str(COUNT), str(PER_SECOND)]
    env = {**os.environ, "DATABASE_URL": database_url, "RECORDS_SPOOL": str(folder)}
    at: dict[str, float] = {}
    with subprocess.Popen(
        command, env=env, cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            at.setdefault("begun", time.monotonic())
            at[line.split()[0]] = time.monotonic()
    return Delivery(
        kept=COUNT / (at["waits"] - at["begun"]),
        delivered=COUNT / (at["delivered"] - at["begun"]),
    )
