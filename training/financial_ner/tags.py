"""Entities as one tag per word, and back: B- begins an entity, I- goes on with it, O is outside."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from training.text import Token

OUTSIDE = "O"
# Log odds that a pair of tags loses at most; more would let one wrong word rule its neighbours.
WORST = -6.0

Floats = NDArray[np.float64]


def tag_names(labels: Sequence[str]) -> list[str]:
    """All tags of some labels; the place in the list is the class of the network."""
    return [OUTSIDE, *(f"{edge}-{label}" for label in labels for edge in "BI")]


def to_tags(tokens: Sequence[Token], entities: Sequence[tuple[int, int, str]]) -> list[str]:
    """One tag per token, from entities (start, end, label) whose edges are edges of tokens."""
    tags = [OUTSIDE] * len(tokens)
    for start, end, label in entities:
        for place, token in enumerate(tokens):
            if start <= token.start and token.end <= end:
                tags[place] = f"{'B' if token.start == start else 'I'}-{label}"
    return tags


def to_runs(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """Entities as (first token, token after the last, label).

    An I- that goes on with nothing begins an entity, as in the CoNLL evaluation.
    """
    runs: list[tuple[int, int, str]] = []
    before = ""
    for place, tag in enumerate(tags):
        label = tag[2:]
        if tag == OUTSIDE:
            before = ""
            continue
        if tag[0] == "I" and label == before:
            first, _, _ = runs[-1]
            runs[-1] = (first, place + 1, label)
        else:
            runs.append((place, place + 1, label))
        before = label
    return runs


def pair_scores(names: Sequence[str], sentences: Iterable[Sequence[str]]) -> Floats:
    """How much rarer a tag is after another than by itself, as log odds in ``WORST``..0.

    Shape (tags, tags), the earlier tag first; from annotated sentences, each pair counted once
    more than it was seen.
    """
    place = {name: number for number, name in enumerate(names)}
    pairs = np.ones((len(names), len(names)))
    for sentence in sentences:
        for before, after in pairwise(sentence):
            pairs[place[before], place[after]] += 1.0
    shares = pairs / pairs.sum(axis=1, keepdims=True)
    return np.clip(np.log(shares / (pairs.sum(axis=0) / pairs.sum())), WORST, 0.0)


def best_path(chances: Floats, pairs: Floats) -> list[int]:
    """The likeliest tags of a sentence (Viterbi 1967), from chances (tokens, tags) and
    ``pair_scores``."""
    scores = np.log(np.maximum(chances, 1e-9))
    best, came_from = scores[0], []
    for own in scores[1:]:
        reached = best[:, None] + pairs
        came_from.append(reached.argmax(axis=0))
        best = reached.max(axis=0) + own
    path = [int(best.argmax())]
    for origins in reversed(came_from):
        path.append(int(origins[path[-1]]))
    return path[::-1]
