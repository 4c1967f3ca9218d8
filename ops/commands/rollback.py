"""rollback: the way back, with nothing but PostgreSQL and the inference workers."""

from typing import Annotated
from uuid import uuid4

import typer

from backend_api import catalog as catalogs
from backend_api import db, deployment
from backend_api.operations import rollback as operation
from backend_api.operations.order import perform
from backend_api.schemas import Deployment, RollBack
from ops import arrival, reach
from ops.caller import actor
from ops.stack.record import load
from ops.terminal import say

PATIENCE_SECONDS = 60.0


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
    settings = reach.settings(load(reach.home()))
    catalog = catalogs.load(settings.models_file)
    entry = catalog.get(model)
    body = RollBack(request_id=uuid4(), reason=reason, expected_production=None, to=to)
    with reach.database() as engine:
        outcome = perform(
            engine, f"roll back {model}", body, actor(), db.now(),
            lambda s, o: operation.roll_back(s, o, model, entry.endpoint, to=to),
        )  # fmt: skip
        say(outcome.sentence)

        def read() -> Deployment:
            with db.transaction(engine, None) as session:
                return deployment.deployment(
                    session, catalog, model, db.now(), settings.replica_timeout_seconds
                )

        arrival.follow(outcome.epoch or 0, read, PATIENCE_SECONDS)
