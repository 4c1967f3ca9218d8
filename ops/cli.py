"""The command `nivesh`: every verb, and where it is written."""

import typer

from ops.commands import promotion, rollout, serving, stack, status, train, version
from ops.commands.access import account, token
from ops.commands.audit import audit
from ops.commands.canary import canary
from ops.commands.doctor import doctor
from ops.commands.drift import drift
from ops.commands.fallback import fallback
from ops.commands.features import features
from ops.commands.history import answered, history
from ops.commands.labels import accuracy, labels
from ops.commands.rehearse import rehearse
from ops.commands.rollback import rollback
from ops.commands.shadow import shadow
from ops.commands.traffic import traffic
from ops.terminal import Sentences

app = typer.Typer(
    cls=Sentences, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Run the stack of Nivesh Console, and decide on models from a terminal.",
)  # fmt: skip

PANELS = {
    "The stack": (stack.up, stack.down, status.status, stack.env, doctor),
    "Versions": (
        train.train, version.models, version.versions, version.register, version.stage,
        version.validate, version.quantize, serving.refuse,
    ),
    "Promotions": (
        promotion.promote, promotion.requests, promotion.approve, promotion.reject,
        promotion.withdraw,
    ),
    "Serving": (
        rollback, rehearse, rollout.walk_down, fallback, shadow, serving.share, rollout.pause,
        rollout.resume, serving.lift_hold, serving.repair, traffic,
    ),
    "Quality": (accuracy, drift),
    "Access and record": (history, answered),
}  # fmt: skip
for panel, verbs in PANELS.items():
    for verb in verbs:
        app.command(rich_help_panel=panel)(verb)
for name, group in (("account", account), ("token", token), ("audit", audit)):
    app.add_typer(group, name=name, rich_help_panel="Access and record")
app.add_typer(features, name="features", rich_help_panel="Serving")
app.add_typer(labels, name="labels", rich_help_panel="Quality")
app.add_typer(canary, name="canary", rich_help_panel="Serving")

if __name__ == "__main__":
    app()
