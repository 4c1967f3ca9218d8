"""rehearse: try the way back on every worker, without sending anybody there."""

from uuid import uuid4

from backend_api.schemas import Explain
from ops import caller
from ops.commands.version import BY_HAND, Model, Why, followed
from ops.terminal import out, say


def rehearse(model: Model, reason: Why = BY_HAND) -> None:
    """Have every worker answer by the version that a rollback would go to, and wait.

    Users stay where they are; nothing of it counts as traffic.
    """
    body = Explain(request_id=uuid4(), reason=reason)
    with caller.backend() as backend:
        outcome = backend.rehearse(model, body)
        say(outcome.sentence)
        try:
            say(followed(backend, outcome).message)
        finally:
            for item in backend.deployment(model).readiness.items:
                out.print(f"  {item.state:10}{item.title}: {item.sentence}", markup=False)
