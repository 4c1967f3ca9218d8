"""Requests and answers of the credit risk model. No torch."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training import tabular
from training.serving import Answer, Observed, Request
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

    def observe(self, request: Request, answer: Answer) -> Observed:
        """The fields, the chance and its band."""
        return {
            **tabular.observe(self.features, request),
            "output.probability": answer["probability"],
            "output.risk_band": answer["risk_band"],
        }


def _answer(probability: float) -> Answer:
    return {
        "risk_band": next(band for band, least in BANDS if probability >= least),
        "probability": probability,
        "confidence": max(probability, 1.0 - probability),
    }
