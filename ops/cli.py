"""The command `nivesh`: every verb, and where it is written."""

import typer

from ops.commands import stack
from ops.terminal import Sentences

app = typer.Typer(
    cls=Sentences, no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Run the stack of Nivesh Console, and decide on models from a terminal.",
)  # fmt: skip

for verb in (stack.up, stack.down, stack.env):
    app.command()(verb)

if __name__ == "__main__":
    app()
