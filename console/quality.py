"""What the backend says of how well models do: labels, accuracy, incidents."""

from typing import Literal
from uuid import UUID

from backend_api.schemas import Accuracy, Incident, LabelsTaken, MoveIncident, Outcome
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

    def incidents(self, model: str | None = None, *, only_open: bool = False) -> list[Incident]:
        """Incidents without their timelines, newest first."""
        return self._get(list[Incident], "incidents", model=model, only_open=only_open)

    def incident(self, incident: UUID) -> Incident:
        """An incident with its timeline."""
        return self._get(Incident, "incidents", str(incident))

    def move_incident(self, incident: UUID, verb: Response, body: MoveIncident) -> Outcome:
        """Acknowledge, mitigate, resolve or close an incident."""
        return self._post(body, "incidents", str(incident), verb)
