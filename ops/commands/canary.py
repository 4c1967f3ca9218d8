"""canary: what a share would cost and how a plan would have gone; rollout.py moves one."""

from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from backend_api.schemas import DryRun, DryRunStep
from ops import caller
from ops.commands.version import Model
from ops.errors import OpsError
from ops.terminal import out, say

canary = typer.Typer(no_args_is_help=True, help="Know a canary before, and move it by hand.")


@canary.command()
def price(
    model: Model,
    per_cent: Annotated[int, typer.Argument(min=1, max=99, help="Share of the canary.")],
) -> None:
    """Say what a share would show and risk, at the pace of the last hour."""
    with caller.backend() as backend:
        say(backend.price(model, per_cent).sentence)


Rate = Annotated[float | None, typer.Option(min=0.0001, max=99.0, help="Per cent of requests.")]


@canary.command("dry-run")
def dry_run(
    model: Model,
    days: Annotated[int, typer.Option(min=1, max=30, help="How much of the log.")] = 7,
    steps: Annotated[str, typer.Option(help="Shares, such as 10,50,100; else the model's.")] = "",
    hours: Annotated[float | None, typer.Option(help="Of comparison in each step.")] = None,
    minimum: Annotated[int | None, typer.Option(help="Units that each arm must have.")] = None,
    errors_to: Rate = None,
    errors_from: Rate = None,
) -> None:
    """Walk a plan through the logged traffic of the last days; changes nothing.

    With --errors-to it says when a canary of that error rate would be expected to go back.
    """
    body = DryRun(
        days=days, hours=hours, min_requests=minimum,
        steps=_shares(steps),
        errors_from=errors_from and errors_from / 100, errors_to=errors_to and errors_to / 100,
    )  # fmt: skip
    with caller.backend() as backend:
        found = backend.dry_run(model, body)
    say(found.sentence)
    if found.assumed is not None:
        say(found.assumed.sentence)
    if found.steps:
        out.print(_table(found.steps))
    for stall in found.stalls:
        say(f"Nothing to compare at {stall.share} %: {_when(stall.since)} to {_when(stall.until)}")


def _shares(typed: str) -> list[int] | None:
    if not typed:
        return None
    try:
        return [int(share) for share in typed.split(",")]
    except ValueError as error:
        raise OpsError(
            f"{typed!r} are no shares.", "Write them as in --steps 10,50,100."
        ) from error


def _when(moment: datetime | None) -> str:
    return f"{moment:%d %b %H:%M} UTC" if moment else "not reached"


def _table(steps: list[DryRunStep]) -> Table:
    table = Table("share", "from", "minimum", "over", "canary", "stable", "shows from", box=None)
    for one in steps:
        table.add_row(
            f"{one.share} %", _when(one.since), _when(one.least_at), _when(one.until),
            f"{one.canary_units:,}", f"{one.stable_units:,}",
            f"{one.detectable:.2%} errors" if one.detectable else "nothing",
        )  # fmt: skip
    return table
