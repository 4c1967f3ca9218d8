"""canary: what a share would cost, before it is set."""

from typing import Annotated

import typer

from ops import caller
from ops.commands.version import Model
from ops.terminal import say

canary = typer.Typer(no_args_is_help=True, help="Know a canary before it begins.")


@canary.command()
def price(
    model: Model,
    per_cent: Annotated[int, typer.Argument(min=1, max=99, help="Share of the canary.")],
) -> None:
    """Say what a share would show and risk, at the pace of the last hour."""
    with caller.backend() as backend:
        say(backend.price(model, per_cent).sentence)
