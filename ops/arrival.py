"""A decision on its way to the workers: shown one by one, until each serves it."""

import time
from collections.abc import Callable

from rich.live import Live
from rich.markup import escape
from rich.table import Table

from backend_api.errors import Unavailable
from backend_api.schemas import Deployment, Observed
from console.errors import BackendDown
from ops.errors import OpsError
from ops.terminal import out, say

TICK = 0.1


def seconds(deployment: Deployment, worker: Observed) -> float:
    """From the decision to the worker's acknowledgement, by the database's clock."""
    assert deployment.desired is not None
    return (worker.acknowledged_at - deployment.desired.changed_at).total_seconds()


def table(deployment: Deployment) -> Table:
    """One row per live worker: what it serves, and since when."""
    rows = Table.grid(padding=(0, 2))
    for worker in deployment.observed:
        if not worker.live:
            continue
        serves = "rules" if worker.fallback else worker.production or "nothing"
        if worker.agrees:
            told = f"[green]serves {serves}[/] after {seconds(deployment, worker):.2f} s"
        elif worker.error:
            told = f"[red]{escape(worker.error)}[/]"
        else:
            told = f"[yellow]still serves {serves}[/]"
        rows.add_row(worker.replica_id, told)
    return rows


def _read(read: Callable[[], Deployment], last: Deployment | None) -> Deployment | None:
    """The newest reading; an outage while waiting is no reason to stop waiting."""
    try:
        return read()
    except (Unavailable, BackendDown):
        return last


def _missing(deployment: Deployment | None) -> str:
    live = [w for w in deployment.observed if w.live] if deployment else []
    if not live:
        return "No inference worker is live."
    late = [f"{w.replica_id}{f' ({w.error})' if w.error else ''}" for w in live if not w.agrees]
    return f"{len(late)} of {len(live)} workers are not there yet: {', '.join(late)}."


def follow(epoch: int, read: Callable[[], Deployment], patience: float) -> None:
    """Show each worker until all live ones acknowledged the epoch.

    Raises:
        OpsError: they did not within ``patience`` seconds; names those that are missing.
    """
    deadline = time.monotonic() + patience
    seen: Deployment | None = None
    with Live(console=out, refresh_per_second=10, transient=True) as live:
        while time.monotonic() < deadline:
            seen = _read(read, seen)
            if seen is not None and seen.desired is not None:
                live.update(table(seen))
                if seen.desired.epoch >= epoch and seen.agrees:
                    break
            time.sleep(TICK)
        else:
            raise OpsError(
                f"The decision is written and stands. {_missing(seen)}",
                "Workers keep trying; `nivesh models` and the Deployments page show how far it is.",
            )
    out.print(table(seen))
    arrived = [w for w in seen.observed if w.live]
    slowest = max(seconds(seen, worker) for worker in arrived)
    say(f"All {len(arrived)} workers serve it, {slowest:.2f} s after the decision.", "bold green")
