"""Requests and answers of the anomaly detector. No torch."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.profile import Source
from training import tabular
from training.serving import Answer, Request
from training.tabular import RowHandler

CUT = 0.5


class ModelHandler(RowHandler):
    """A payment to ``{is_anomaly, score, confidence, found_by}``.

    ``score`` is in 0..1 and an anomaly from 0.5; ``confidence`` is how far it is on its side.
    ``found_by`` is ``known`` for a kind that was learnt, ``strange`` for one that was not, else
    None.
    """

    def decode(
        self,
        outputs: Sequence[NDArray[np.generic]],
        requests: Sequence[Request],  # noqa: ARG002
    ) -> list[Answer]:
        """From ``known`` and ``strange`` (batch,): the higher of the two decides."""
        known, strange = (output.astype(float).tolist() for output in outputs)
        return [_answer(k, s) for k, s in zip(known, strange, strict=True)]

    def watched(self) -> dict[str, Source]:
        """The fields, the score and the verdict."""
        return {
            **tabular.watched(self.features),
            "output.score": Source(("output", "score")),
            "output.is_anomaly": Source(("output", "is_anomaly")),
        }


def _answer(known: float, strange: float) -> Answer:
    score = max(known, strange)
    found = score >= CUT
    return {
        "is_anomaly": found,
        "score": score,
        "confidence": max(score, 1.0 - score),
        "found_by": ("known" if known >= strange else "strange") if found else None,
    }
