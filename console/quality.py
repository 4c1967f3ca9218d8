"""What the backend says of how well models do: labels, accuracy, incidents."""

from collections.abc import Iterator
from typing import Literal
from uuid import UUID

from backend_api.schemas import (
    Accuracy,
    Incident,
    Job,
    LabelsTaken,
    MoveIncident,
    Outcome,
    Retrain,
)
from console.transport import Transport

Response = Literal["acknowledge", "mitigate", "resolve", "close"]


class Quality(Transport):
    """Whether models are still right, and what was done about it."""

    def accuracy(self, model: str, days: int = 30, version: str | None = None) -> Accuracy:
        """How often a model was right, by the day of the prediction."""
        return self._get(Accuracy, "models", model, "accuracy", days=days, version=version)

    def take_labels(self, content: bytes, request_id: UUID, reason: str) -> LabelsTaken:
        """Labels from the content of a CSV file."""
        return self._call(
            "POST", ("labels", "csv"), LabelsTaken, content, request_id=str(request_id),
            reason=reason,
        )  # fmt: skip

    def export_predictions(
        self, model: str, days: int, form: str = "jsonl", *, labelled: bool = False
    ) -> Iterator[bytes]:
        """What users were answered, as a file of JSON lines or CSV, piece by piece."""
        return self._stream("models", model, "predictions", days=days, form=form, labelled=labelled)

    def retrain(self, model: str, body: Retrain) -> Outcome:
        """Queue the training of a candidate on old and new rows; ``job_id`` follows it."""
        return self._post(body, "models", model, "retrain")

    def retrainings(self, model: str) -> list[Job]:
        """The last retrainings of a model, newest first."""
        return self._get(list[Job], "models", model, "retrainings")

    def incidents(self, model: str | None = None, *, only_open: bool = False) -> list[Incident]:
        """Incidents without their timelines, newest first."""
        return self._get(list[Incident], "incidents", model=model, only_open=only_open)

    def incident(self, incident: UUID) -> Incident:
        """An incident with its timeline."""
        return self._get(Incident, "incidents", str(incident))

    def move_incident(self, incident: UUID, verb: Response, body: MoveIncident) -> Outcome:
        """Acknowledge, mitigate, resolve or close an incident."""
        return self._post(body, "incidents", str(incident), verb)
