"""drift: do a model's requests still look like what its version was made for?"""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from backend_api.schemas import Drift
from backend_api.states import Against, DriftState, Health
from ops import caller
from ops.commands.version import Model
from ops.terminal import out, say

# 1 and 2 are taken: what could not be asked at all, and what was typed wrongly.
CODES = {
    DriftState.NONE: 0, DriftState.MEDIUM: 10, DriftState.HIGH: 20, DriftState.INSUFFICIENT: 30,
}  # fmt: skip
STYLES = {
    DriftState.NONE: "green", DriftState.MEDIUM: "yellow", DriftState.HIGH: "bold red",
    DriftState.INSUFFICIENT: "dim",
}  # fmt: skip


def drift(
    model: Model,
    days: Annotated[int, typer.Option(min=1, max=90, help="Whole days (UTC), today too.")] = 7,
    against: Annotated[
        Against, typer.Option(help="The version's reference, the time before, the same weekdays.")
    ] = Against.REFERENCE,
    version: Annotated[str | None, typer.Option(help="Else that in production.")] = None,
    whole: Annotated[bool, typer.Option("--json", help="Every number, for a file.")] = False,
) -> None:
    """Score a model's requests. Exit code: 0 no drift, 10 medium, 20 high, 30 too few rows to say.

    Medium is a score of 0.1 or more, high one over 0.3, both beyond what chance gives for so many
    rows. 1: it could not be asked, or there is nothing to compare; the sentence says which.
    """
    with caller.backend() as backend:
        found = backend.drift(model, version=version, against=against, days=days)
    if whole:
        typer.echo(found.model_dump_json(indent=2))
    else:
        _told(found)
    raise typer.Exit(CODES[found.state])


def _told(found: Drift) -> None:
    last = found.days[-1]
    span = f"{found.days[0]:%-d %b} to {last:%-d %b %Y}" if last > found.days[0] else f"{last}"
    say(f"{found.model_name} {found.version}, {span}, against {found.against}", style="bold")
    say(f"{found.state.upper()}: {found.sentence}", style=STYLES[found.state])
    table = Table("feature", "state", "score", "noise", "PSI", "p", "rows", box=None)
    for one in sorted(found.scores, key=lambda s: -(s.distance or 0.0)):
        cells = (_number(one.distance), f"{one.noise:.3f}", _number(one.psi), f"{one.adjusted:.2g}")
        table.add_row(
            escape(one.name), f"[{STYLES[one.state]}]{one.state}[/]", *cells, f"{one.rows:,}"
        )
    out.print(table)
    if found.unjudged:
        say(found.unjudged, style="yellow")
    for odd in found.odd:
        say(odd.sentence, style="yellow")
    if found.quality == Health.OK:
        say("No odd values: as many are missing, unseen or out of range as in the reference.")
    if found.kept is not None:
        kept = found.kept
        over = f", over {kept.days} days" if kept.days > 1 else ""
        say(f"Day by day it stands at {kept.state} after {kept.day}{over}. {found.needs}")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
