"""Requests and answers of the credit risk model. No torch."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.profile import Source
from training import tabular
from training.serving import Answer, Request
from training.tabular import RowHandler

# Chance of default from which a borrower is in the band.
BANDS = (("high", 0.40), ("medium", 0.12), ("low", 0.0))


class ModelHandler(RowHandler):
    """An application to ``{risk_band, probability, confidence}``.

    ``probability`` is the chance of default, ``confidence`` the chance of the likelier outcome.
    """

    def decode(
        self,
        outputs: Sequence[NDArray[np.generic]],
        requests: Sequence[Request],  # noqa: ARG002
    ) -> list[Answer]:
        """From ``probability`` (batch,): the chance of default and its band."""
        return [_answer(float(value)) for value in outputs[0].astype(float)]

    def watched(self) -> dict[str, Source]:
        """The fields, the chance and its band."""
        return {
            **tabular.watched(self.features),
            "output.probability": Source(("output", "probability")),
            "output.risk_band": Source(("output", "risk_band")),
        }


def _answer(probability: float) -> Answer:
    return {
        "risk_band": next(band for band, least in BANDS if probability >= least),
        "probability": probability,
        "confidence": max(probability, 1.0 - probability),
    }
