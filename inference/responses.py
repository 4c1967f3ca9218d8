"""Answers that were given before, for models whose entry in ``models.yaml`` asks for it."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import orjson

from inference import metrics
from inference.models import Answer, Row

# A longer input is rarely sent twice, and would bound the memory by nothing.
LONGEST_BYTES = 16_384


class Place(NamedTuple):
    """What an answer depends on. With the epoch, as a late answer must not outlive its routing."""

    model: str
    version: str
    epoch: int
    rows: bytes


class Responses:
    """The newest answers of each model, as many as its size says; used by the event loop alone."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._kept: dict[str, OrderedDict[Place, list[Answer]]] = {
            model: OrderedDict() for model, size in sizes.items() if size
        }
        self._sizes = dict(sizes)

    def place(self, model: str, version: str, epoch: int, rows: Sequence[Row]) -> Place | None:
        """Where the answers to these rows are kept, ``None`` if they are not."""
        if model not in self._kept:
            return None
        content = orjson.dumps(rows, option=orjson.OPT_SORT_KEYS)
        return Place(model, version, epoch, content) if len(content) <= LONGEST_BYTES else None

    def find(self, place: Place | None) -> list[Answer] | None:
        """What was answered before."""
        if place is None:
            return None
        kept = self._kept[place.model]
        found = kept.get(place)
        if found is not None:
            kept.move_to_end(place)
        metrics.RESPONSES.labels(place.model, "miss" if found is None else "hit").inc()
        return found

    def keep(self, place: Place | None, answers: list[Answer]) -> None:
        """Keep answers, in the place of those that were used least recently."""
        if place is None:
            return
        kept = self._kept[place.model]
        kept[place] = answers
        if len(kept) > self._sizes[place.model]:
            kept.popitem(last=False)
