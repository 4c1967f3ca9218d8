"""The command `nivesh`: every verb, and where it is written."""

from importlib import import_module
from typing import Any

import typer
from typer.main import get_command, get_group

from ops.terminal import Sentences

# Each verb and the module of ops.commands that holds the function of its name.
PANELS: dict[str, dict[str, str]] = {
    "The stack": {
        "up": "stack", "down": "stack", "status": "status", "env": "stack", "doctor": "doctor",
    },
    "Versions": {
        "train": "train", "models": "version", "versions": "version", "register": "version",
        "stage": "version", "validate": "version", "quantize": "version", "refuse": "serving",
    },
    "Promotions": {
        "promote": "promotion", "requests": "promotion", "approve": "promotion",
        "reject": "promotion", "withdraw": "promotion",
    },
    "Serving": {
        "rollback": "rollback", "rehearse": "rehearse", "walk-down": "rollout",
        "fallback": "fallback", "shadow": "shadow", "share": "serving", "pause": "rollout",
        "resume": "rollout", "lift-hold": "serving", "repair": "serving", "traffic": "traffic",
        "features": "features", "canary": "rollout",
    },
    "Quality": {
        "accuracy": "labels", "drift": "drift", "labels": "labels", "retrain": "retrain",
        "export-predictions": "retrain", "incidents": "incidents", "incident": "incidents",
        "reference": "reference", "recount": "reference",
    },
    "Access and record": {
        "history": "history", "answered": "history", "account": "access", "token": "access",
        "audit": "audit",
    },
}  # fmt: skip
PLACES = {verb: (panel, place) for panel, verbs in PANELS.items() for verb, place in verbs.items()}


class Verbs(Sentences):
    """Imports a verb when it is asked for: whoever rolls back does not wait for all the others."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Every verb, in the order of the table."""
        return list(PLACES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """The verb, or None if there is none of this name."""
        if cmd_name not in PLACES:
            return None
        panel, place = PLACES[cmd_name]
        module = import_module(f"ops.commands.{place}")
        found = getattr(module, cmd_name.replace("-", "_"))
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(add_completion=False)
            alone.command(cmd_name, rich_help_panel=panel)(found)
            return get_command(alone)
        group = get_group(found)
        group.name, group.rich_help_panel = cmd_name, panel
        return group


app = typer.Typer(
    cls=Verbs, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


@app.callback()
def nivesh() -> None:
    """Run the stack of Nivesh Console, and decide on models from a terminal."""


if __name__ == "__main__":
    app()
