"""shadow: ask a version what others answer, and compare, without anybody getting its answers."""

from typing import Annotated
from uuid import uuid4

import typer

from backend_api.schemas import SetShadow
from console import shadow as page
from ops import caller
from ops.commands.promotion import Reason
from ops.commands.version import Model
from ops.errors import OpsError
from ops.terminal import say

VERSION = typer.Argument(help="For example v1.3.0; without one, say how the shadow does.")


def shadow(
    model: Model,
    version: Annotated[str | None, VERSION] = None,
    share: Annotated[
        int, typer.Option("--share", min=1, max=100, help="Per cent of the requests.")
    ] = 20,
    off: Annotated[bool, typer.Option("--off", help="Mirror no more.")] = False,
    reason: Reason = "",
) -> None:
    """Mirror a share of the requests to a version, end that, or say how often it agrees."""
    with caller.backend() as backend:
        found = backend.deployment(model).shadow
        if version is None and not off:
            say(page.agreement(found) if found else f"{model} has nothing in the shadow.")
            return
        if off and found is None:
            raise OpsError(f"{model} has nothing in the shadow.", "Nothing was changed.")
        body = SetShadow(
            request_id=uuid4(), reason=reason, share=0 if off else share,
            version=found.version if off and found else version or "",
            expected_version=found.version if found else None,
            expected_share=found.share if found else 0,
        )  # fmt: skip
        say(backend.set_shadow(model, body).sentence)
