"""Patterns of sentences: ``(this|that)`` are alternatives, ``{slot}`` is filled at random."""

import re
from dataclasses import dataclass
from itertools import product

GROUP = re.compile(r"\(([^()]*)\)")


@dataclass(frozen=True)
class Intent:
    """How people word one intent.

    ``done`` completes "I have already ...", ``topics`` completes "forget ...": both are put into
    sentences of other intents, as things that are not asked.
    """

    patterns: tuple[str, ...]
    done: tuple[str, ...]
    topics: tuple[str, ...]


def expand(pattern: str) -> list[str]:
    """Every sentence template of a pattern, its slots left open."""
    parts = GROUP.split(pattern)
    choices = [part.split("|") if place % 2 else [part] for place, part in enumerate(parts)]
    return [" ".join("".join(chosen).split()) for chosen in product(*choices)]
