"""What the person at the terminal sees: two consoles, and errors as sentences."""

import sys
from typing import Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from backend_api.errors import ConsoleError
from console.errors import BackendError
from ops.errors import OpsError

# A pipe or a log has no width of its own, and tables are not to be cut to a guess.
WIDE = 200
out = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else WIDE)


def say(text: str, style: str = "") -> None:
    """One line, as it is: no markup, and no wrapping where it goes into a file."""
    out.print(escape(text), style=style, soft_wrap=not out.is_terminal)


def refuse(message: str, hint: str = "") -> None:
    """An error: the sentence, and the way out under it."""
    err.print(f"[bold red]Error:[/] {escape(message)}", soft_wrap=not err.is_terminal)
    if hint:
        err.print(escape(hint), soft_wrap=not err.is_terminal)


def _fields(error: ValidationError) -> str:
    wrong = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return f"{'; '.join(wrong)}."


class Sentences(TyperGroup):
    """Commands that end with a sentence and exit code 1 where others show a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (OpsError, ConsoleError, BackendError) as error:
            refuse(error.message, error.hint)
        except ValidationError as error:
            refuse(_fields(error), "See the README, Settings, or the command's --help.")
        raise typer.Exit(1)
