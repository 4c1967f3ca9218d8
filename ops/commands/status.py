"""status: what runs, where, since when."""

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import psutil
import typer
from rich.markup import escape
from rich.table import Table

from ops import reach
from ops.errors import OpsError
from ops.stack import launch, redis
from ops.stack.follow import LOOKS
from ops.stack.postgres import server
from ops.stack.probe import HEALTH, answers, is_healthy
from ops.stack.record import Entry, Record, is_alive, load
from ops.terminal import out, say

NOT_WELL, NOT_RUNNING = 1, 3
GOOD = ("ready", "answers")


@dataclass(frozen=True)
class Row:
    """One process, or one server that is not ours."""

    name: str
    state: str
    where: str
    pid: str = ""
    since: str = ""
    restarts: str = ""
    detail: str = ""


def age(seconds: float) -> str:
    """Two largest units: ``"3 min 12 s"``, ``"2 d 4 h"``."""
    left = int(timedelta(seconds=seconds).total_seconds())
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def state(one: Entry) -> str:
    """What the supervisor says, held against what is to be seen now."""
    if one.pid and not is_alive(one):
        return "gone"
    probed = one.state == "ready" and one.name in HEALTH and one.port
    return "no answer" if probed and not is_healthy(one.name, one.port or 0) else one.state


def _row(one: Entry) -> Row:
    alive = is_alive(one)
    try:
        begun = psutil.Process(one.pid).create_time() if alive else None
    except psutil.NoSuchProcess:
        begun = None
    return Row(
        name=one.name,
        state=state(one),
        where=f"127.0.0.1:{one.port}" if one.port else "",
        pid=str(one.pid) if alive else "",
        since=age(time.time() - begun) if begun else "",
        restarts=str(one.restarts or ""),
        detail="" if one.state == "ready" else one.detail,
    )


def _real(record: Record) -> list[Row]:
    """Servers that are not ours to start: only whether they answer."""
    found = []
    env = record.environment
    if "DATABASE_URL" not in record.embedded:
        try:
            told = server.check(env["DATABASE_URL"])
            found.append(Row("PostgreSQL", "answers", _host(env["DATABASE_URL"]), detail=told))
        except OpsError as error:
            where = _host(env["DATABASE_URL"])
            found.append(Row("PostgreSQL", "no answer", where, detail=error.message))
    if "MLFLOW_TRACKING_URI" not in record.embedded:
        uri = env["MLFLOW_TRACKING_URI"]
        found.append(Row("MLflow", _word(answers(f"{uri}/health")), _host(uri)))
    if "REDIS_HOST" not in record.embedded:
        host, port = env["REDIS_HOST"], int(env["REDIS_PORT"])
        found.append(Row("Redis", _word(redis.ping(host, port)), f"{host}:{port}"))
    return found


def _word(good: bool) -> str:
    return "answers" if good else "no answer"


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def _table(rows: Iterable[Row]) -> Table:
    table = Table("process", "state", "address", "pid", "since", "restarts", "", box=None)
    for row in rows:
        style = "green" if row.state in GOOD else LOOKS.get(row.state, ("", "bold red"))[1]
        told = (row.where, row.pid, row.since, row.restarts, escape(row.detail))
        table.add_row(row.name, f"[{style}]{row.state}[/]", *told)
    return table


def status() -> None:
    """What runs, where, since when; exit code 0 if all is well, 1 if not, 3 if nothing runs."""
    record = load(reach.home())
    running = launch.is_running(record)
    orphans = [one for one in record.processes if is_alive(one)]
    if not running and not orphans:
        say(f"Nothing runs in {reach.home().path}. Start it with `nivesh up`.")
        raise typer.Exit(NOT_RUNNING)
    with ThreadPoolExecutor(max(1, len(record.processes))) as pool:
        rows = [*pool.map(_row, record.processes), *_real(record)]
    out.print(_table(rows))
    if not running:
        say(
            "The supervisor is gone, so nothing that dies is started again."
            " `nivesh up` begins anew, `nivesh down` ends what is left.",
            style="red",
        )
        raise typer.Exit(NOT_WELL)
    for note in record.notes:
        say(note, style="yellow")
    if any(row.state not in GOOD for row in rows):
        raise typer.Exit(NOT_WELL)
