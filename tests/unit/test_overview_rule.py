"""What the state of the whole is made of."""

from datetime import UTC, datetime

import pytest

from backend_api.rules.overview import whole
from backend_api.schemas import Service
from backend_api.states import Health

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OK, DOWN, DEGRADED, UNKNOWN = Health.OK, Health.DOWN, Health.DEGRADED, Health.UNKNOWN


def part(name: str, state: Health, heard: datetime | None = NOW) -> Service:
    return Service(name=name, state=state, detail="", checked_at=NOW, last_good_at=heard)


@pytest.mark.parametrize(
    ("models", "parts", "state"),
    [
        ([OK], [part("MLflow", OK)], OK),
        ([OK], [part("MLflow", DOWN)], DEGRADED),
        ([OK], [part("Worker", DOWN, None)], DEGRADED),
        ([OK], [part("Inference", DOWN)], DOWN),
        ([DOWN], [part("MLflow", OK)], DOWN),
        ([OK], [part("Prometheus", UNKNOWN, None)], OK),
        ([OK], [part("Prometheus", DOWN)], DEGRADED),
        ([OK], [part("MLflow", UNKNOWN, None)], UNKNOWN),
        ([], [], UNKNOWN),
    ],
)
def test_predictions_weigh_more_than_what_stands_beside(
    models: list[Health], parts: list[Service], state: Health
) -> None:
    assert whole(models, parts) == state
