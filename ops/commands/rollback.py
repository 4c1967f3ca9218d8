"""rollback: the way back, with nothing but PostgreSQL and the inference workers."""

from typing import Annotated
from uuid import uuid4

import typer

from backend_api.operations import rollback as operation
from backend_api.schemas import RollBack
from ops.commands import decision


def rollback(
    model: Annotated[str, typer.Argument(help="For example intent_classifier.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands in the ledger.")],
    to: Annotated[
        str | None,
        typer.Option("--to", help="An archived, verified version; by default the last one."),
    ] = None,
) -> None:
    """Send all traffic back to the last version that was verified in production.

    Needs no approval, and works with the backend, the worker, the console, MLflow and Redis down.
    It sets a hold on the model.
    """
    body = RollBack(request_id=uuid4(), reason=reason, expected_production=None, to=to)
    decision.carry_out(
        model, f"roll back {model}", body,
        lambda s, o, entry: operation.roll_back(s, o, model, entry.endpoint, to=to),
    )  # fmt: skip
