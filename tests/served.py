"""A trained version behind a real inference process, and what its users ask it day by day."""

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import text
from typer.testing import CliRunner

from backend_api import db, drift_folding, watch
from backend_api.catalog import ModelEntry
from backend_api.operations import drift
from backend_api.spans import HOUR, floor
from ops.cli import app
from tests.conftest import Backend
from tests.inference_process import Inference
from tests.makers import wait_until
from tests.profiles import judging

if TYPE_CHECKING:
    # It brings torch, which whoever only serves need not wait for.
    from training.pipeline import TrainResult

VERSION = "v1.0.0"
DEPLOY = text("""
    INSERT INTO model_deployments (model_id, environment, endpoint_url, traffic_percentage, status)
    SELECT id, 'production', :endpoint, 100, 'active' FROM model_registry
    WHERE model_name = :model AND version = :version
""")
# All of a look's times, so that what was asked a moment ago happened on an earlier day.
PAST = (
    text("SELECT ensure_prediction_partition(current_date - CAST(:days AS int))"),
    text("UPDATE model_predictions SET predicted_at = predicted_at - :days * interval '1 day'"
         " WHERE model_name = :model AND predicted_at >= :since"),
    text("UPDATE drift_deltas SET hour = hour - :days * interval '1 day'"
         " WHERE model_name = :model AND hour >= :hour"),
    text("UPDATE model_registry SET deployed_at = least(deployed_at, :since - :days * interval"
         " '1 day') WHERE model_name = :model"),
)  # fmt: skip


def trained(
    backend: Backend, serve: Callable[..., Inference], entry: ModelEntry, model: str,
    run: "TrainResult",
) -> "Served":  # fmt: skip
    """A run, registered with its reference over HTTP and put in production as the runbook does."""
    body = {"request_id": str(uuid4()), "reason": "trained on real data",
            "model_uri": run.model_uri, "version": VERSION}  # fmt: skip
    told = backend.client("lead").post(f"/models/{model}/versions", json=body)
    assert told.status_code == 201, told.text
    # By hand: a small model misses the acceptance criteria, and approvals hold it back.
    with backend.engine.begin() as connection:
        connection.execute(DEPLOY, {"model": model, "version": VERSION, "endpoint": entry.endpoint})
    uri = backend.settings.mlflow_tracking_uri
    inference = serve(INFERENCE_WORKERS="1", MLFLOW_TRACKING_URI=uri)
    return Served(backend, inference, entry, model)


class Served:
    """A version in production behind a real service."""

    def __init__(
        self, backend: Backend, inference: Inference, entry: ModelEntry, model: str
    ) -> None:
        self.backend, self.inference, self.model = backend, inference, model
        self.endpoint = entry.endpoint
        self._sent = 0
        self._looks = 0

    def ask(self, requests: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Ask each, and return the answers when all of them are in the log and counted."""
        self.begun = db.now()
        answers = []
        for request in requests:
            answer = self.inference.http.post(self.endpoint, json=request)
            assert answer.status_code == 200, answer.text
            assert answer.json()["version"] == VERSION
            answers.append(answer.json())
        self._sent += len(answers)
        wait_until(lambda: self._logged() == self._sent, 60, "the log holds every answer")
        return answers

    def _logged(self) -> int:
        with self.backend.engine.connect() as connection:
            return int(
                connection.scalar(
                    text("SELECT count(*) FROM model_predictions WHERE model_name = :model"),
                    {"model": self.model},
                )
                or 0
            )

    def fold(self) -> None:
        """As a worker does every few seconds."""
        self._looks += 1
        drift_folding.tend(self.backend.engine, db.now() + self._looks * drift_folding.FOLD_AFTER)

    def past(self, days: int) -> None:
        """What was asked last was asked so many days ago."""
        values = {"model": self.model, "days": days, "since": self.begun,
                  "hour": floor(self.begun, HOUR)}  # fmt: skip
        with self.backend.engine.begin() as connection:
            for statement in PAST:
                connection.execute(statement, values)
        self.fold()

    def judge(self, later: int = 0) -> None:
        """As the watch does once a day, so many of its looks later."""
        watch.judge_drift(self.backend.engine, self.model, judging() + later * drift.EVERY)

    def drift(self, days: int = 1) -> dict[str, Any]:
        """What the API says of the last days, today among them."""
        place = f"/models/{self.model}/drift"
        answer = self.backend.client("viewer").get(place, params={"days": days})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        assert found["rows"] == sum(found["day_rows"])
        return found

    def exit_code(self, days: int = 1) -> int:
        """What `nivesh drift` ends with; the terminal knows the backend by its environment."""
        return CliRunner().invoke(app, ["drift", self.model, "--days", str(days)]).exit_code

    def kept(self) -> list[dict[str, Any]]:
        """Results of the days that are over, newest first."""
        client = self.backend.client("viewer")
        answer = client.get("/drift/results", params={"model": self.model})
        found: list[dict[str, Any]] = json.loads(answer.text)["results"]
        return found


def moved(found: dict[str, Any]) -> dict[str, float]:
    """Features that drifted, with their scores."""
    return {s["name"]: s["distance"] for s in found["scores"] if s["state"] in ("medium", "high")}
