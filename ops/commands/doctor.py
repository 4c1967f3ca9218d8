"""doctor: the runbook's pre-deployment checklist, checked."""

import typer
from rich.markup import escape
from rich.table import Table

from ops import reach
from ops.checklist import run
from ops.checklist.finding import BAD, GOOD, NOTE
from ops.settings import OpsSettings
from ops.stack.record import load
from ops.terminal import out, say

LOOKS = {
    GOOD: ("✓", "green"),
    NOTE: ("·", "yellow"),
    BAD: ("✗", "red"),
}
NOT_WELL = 1


def doctor() -> None:
    """What is missing or wrong here, and the way out; exit code 1 if anything is wrong."""
    home = reach.home()
    findings = run.everything(OpsSettings(), home, load(home))
    table = Table.grid(padding=(0, 2))
    for _ in range(3):
        table.add_column(overflow="fold")
    for finding in findings:
        mark, style = LOOKS[finding.state]
        told = escape(finding.sentence)
        if finding.way_out:
            told += f"\n[dim]{escape(finding.way_out)}[/]"
        table.add_row(f"[{style}]{mark}[/]", finding.name, told)
    out.print(table)
    wrong = [finding for finding in findings if finding.state == BAD]
    if wrong:
        say(f"{len(wrong)} of {len(findings)} checks are not passed.", style="bold red")
        raise typer.Exit(NOT_WELL)
    say("Nothing stands in the way.", style="bold green")
