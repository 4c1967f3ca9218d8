"""Requests and answers of the intent classifier. No torch."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from shared.profile import Source
from training.serving import Answer, Arrays, Request, refuse_unknown, require_user
from training.text import TokenHasher, require_text, tokenise, watched

ALTERNATIVES = 3


class ModelHandler:
    """``{"query": text, "user_id"?: text}`` to ``{intent, confidence, alternatives}``."""

    def __init__(self, hasher: TokenHasher, labels: Sequence[str]) -> None:
        self.hasher = hasher
        self.labels = tuple(labels)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Build from ``{"hasher": {...}, "labels": [...]}``."""
        return cls(TokenHasher.from_config(config["hasher"]), config["labels"])

    def validate(self, request: Request) -> None:
        """Raise ``ValueError`` naming the field and what to do."""
        refuse_unknown(request, ["query"])
        require_text(request, "query")
        require_user(request)

    def encode(self, requests: Sequence[Request]) -> Arrays:
        """``ids`` of shape (batch, tokens, width)."""
        return {"ids": self.hasher.encode([tokenise(r["query"]) for r in requests])}

    def decode(
        self,
        outputs: Sequence[NDArray[np.generic]],
        requests: Sequence[Request],  # noqa: ARG002
    ) -> list[Answer]:
        """From ``probabilities`` (batch, labels): the best label, and the three after it."""
        return [self._answer(row) for row in outputs[0]]

    def _answer(self, row: NDArray[np.generic]) -> Answer:
        ranked = np.argsort(-row.astype(float), kind="stable")[: ALTERNATIVES + 1]
        named = [{"intent": self.labels[i], "confidence": float(row[i])} for i in ranked]
        return {**named[0], "alternatives": named[1:]}

    def watched(self) -> dict[str, Source]:
        """Numbers about the text, the intent and its confidence."""
        return {
            **watched("query"),
            "output.intent": Source(("output", "intent")),
            "output.confidence": Source(("output", "confidence")),
        }
