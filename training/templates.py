"""Sentence templates: written as patterns, dealt to the splits, and told apart by how they read.

In a pattern ``(this|that)`` are alternatives and ``{slot}`` is filled at random later.
"""

import re
from collections.abc import Sequence
from itertools import product

import numpy as np

from training.datasets import SHARES
from training.text import Token, fold, tokenise

GROUP = re.compile(r"\(([^()]*)\)")
# Held out of so few, a template would leave its pattern hardly learnt.
FEWEST = 4


def expand(pattern: str) -> list[str]:
    """Every sentence template of a pattern, its slots left open."""
    parts = GROUP.split(pattern)
    choices = [part.split("|") if place % 2 else [part] for place, part in enumerate(parts)]
    return [" ".join("".join(chosen).split()) for chosen in product(*choices)]


def deal_pattern(templates: Sequence[str], chooser: np.random.Generator) -> dict[str, list[str]]:
    """The templates of one pattern by split; of fewer than four, all are for training."""
    order = [templates[place] for place in chooser.permutation(len(templates))]
    if len(order) < FEWEST:
        return {"train": order, "val": [], "test": []}
    test, val = (max(1, round(SHARES[split] * len(order))) for split in ("test", "val"))
    return {"test": order[:test], "val": order[test : test + val], "train": order[test + val :]}


def _words(text: str) -> list[Token]:
    return [token for token in tokenise(text) if any(map(str.isalnum, token.text))]


def canonical(text: str) -> str:
    """The text without case, digits, spacing and punctuation: equal where only numbers differ."""
    return " ".join(fold(token.text) for token in _words(text))


def verbatim(text: str) -> str:
    """The text without case, spacing and punctuation: equal for sentences that read the same."""
    return " ".join(token.text.casefold() for token in _words(text))
