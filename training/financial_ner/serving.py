"""Requests and answers of the financial NER. No torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from shared.profile import Source
from training.financial_ner.tags import Floats, best_path, tag_names, to_runs
from training.serving import Answer, Arrays, Request, refuse_unknown, require_user
from training.text import Token, TokenHasher, require_text, tokenise, watched


@dataclass(frozen=True)
class Window:
    """Tokens ``start:end`` as one row; the answers for ``keep_start:keep_end`` count."""

    start: int
    end: int
    keep_start: int
    keep_end: int


def windows(tokens: int, size: int, reach: int) -> list[Window]:
    """Rows of at most ``size`` tokens in which each token once has ``reach`` on both sides.

    A text of ``size`` tokens or fewer is one row. Where the network sees no further than
    ``reach``, the answers are those of the whole text at once.
    """
    if tokens <= size:
        return [Window(0, tokens, 0, tokens)]
    step = size - 2 * reach
    return [
        Window(max(0, kept - reach), min(tokens, kept + step + reach), kept,
               min(tokens, kept + step))
        for kept in range(0, tokens, step)
    ]  # fmt: skip


class ModelHandler:
    """``{"text": text, "user_id"?: text}`` to ``{entities: [...], confidence}``.

    An entity is ``{text, label, start, end, confidence}``, its places in characters of the text.
    The confidence of an entity is that of its least certain word; the one of the answer is the
    lowest over its entities, or over all words where there is none.
    """

    def __init__(
        self, hasher: TokenHasher, labels: Sequence[str], reach: int, pairs: Floats
    ) -> None:
        self.hasher = hasher
        self.labels = tuple(labels)
        self.tags = tag_names(labels)
        self.reach = reach
        self.pairs = pairs

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Build from ``{"hasher": {...}, "labels": [...], "reach": tokens, "pairs": [[...]]}``."""
        return cls(
            TokenHasher.from_config(config["hasher"]),
            config["labels"],
            int(config["reach"]),
            np.array(config["pairs"], dtype=float),
        )

    def validate(self, request: Request) -> None:
        """Raise ``ValueError`` naming the field and what to do."""
        refuse_unknown(request, ["text"])
        require_text(request, "text")
        require_user(request)

    def _windows(self, tokens: Sequence[Token]) -> list[Window]:
        return windows(len(tokens), self.hasher.max_tokens, self.reach)

    def encode(self, requests: Sequence[Request]) -> Arrays:
        """``ids`` of shape (rows, tokens, width); a long text takes several rows."""
        rows: list[Sequence[Token]] = []
        for request in requests:
            tokens = tokenise(request["text"])
            rows += [tokens[w.start : w.end] for w in self._windows(tokens)]
        return {"ids": self.hasher.encode(rows)}

    def decode(
        self, outputs: Sequence[NDArray[np.generic]], requests: Sequence[Request]
    ) -> list[Answer]:
        """From ``probabilities`` (rows, tokens, tags), in the rows that ``encode`` made."""
        answers, row = [], 0
        for request in requests:
            tokens = tokenise(request["text"])
            kept = []
            for window in self._windows(tokens):
                near = slice(window.keep_start - window.start, window.keep_end - window.start)
                kept.append(outputs[0][row, near])
                row += 1
            answers.append(self._answer(request["text"], tokens, np.concatenate(kept)))
        return answers

    def _answer(self, text: str, tokens: Sequence[Token], chances: NDArray[np.generic]) -> Answer:
        path = best_path(chances.astype(float), self.pairs)
        certain = [self._certainty(row, tag) for row, tag in zip(chances, path, strict=True)]
        entities: list[dict[str, Any]] = []
        for first, after, label in to_runs([self.tags[tag] for tag in path]):
            start, end = tokens[first].start, tokens[after - 1].end
            entities.append(
                {"text": text[start:end], "label": label, "start": start, "end": end,
                 "confidence": min(certain[first:after])}
            )  # fmt: skip
        lowest = [entity["confidence"] for entity in entities] or certain
        return {"entities": entities, "confidence": min(lowest)}

    def _certainty(self, row: NDArray[np.generic], tag: int) -> float:
        """Chance that a word is outside, or that it is of the entity, begun there or before."""
        kin = slice(tag, tag + 1) if tag == 0 else slice(tag - (tag + 1) % 2, tag + 1 + tag % 2)
        return min(float(row[kin].sum()), 1.0)

    def watched(self) -> dict[str, Source]:
        """Numbers about the text, how many entities of each label, and the confidence."""
        return {
            **watched("text"),
            **{
                f"output.{label}": Source(("output", "entities"), "count_label", label)
                for label in self.labels
            },
            "output.confidence": Source(("output", "confidence")),
        }
