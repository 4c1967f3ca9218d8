"""How people word what they want, as patterns of sentences."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Intent:
    """How people word one intent.

    ``done`` completes "I have already ...", ``topics`` completes "forget ...": both are put into
    sentences of other intents, as things that are not asked.
    """

    patterns: tuple[str, ...]
    done: tuple[str, ...]
    topics: tuple[str, ...]
