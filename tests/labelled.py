"""Predictions in the log and their labels, for tests of how right a model is."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text
from uuid_utils.compat import uuid7

from tests.makers import INTENT


def made_at(moment: datetime) -> UUID:
    """An id that inference would make at a moment: version 7, other bits as they come."""
    stamp = int(moment.timestamp() * 1000)
    return UUID(int=(stamp << 80) | (uuid7().int & ((1 << 80) - 1)))


@dataclass
class Log:
    """The prediction log of one model, filled by hand."""

    engine: Engine
    model: str = INTENT
    version: str = "v1.1.0"
    ids: list[UUID] = field(default_factory=list)

    def answered(
        self, at: datetime, outputs: Sequence[Any], confidence: float | None = 0.9,
        arm: str = "production", status: str = "ok", inputs: Sequence[Any] | None = None,
    ) -> list[UUID]:  # fmt: skip
        """An answer for each output, all at one moment; their ids."""
        made = [made_at(at) for _ in outputs]
        asked = inputs or [{"query": "what did I spend"}] * len(outputs)
        rows = [
            {
                "id": one, "at": at, "model": self.model, "version": self.version, "arm": arm,
                "output": json.dumps(output), "confidence": confidence, "status": status,
                "input": json.dumps(request),
            }
            for one, output, request in zip(made, outputs, asked, strict=True)
        ]  # fmt: skip
        with self.engine.begin() as connection:
            connection.execute(text("SELECT ensure_prediction_partition(:day)"), {"day": at.date()})
            connection.execute(
                text(
                    "INSERT INTO model_predictions (prediction_id, predicted_at, model_name,"
                    " version, arm, input, output, confidence, latency_ms, status) VALUES (:id,"
                    " :at, :model, :version, :arm, :input, :output, :confidence, 1.5, :status)"
                ),
                rows,
            )
        self.ids += made
        return made

    def column(self, name: str) -> dict[str, Any]:
        """A column of every prediction by its id."""
        with self.engine.connect() as connection:
            found = connection.execute(text(f"SELECT prediction_id, {name} FROM model_predictions"))
            return {str(one): value for one, value in found}


def sheet(rows: Sequence[tuple[object, str]]) -> bytes:
    """A CSV file of labels."""
    return "\n".join(["prediction_id,label", *(f"{i},{label}" for i, label in rows)]).encode()
