"""What is decided about a model beside its promotions: share, refusal, hold, mirror."""

from typing import Annotated
from uuid import uuid4

import typer

from backend_api.schemas import Explain, ShiftTraffic
from ops import caller
from ops.commands.promotion import Reason, arrive
from ops.commands.version import Model, Name, move
from ops.errors import OpsError
from ops.terminal import say

FULL = 100


def share(
    model: Model,
    per_cent: Annotated[int, typer.Argument(min=0, max=100, help="0 aborts, 100 promotes.")],
    reason: Reason,
) -> None:
    """Set what the canary gets of the requests, and watch it reach every worker."""
    with caller.backend() as backend:
        desired = backend.deployment(model).desired
        if desired is None or desired.canary is None:
            raise OpsError(
                f"{model} has no canary.",
                "`nivesh promote MODEL VERSION --canary 10` asks for one.",
            )
        if desired.canary_share < per_cent < FULL:
            say(backend.price(model, per_cent).sentence)
        body = ShiftTraffic(
            request_id=uuid4(), reason=reason, share=per_cent, expected_canary=desired.canary,
            expected_share=desired.canary_share,
        )  # fmt: skip
        arrive(backend, backend.shift_traffic(model, body))


def refuse(model: Model, version: Name, reason: Reason) -> None:
    """Refuse a version for good; an open request for it is closed with it."""
    with caller.backend() as backend:
        say(backend.reject_version(model, version, move(backend, model, version, reason)).sentence)


def lift_hold(model: Model, reason: Reason) -> None:
    """Let promotions of a model through again after a rollback."""
    body = Explain(request_id=uuid4(), reason=reason)
    with caller.backend() as backend:
        say(backend.lift_hold(model, body).sentence)


def repair(model: Model, reason: Reason) -> None:
    """Write our decision to MLflow again, over what somebody changed there."""
    body = Explain(request_id=uuid4(), reason=reason)
    with caller.backend() as backend:
        say(backend.repair_mirror(model, body).sentence)
