"""Decisions straight on PostgreSQL, for what must work with the backend and all else down."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from backend_api import catalog as catalogs
from backend_api import db, deployment
from backend_api.catalog import ModelEntry
from backend_api.operations.order import Order, perform
from backend_api.schemas import Deployment, Outcome, Write
from ops import arrival, reach
from ops.caller import actor
from ops.stack.record import load
from ops.terminal import say

PATIENCE_SECONDS = 60.0


def carry_out(
    model: str, name: str, body: Write, act: Callable[[Session, Order, ModelEntry], Outcome]
) -> None:
    """Decide once about a model, say what was decided, and follow it to the workers.

    Raises:
        NotFound: no such model.  OpsError: the workers did not follow in time.
    """
    settings = reach.settings(load(reach.home()))
    catalog = catalogs.load(settings.models_file)
    entry = catalog.get(model)
    with reach.database() as engine:
        outcome = perform(engine, name, body, actor(), db.now(), lambda s, o: act(s, o, entry))
        say(outcome.sentence)

        def read() -> Deployment:
            with db.transaction(engine, None) as session:
                return deployment.deployment(
                    session, catalog, model, db.now(), settings.replica_timeout_seconds
                )

        arrival.follow(outcome.epoch or 0, read, PATIENCE_SECONDS)
