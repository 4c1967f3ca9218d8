"""Is anything wrong with the whole? What serves predictions weighs more than what stands beside."""

from backend_api.schemas import Service
from backend_api.states import Health, worst

# Predictions stop without it; without any other part they go on.
VITAL = {"Inference"}
# Not part of every installation: never heard is not a fault, silent after it was heard is.
OPTIONAL = {"Prometheus"}


def weight(part: Service) -> Health | None:
    """What a part's state means for the whole; None for one that is not installed."""
    if part.name in OPTIONAL and part.last_good_at is None:
        return None
    if part.state == Health.DOWN and part.name not in VITAL:
        return Health.DEGRADED
    return part.state


def whole(models: list[Health], parts: list[Service]) -> Health:
    """The worst of the models and of what the parts weigh."""
    weights = [weight(part) for part in parts]
    return worst([*models, *(found for found in weights if found is not None)])
