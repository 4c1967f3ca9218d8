"""fallback: rules in place of versions, with nothing but PostgreSQL and the inference workers."""

from typing import Annotated
from uuid import uuid4

import typer

from backend_api.operations import fallback as operation
from backend_api.schemas import SetFallback
from ops.commands import decision
from ops.commands.promotion import Reason
from ops.commands.version import Model


def fallback(
    model: Model,
    on: Annotated[bool, typer.Option("--on/--off", help="Rules answer, or versions again.")],
    reason: Reason,
) -> None:
    """Have rules answer a model instead of its versions, until somebody ends it.

    Works like a rollback: no approval, and neither backend nor MLflow are needed.
    """
    body = SetFallback(request_id=uuid4(), reason=reason, on=on)
    decision.carry_out(
        model, f"fallback {model}", body, lambda s, o, e: operation.choose(s, o, e, model, on)
    )
