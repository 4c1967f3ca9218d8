"""traffic: realistic requests of many users to everything that is served."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Annotated

import typer
from rich.live import Live
from rich.table import Table

from ops import reach
from ops.errors import OpsError
from ops.stack.record import load
from ops.terminal import out, say
from ops.traffic.tally import Tally, total

LINE_EVERY_SECONDS = 30.0
FAILED = 1


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _row(name: str, tally: Tally) -> list[str]:
    versions = ", ".join(f"{v} {count}" for v, count in sorted(tally.versions.items()))
    counts = map(str, (tally.sent, tally.answered, tally.refused, tally.failed))
    speeds = (_milliseconds(tally.percentile(share)) for share in (0.5, 0.95))
    return [name, *counts, *speeds, versions]


def table(tallies: dict[str, Tally], left: float) -> Table:
    """Counts so far, by model and altogether."""
    title = f"{left:.0f} s left" if left else "Over"
    shown = Table(
        "model", "sent", "answered", "refused", "failed", "p50 ms", "p95 ms", "by version",
        title=title, title_justify="left", box=None,
    )  # fmt: skip
    for name in sorted(tallies):
        shown.add_row(*_row(name, tallies[name]))
    whole = total(list(tallies.values()))
    shown.add_row(*_row("all", whole)[:-1], ", ".join(f"{c} {n}" for c, n in whole.causes.items()))
    return shown


class _Lines:
    """For a log: one line at the first request and every half minute."""

    def __init__(self, tallies: dict[str, Tally]) -> None:
        self._tallies, self._said = tallies, float("-inf")

    def show(self, left: float) -> None:
        """Write the line if it is due."""
        if not self._tallies or time.monotonic() - self._said < LINE_EVERY_SECONDS:
            return
        self._said = time.monotonic()
        whole = total(list(self._tallies.values()))
        say(
            f"{whole.sent} sent, {whole.answered} answered, {whole.failed} failed,"
            f" p50 {_milliseconds(whole.percentile(0.5))} ms,"
            f" p95 {_milliseconds(whole.percentile(0.95))} ms, {left:.0f} s left"
        )


@contextmanager
def _view(tallies: dict[str, Tally]) -> Iterator[Callable[[float], None]]:
    """A table that is drawn in place on a terminal, lines elsewhere."""
    if not out.is_terminal:
        yield _Lines(tallies).show
        return
    with Live(console=out, refresh_per_second=2, transient=True) as live:
        yield lambda left: live.update(table(tallies, left))


def traffic(
    rate: Annotated[float, typer.Option(min=0.01, max=2000, help="Requests a second.")] = 10.0,
    minutes: Annotated[float, typer.Option(min=0.01, max=1440, help="For how long.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed asks the same.")] = 11,
) -> None:
    """Send realistic requests of many users to all models that are served.

    Requests leave when they are due, also while earlier ones are open. Exit code 1 if any failed.
    """
    url = reach.value("INFERENCE_URL", load(reach.home()))
    # The generators take a second to import; no other command should wait for them.
    from ops.traffic.requests import Crowd
    from ops.traffic.run import Load

    crowd_load = Load(url, rate, minutes * 60, Crowd(seed))
    with _view(crowd_load.tallies) as show, suppress(KeyboardInterrupt):
        asyncio.run(crowd_load.run(show))
    out.print(table(crowd_load.tallies, 0.0))
    whole = total(list(crowd_load.tallies.values()))
    if not whole.sent:
        raise OpsError(
            f"No model is served at {url}, so nothing was sent.",
            "`nivesh models` says why; `make up DEMO=1` promotes all four.",
        )
    if whole.failed:
        raise typer.Exit(FAILED)
