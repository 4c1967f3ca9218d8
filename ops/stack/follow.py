"""Watching the record, and showing on a terminal how the stack comes up, stays and goes down."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.live import Live
from rich.markup import escape
from rich.table import Table

from ops.stack.home import Home
from ops.stack.record import Entry, Record, load
from ops.terminal import out, say

TICK = 0.1
# How a state looks: its mark and its style.
LOOKS = {
    "waiting": ("·", "dim"),
    "starting": ("…", "yellow"),
    "ready": ("✓", "green"),
    "restarting": ("!", "red"),
    "stopping": ("…", "yellow"),
    "stopped": ("·", "dim"),
}


class View(Protocol):
    """Shows a record, again and again."""

    def show(self, record: Record) -> None:
        """Bring what is shown up to the record."""


class Board:
    """All processes at once, redrawn in place."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._begun = time.monotonic()
        self._since: dict[tuple[str, str], float] = {}

    def show(self, record: Record) -> None:
        """Draw the table anew."""
        table = Table.grid(padding=(0, 2))
        for one in record.processes:
            mark, style = LOOKS[one.state]
            since = self._since.setdefault((one.name, one.state), time.monotonic() - self._begun)
            table.add_row(
                f"[{style}]{mark}[/]",
                one.name,
                f"[{style}]{one.state}[/]",
                f"[dim]{since:.1f} s[/]",
                "" if one.state == "ready" else escape(one.detail),
            )
        self._live.update(table)


class Lines:
    """One line per change; what stands in ``seen`` is known already."""

    def __init__(self, seen: Record | None = None) -> None:
        self._said = {one.name: (one.state, one.restarts) for one in seen.processes} if seen else {}

    def show(self, record: Record) -> None:
        """Write what has changed."""
        for one in record.processes:
            if self._said.get(one.name) != (one.state, one.restarts) and one.state != "waiting":
                self._said[one.name] = (one.state, one.restarts)
                say(f"{time.strftime('%H:%M:%S')}  {_sentence(one)}")


def _sentence(one: Entry) -> str:
    return f"{one.name} is {one.state}" + (f": {one.detail}" if one.state == "restarting" else "")


@contextmanager
def view() -> Iterator[View]:
    """A board on a terminal, lines elsewhere."""
    if not out.is_terminal:
        yield Lines()
        return
    with Live(console=out, refresh_per_second=8) as live:
        yield Board(live)


def follow(home: Home, shown: View, is_over: Callable[[Record], bool]) -> Record:
    """Show the record until ``is_over`` says so; returns the last one read."""
    while True:
        record = load(home)
        shown.show(record)
        if is_over(record):
            return record
        time.sleep(TICK)
