"""A candidate that a job makes of a version: the run it goes on from, and its registration."""

from collections.abc import Mapping

from backend_api.context import Context
from backend_api.db import transaction
from backend_api.errors import Unavailable
from backend_api.operations import version as operation
from backend_api.operations.order import Order
from backend_api.registry import version_row
from backend_api.schemas import RegisterVersion


def run_of(context: Context, model: str, version: str) -> str:
    """The run that made the version.

    Raises:
        NotFound: no such version.  Unavailable: it was registered from none.
    """
    with transaction(context.engine, None) as session:
        run_id = version_row(session, model, version).run_id
    if run_id is None:
        raise Unavailable(f"{model} {version} was registered from no run.")
    return run_id


def register(
    context: Context, order: Order, model: str, uri: str, description: str, tags: Mapping[str, str]
) -> str:
    """Make a run's model a version; its name. A job that is begun anew registers nothing twice.

    Raises:
        Unavailable: MLflow or PostgreSQL does not answer.
    """
    body = RegisterVersion(
        request_id=order.request_id, reason=order.reason, model_uri=uri, description=description,
        tags=dict(tags),
    )  # fmt: skip
    found = context.mlflow.register(model, uri, str(body.request_id), body.description, body.tags)
    with transaction(context.engine, order.actor) as session:
        made = operation.enter(session, order, model, found, body).version
    assert made is not None
    return made
